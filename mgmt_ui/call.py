"""A request as a handler sees it: who asks, about what, and what they may see (spec 1.4)."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from operator import attrgetter
from typing import TYPE_CHECKING

from mgmt_ui import payload
from mgmt_ui.auth import Tag, has_tag
from mgmt_ui.details import Details
from mgmt_ui.errors import ApiError, bad_request, not_authorised, not_found
from vhosts import naming

if TYPE_CHECKING:
    from broker.connection import Connection
    from broker.queue import Queue
    from exchanges.base import Exchange
    from mgmt_ui.rates import Rates
    from mgmt_ui.server import Server
    from mgmt_ui.sessions import Sessions
    from vhosts.permissions import Authorise
    from vhosts.users import User
    from vhosts.vhost import VirtualHost

NOT_OPEN = ("starting", "closed")
"""States of connections that have no user yet, or nothing else any more."""

DEFAULT_EXCHANGE = "amq.default"
"""What the default exchange is called in paths."""


def exchange_name(segment: str) -> str:
    """The name of an exchange in a path, the default one by its own, empty name."""
    return "" if segment == DEFAULT_EXCHANGE else segment


class Call:
    """One authenticated request. `path` holds the segments that the route names in braces.

    `remote` is the client's address; `headers` are the request's, names in lower case or any.
    `user` is missing where the route asks for no login. `only_looked` says of a request that
    may change something that it has not: no log of changes tells of it.
    """

    __slots__ = (
        "_authoriser",
        "_details",
        "_read",
        "_vhost_header",
        "headers",
        "method",
        "only_looked",
        "open_to",
        "path",
        "query",
        "rates",
        "remote",
        "server",
        "sessions",
        "user",
    )

    def __init__(
        self,
        server: "Server",
        rates: "Rates",
        user: "User | None",
        path: Mapping[str, str],
        query: Mapping[str, str],
        vhost_header: str | None = None,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        remote: str | None = None,
        read: Callable[[], Awaitable[bytes]] | None = None,
        sessions: "Sessions | None" = None,
    ) -> None:
        self._authoriser: Authorise | None = None
        # What `find_open_doors` has found.
        self.open_to: set[str] = set()
        self.only_looked = False
        self.server = server
        self.rates = rates
        if user is not None:
            self.user = user
        self.path = path
        self.query = query
        self._vhost_header = vhost_header
        self.method = method
        self.headers = headers or {}
        self.remote = remote
        self._read = read
        self._details: Details | None = None
        if sessions is not None:
            self.sessions = sessions

    # -- what it brings ------------------------------------------------------------------

    async def raw_body(self) -> bytes:
        """The octets of the body; ApiError 400 when there are too many."""
        return b"" if self._read is None else await self._read()

    async def body(self) -> payload.Payload:
        """The JSON object in the body; ApiError 400 when it is none, 415 for an empty type."""
        if self.headers.get("content-type") == "":
            raise ApiError(415)
        return payload.parse(await self.raw_body())

    async def stored(self) -> None:
        """Returns once all changes made so far are on the disk; ApiError 503 if it refuses."""
        if not await self.server.stored():
            raise ApiError(503, "service_unavailable", "the disk does not take writes")

    @property
    def details(self) -> Details:
        """Rates and samples as the request wants them; ApiError 400 where it wants too many."""
        if self._details is None:
            # Counters read after this are exact.
            self.server.context.tally.share_out()
            self._details = Details(self.rates, self.query, self.server.clock.now_ms())
        return self._details

    # -- what it is about ----------------------------------------------------------------

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
            changing = self.method in {"PUT", "POST"}
            raise ApiError(404, "not_found", "vhost_not_found") if changing else not_found()
        if not self.may_enter(name):
            raise not_authorised("User not authorised to access virtual host")
        return vhost

    @property
    def any_vhost(self) -> "VirtualHost[Queue]":
        """The virtual host that the path names, permitted or not: for administrators' routes.

        ApiError 404 where there is none.
        """
        vhost = self.server.vhosts.get(self.path["vhost"])
        if vhost is None:
            raise not_found()
        return vhost

    @property
    def any_user(self) -> "User":
        """The user that the path names; ApiError 404 where there is none."""
        user = self.server.vhosts.users.get(self.path["user"])
        if user is None:
            raise not_found()
        return user

    @property
    def authorise(self) -> "Authorise":
        """Checks the user's permissions in `vhost`, for the methods of VirtualHost.

        Raises Waiting where another back end must be asked: then the handler is called again.
        """
        if self.user.identity is not None:
            return self._ask_elsewhere()
        return self.server.vhosts.permissions.authoriser(self.user.name, self.path["vhost"])

    def _ask_elsewhere(self) -> "Authorise":
        from broker.access import Authoriser  # there already, where anybody has an identity

        if self._authoriser is None:
            vhost = self.vhost
            exists = vhost.queues.__contains__
            self._authoriser = Authoriser(self.user.identity, vhost.name, exists)
        return self._authoriser

    async def find_open_doors(self) -> None:
        """Asks which virtual hosts the user may enter, where another back end knows that."""
        identity = self.user.identity if hasattr(self, "user") else None
        if identity is None:
            return
        from broker import access

        names = [vhost.name for vhost in self.server.vhosts]
        address = self.remote or ""
        answers = await asyncio.gather(
            *(access.may_enter(identity, name, address) for name in names)
        )
        self.open_to = {name for name, may in zip(names, answers, strict=True) if may}

    @property
    def queue(self) -> "Queue":
        """The queue that the path names; ApiError 404 where there is none."""
        name, queues = self.path["name"], self.vhost.queues
        # Some clients quote a path as if it were a query, with + for a space (spec 1.1).
        queue = queues.get(name) or queues.get(name.replace("+", " "))
        if queue is None:
            raise not_found()
        return queue

    def new_name(self, kind: str) -> str:
        """The name in the path, for a new 'queue' or 'exchange'; ApiError 400 if it is too long."""
        name = naming.clean(self.exchange_name if kind == "exchange" else self.path["name"])
        size = len(name.encode("utf-8", "surrogateescape"))
        if size > payload.SHORT:
            raise bad_request(
                f"{kind} should be less than {payload.SHORT} bytes, actually was {size}"
            )
        return name

    @property
    def connection(self) -> "Connection":
        """The open connection that the path names; raises as `connection_named`."""
        return self.connection_named(self.path["name"])

    def connection_named(self, name: str) -> "Connection":
        """The open connection of this name.

        Raises ApiError 404 where there is none, 401 where it is somebody else's and the user may
        not see the whole node.
        """
        for connection in self.server.connections:
            if connection.name == name and connection.state not in NOT_OPEN:
                if not self.monitoring and connection.user.name != self.user.name:
                    raise not_authorised("User not authorised to access object")
                return connection
        raise not_found()

    @property
    def exchange_name(self) -> str:
        """The name of the exchange in the path."""
        return exchange_name(self.path["name"])

    @property
    def exchange(self) -> "Exchange":
        """The exchange that the path names; ApiError 404 where there is none."""
        exchange = self.vhost.exchanges.get(self.exchange_name)
        if exchange is None:
            raise not_found()
        return exchange

    # -- what they may see ---------------------------------------------------------------

    def visible_vhosts(self) -> "list[VirtualHost[Queue]]":
        """Those whose queues and exchanges the user may list, by name; x-vhost narrows them."""
        found = [
            vhost
            for vhost in self.server.vhosts
            if self.may_enter(vhost.name) and self.wants(vhost.name)
        ]
        return sorted(found, key=lambda vhost: vhost.name)

    def known_vhosts(self) -> "list[VirtualHost[Queue]]":
        """Those that the user may know of, by name: monitoring users see them all."""
        found = [
            each for each in self.server.vhosts if self.monitoring or self.may_enter(each.name)
        ]
        return sorted(found, key=lambda vhost: vhost.name)

    def counted_vhosts(self) -> "list[VirtualHost[Queue]]":
        """Those that count in totals: monitoring users see the sums of all."""
        return list(self.server.vhosts) if self.monitoring else self.visible_vhosts()

    def visible_connections(self) -> "Iterator[Connection]":
        """All open ones to monitoring users, their own to others; x-vhost narrows them."""
        everybody, me, wanted = self.monitoring, self.user.name, self._vhost_header
        for connection in self.server.connections:
            # Before the handshake is through there is no user, and nothing to show.
            # Of one that only waits for its socket to close, nothing is left.
            if connection.state in NOT_OPEN:
                continue
            mine = everybody or connection.user.name == me
            if mine and (wanted is None or connection.vhost.name == wanted):
                yield connection

    def connections_in_order(self) -> "list[Connection]":
        """`visible_connections` by virtual host and name."""
        # By text alone, twice: five thousand pairs take three times as long to sort.
        found = sorted(self.visible_connections(), key=attrgetter("name"))
        found.sort(key=lambda connection: connection.vhost.name)
        return found

    def may_enter(self, vhost: str) -> bool:
        """Whether the user has a permission row there, be it all empty."""
        if self.user.identity is not None:
            return vhost in self.open_to
        return self.server.vhosts.permissions.get(self.user.name, vhost) is not None

    def wants(self, vhost: str) -> bool:
        """Whether it asks for this virtual host, if for one at all by x-vhost."""
        return self._vhost_header is None or self._vhost_header == vhost
