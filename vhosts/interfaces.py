"""What virtual hosts ask of the things they are given: queues, and what exchanges need."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from exchanges.base import Binding, Exchange
from vhosts.argument_checks import Table

if TYPE_CHECKING:
    from vhosts.vhost import VirtualHost


class QueueLike(Protocol):
    """A queue as a virtual host sees it. Queues are told apart by identity."""

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

    def restore_marks(self, marks: list[int]) -> None:
        """At start: positions below these may have been delivered, one a priority level."""

    def close(self) -> None:
        """The queue is deleted: cancel its consumers, drop its messages."""


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

Furnish = Callable[["VirtualHost[Any]", Exchange, int | None], None]
"""Gives a new exchange what it needs of the broker, before a message can reach it (spec 6.5).

The number is the id that its waiting room was stored by, None where it was not.
"""
