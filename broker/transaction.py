"""tx: what a transactional channel holds back until commit (spec 5.8).

Here: the publishes and settlements of one transaction.  Not here: validation
and routing, which happen at once (publishing.py), and tx.* itself (handlers/tx.py).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from broker import publishing
from broker.message import Message, QueuedMessage
from broker.tally import count_routed
from vhosts import errors

if TYPE_CHECKING:
    from broker.channel import Channel
    from broker.queue import Queue


class Transaction:
    """The state of tx mode on one channel."""

    # FAIL requeues too, and counts towards the delivery limit of a quorum queue (spec 8.1).
    ACK, REJECT, REQUEUE, FAIL = range(4)

    __slots__ = ("_channel", "_publishes", "_settlements")

    def __init__(self, channel: "Channel") -> None:
        self._channel = channel
        self._publishes: list[tuple[Message, Sequence[Queue], publishing.Target]] = []
        self._settlements: list[tuple[int, list[QueuedMessage]]] = []

    @property
    def held(self) -> int:
        """Deliveries whose settlement waits for the commit."""
        return len(self._held())

    @property
    def publishes(self) -> int:
        """Messages that wait for the commit."""
        return len(self._publishes)

    def publish(
        self, message: Message, queues: Sequence["Queue"], target: publishing.Target
    ) -> None:
        """Holds back a routed message."""
        self._publishes.append((message, queues, target))

    def settle(self, entries: list[QueuedMessage], kind: int) -> None:
        """Holds back settlements (ACK, REJECT, REQUEUE or FAIL)."""
        self._settlements.append((kind, entries))

    def commit(self) -> bool:
        """Applies all, publishes first, as one part of the next group commit.

        Returns whether there is anything that the disk must have before commit-ok.
        Raises PreconditionFailed where a queue refused a message.
        """
        channel = self._channel
        publishes, self._publishes = self._publishes, []
        settlements, self._settlements = self._settlements, []
        stored, taken = False, True
        for message, queues, target in publishes:
            channel.tally.note(target, message.header.key, 1)
            count_routed(target, queues, 1, int(message.persistent))
            for queue in queues:
                if queue.deleted:
                    continue
                taken = queue.offer(message) and taken
                stored = stored or queue.stores(message)
            if target.mandatory and publishing.unroutable(queues):
                publishing.send_return(channel, message)
        for kind, entries in settlements:
            if kind == self.ACK:
                for entry in entries:
                    if entry.batch is not None:
                        stored = True
                        channel.vhost.log.settle_with_commit(entry)
                channel.acked(entries)
            else:
                # What is dropped must be as gone as what is acked.
                dropped = kind != self.REQUEUE and any(entry.batch for entry in entries)
                stored = stored or dropped
                channel.give_back(entries, kind)
        if not taken:
            raise errors.PreconditionFailed("partial tx completion")
        return stored

    def rollback(self) -> None:
        """Drops the publishes; the deliveries are outstanding again under their tags."""
        self._publishes.clear()
        self._channel.unacked.put_back(self._held())
        self._settlements.clear()

    def abandon(self, outstanding: list[QueuedMessage]) -> list[QueuedMessage]:
        """The channel ends: all that must go back to the queues, with `outstanding`."""
        held = [entry for _, entry in self._held()]
        self._publishes.clear()
        self._settlements.clear()
        return held + outstanding

    def _held(self) -> list[tuple[int, QueuedMessage]]:
        return [(entry.tag, entry) for _, entries in self._settlements for entry in entries]
