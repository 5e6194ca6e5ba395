"""Who is connected: every connection, and by virtual host and user those that are through.

Here: counting them for limits, and turning out those whose virtual host or user
is gone.  Not here: whether somebody may come in (vhosts).
"""

from typing import TYPE_CHECKING

from broker import audit
from broker.clock import Clock
from persistence.steps import Steps

if TYPE_CHECKING:
    from broker.connection import Connection
    from broker.queue import Queue
    from broker.quotas import Quota
    from vhosts.vhost import VirtualHost


class Roster:
    """Connections from open-ok to their end, by the names of their virtual host and user."""

    __slots__ = ("_by_user", "_by_vhost", "_clock", "_quotas")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._quotas: dict[str, Quota] = {}
        self._by_vhost: dict[str, set[Connection]] = {}
        self._by_user: dict[str, set[Connection]] = {}

    def enter(self, connection: "Connection") -> None:
        """It has opened its virtual host."""
        _note("connection.opened", connection)
        self._by_vhost.setdefault(connection.vhost.name, set()).add(connection)
        self._by_user.setdefault(connection.user.name, set()).add(connection)
        if (quota := self.quota(connection.vhost)) is not None:
            quota.admit(connection)

    def leave(self, connection: "Connection") -> None:
        """It has ended."""
        _note("connection.closed", connection)
        _remove(self._by_vhost, connection.vhost.name, connection)
        _remove(self._by_user, connection.user.name, connection)

    def channels(self, user: str) -> int:
        """Channels that the user has open."""
        return sum(len(connection.channels) for connection in self._by_user.get(user, ()))

    def quota(self, vhost: "VirtualHost[Queue]") -> "Quota | None":
        """What `vhost` may bring, None where it may bring anything."""
        if not vhost.rationed:
            return None
        found = self._quotas.get(vhost.name)
        if found is None or found.vhost is not vhost:
            from broker.quotas import Quota  # most brokers never need it

            found = self._quotas[vhost.name] = Quota(
                vhost, self._clock, lambda: self._found(vhost.name, None)
            )
        return found

    # -- vhosts.interfaces.Presence ------------------------------------------------------

    def count(self, *, vhost: str | None = None, user: str | None = None) -> int:
        """Open connections to the virtual host, or of the user, or all there are."""
        if vhost is None and user is None:
            return sum(map(len, self._by_vhost.values()))
        return len(self._found(vhost, user))

    def expel(self, text: str, *, vhost: str | None = None, user: str | None = None) -> Steps[None]:
        """Closes them with 320 and this text (spec 2.8)."""
        for connection in list(self._found(vhost, user)):
            if connection in self._found(vhost, user):
                connection.force_close(text)
            yield None

    def ration(self, vhost: "VirtualHost[Queue]") -> None:
        """The limits of what is published in `vhost` are others than before."""
        quota = self.quota(vhost) or self._quotas.pop(vhost.name, None)
        if quota is not None and quota.vhost is vhost:
            quota.apply()

    def _found(self, vhost: str | None, user: str | None) -> "set[Connection]":
        if vhost is not None:
            return self._by_vhost.get(vhost, set())
        return self._by_user.get(user or "", set())


def _note(event: str, connection: "Connection") -> None:
    if audit.on:
        tls = connection.tls
        audit.note_of(
            connection,
            event,
            mechanism=connection.mechanism,
            tls=tls and tls.protocol,
            certificate=tls and tls.certificate and tls.certificate.subject,
        )


def _remove(groups: "dict[str, set[Connection]]", name: str, connection: "Connection") -> None:
    group = groups.get(name, set())
    group.discard(connection)
    if not group:
        groups.pop(name, None)
