"""What the management plane needs of the broker, as one interface: `Server`.

The daemon's server has these attributes; tests hand in a small object of their own.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from broker.clock import Clock
    from broker.connection import Connection
    from broker.context import Context
    from broker.options import Options
    from broker.queue import Queue
    from vhosts.registry import VirtualHosts


class Listener(NamedTuple):
    """An address that is listened on; `protocol` as spec 2.10 names it.

    That is amqp, amqp/ssl, http or https.
    """

    protocol: str
    address: str
    port: int


class Server(Protocol):
    """The running broker."""

    @property
    def clock(self) -> "Clock": ...
    @property
    def options(self) -> "Options": ...
    @property
    def node_name(self) -> str:
        """`name@host`, as tools expect a node to be called."""

    @property
    def vhosts(self) -> "VirtualHosts[Queue]":
        """All virtual hosts, with who may enter them."""

    @property
    def connections(self) -> "Iterable[Connection]":
        """Those in their handshake and those that are closing, too."""

    @property
    def listeners(self) -> Sequence[Listener]: ...
    @property
    def context(self) -> "Context":
        """What its connections share."""

    async def start_vhost(self, name: str) -> bool:
        """Recovers a virtual host that is down; whether it is up now."""

    async def stop_vhost(self, name: str) -> None:
        """Takes a virtual host down, which stays as it is on the disk."""

    async def delete_vhost(self, name: str) -> bool:
        """Deletes a virtual host with all that is in it; False if the disk refuses.

        `stored` tells when the disk has it.
        """

    async def stored(self) -> bool:
        """Returns once all changes made so far are on the disk; False if it refuses too long."""

    def reload(self, options: "Options") -> tuple[tuple[str, ...], dict[str, str]]:
        """Takes up what differs from the options in force: names of what was changed, and of
        what could not be, each with the reason."""

    @property
    def alarms(self) -> Sequence[str]:
        """Alarms in effect: 'memory', 'disk'."""
