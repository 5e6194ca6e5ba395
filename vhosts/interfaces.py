"""What virtual hosts ask of the things they are given: queues, and what exchanges need."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from exchanges.base import Binding, Exchange
from persistence.damage import Damage
from persistence.steps import Steps
from vhosts.argument_checks import Table

if TYPE_CHECKING:
    from vhosts.policies import Policy
    from vhosts.vhost import VirtualHost


PAUSED = "leveret-paused"
"""The component of the parameters that say which durable queues are paused."""


class QueueLike(Protocol):
    """A queue as a virtual host sees it. Queues are told apart by identity.

    `creator` is the user who declared it; empty where that was not noted.
    """

    creator: str

    @property
    def name(self) -> str: ...
    @property
    def durable(self) -> bool: ...
    @property
    def auto_delete(self) -> bool: ...
    @property
    def owner(self) -> object | None:
        """The connection that the queue is exclusive to."""

    @property
    def arguments(self) -> Table: ...
    @property
    def id(self) -> int:
        """What the message log knows the queue by."""

    @property
    def consumer_count(self) -> int: ...
    @property
    def message_count(self) -> int:
        """Ready messages only."""

    @property
    def paused(self) -> bool:
        """Whether it delivers nothing for the time being."""

    def hold(self) -> None:
        """It is paused, as the store knows."""

    @property
    def policy(self) -> "Policy | None":
        """The policy that the queue comes under."""

    @property
    def operator_policy(self) -> "Policy | None":
        """The operator policy that it comes under as well."""

    @property
    def effective_policy(self) -> dict[str, Any]:
        """What both come to together."""

    def come_under(
        self,
        policy: "Policy | None",
        operator_policy: "Policy | None",
        effective: dict[str, Any],
    ) -> None:
        """These policies are for the queue from now on, and all that follows from it happens."""

    def restore_marks(self, marks: list[int] | None) -> None:
        """At start: positions below these may have been delivered, one a priority level.

        None where that is not known any more.
        """

    def begin(self) -> bool:
        """All is restored, and time counts from now on; whether it has something to do at once."""

    def save_frontiers(self) -> None:
        """Has the store know exactly what was delivered."""

    def close(self) -> None:
        """The queue is deleted: cancel its consumers, drop its messages."""

    def dismiss(self) -> None:
        """Cancel its consumers."""

    def suspend(self) -> None:
        """The virtual host is gone: nothing happens here any more, the disk stays as it is."""


Q = TypeVar("Q", bound=QueueLike)


class QueueFactory(Protocol[Q]):
    """Makes a queue; it is not yet known to the virtual host, which does the rest."""

    def __call__(
        self,
        vhost: "VirtualHost[Q]",
        name: str,
        *,
        durable: bool,
        owner: object | None,
        auto_delete: bool,
        arguments: Table,
        queue_id: int,
    ) -> Q: ...


Replay = Callable[["VirtualHost[Any]", Binding, Iterable[Any]], None]
"""Takes the messages that a new binding is due from before it was made (spec 6.7)."""

Recall = Callable[["VirtualHost[Any]", Damage], Steps[None]]
"""Reads the messages of a virtual host back into its queues, which exist already (spec 9.3)."""


class Presence(Protocol):
    """Who is connected: the registry asks, counts and turns out, but knows no connection."""

    def count(self, *, vhost: str | None = None, user: str | None = None) -> int:
        """Open connections to the virtual host, or of the user, or all there are."""

    def expel(self, text: str, *, vhost: str | None = None, user: str | None = None) -> Steps[None]:
        """Closes them with 320 and this text (spec 2.8)."""

    def ration(self, vhost: "VirtualHost[Any]") -> None:
        """The limits of what is published in `vhost` are others than before."""


class Nobody:
    """The presence where nobody can connect."""

    def count(self, *, vhost: str | None = None, user: str | None = None) -> int:
        return 0

    def expel(self, text: str, *, vhost: str | None = None, user: str | None = None) -> Steps[None]:
        """There is nobody to turn out."""
        yield from ()

    def ration(self, vhost: "VirtualHost[Any]") -> None:
        """There is nobody to hold up."""


Furnish = Callable[["VirtualHost[Any]", Exchange, int | None], None]
"""Gives a new exchange what it needs of the broker, before a message can reach it (spec 6.5).

The number is the id that its waiting room was stored by, None where it was not.
"""
