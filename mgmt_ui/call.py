"""A request as a handler sees it: who asks, about what, and what they may see (spec 1.4)."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from mgmt_ui.auth import Tag, has_tag
from mgmt_ui.errors import not_authorised, not_found

if TYPE_CHECKING:
    from broker.connection import Connection
    from broker.queue import Queue
    from mgmt_ui.rates import Rates
    from mgmt_ui.server import Server
    from vhosts.users import User
    from vhosts.vhost import VirtualHost


class Call:
    """One authenticated request. `path` holds the segments that the route names in braces."""

    __slots__ = ("_vhost_header", "path", "query", "rates", "server", "user")

    def __init__(
        self,
        server: "Server",
        rates: "Rates",
        user: "User",
        path: Mapping[str, str],
        query: Mapping[str, str],
        vhost_header: str | None = None,
    ) -> None:
        self.server = server
        self.rates = rates
        self.user = user
        self.path = path
        self.query = query
        self._vhost_header = vhost_header

    @property
    def monitoring(self) -> bool:
        """Whether the user sees the whole node and everybody's connections."""
        return has_tag(self.user, Tag.MONITORING)

    @property
    def vhost(self) -> "VirtualHost[Queue]":
        """The virtual host that the path names.

        Raises ApiError 404 where there is none, 401 where the user has no permission in it:
        administrators are no exception (spec 1.4).
        """
        name = self.path["vhost"]
        vhost = self.server.vhosts.get(name)
        if vhost is None:
            raise not_found()
        if not self._may_enter(name):
            raise not_authorised("User not authorised to access virtual host")
        return vhost

    def visible_vhosts(self) -> "list[VirtualHost[Queue]]":
        """Those whose queues and exchanges the user may list, by name; x-vhost narrows them."""
        found = [
            vhost
            for vhost in self.server.vhosts
            if self._may_enter(vhost.name) and self._wanted(vhost.name)
        ]
        return sorted(found, key=lambda vhost: vhost.name)

    def counted_vhosts(self) -> "list[VirtualHost[Queue]]":
        """Those that count in totals: monitoring users see the sums of all."""
        return list(self.server.vhosts) if self.monitoring else self.visible_vhosts()

    def visible_connections(self) -> "Iterator[Connection]":
        """All open ones to monitoring users, their own to others; x-vhost narrows them."""
        for connection in self.server.connections:
            # Before the handshake is through there is no user, and nothing to show.
            if connection.state == "starting" or not hasattr(connection, "user"):
                continue
            mine = self.monitoring or connection.user.name == self.user.name
            if mine and self._wanted(connection.vhost.name):
                yield connection

    def _may_enter(self, vhost: str) -> bool:
        return self.server.vhosts.permissions.get(self.user.name, vhost) is not None

    def _wanted(self, vhost: str) -> bool:
        return self._vhost_header is None or self._vhost_header == vhost
