"""What a deletion or a move has to remember to be undone: for a while, and for so much.

Here: noting, and putting back what was deleted.  Not here: the way back of what
was moved, which is a move like any other (bulk.py), and for how long it is kept
(mgmt_ui/jobs.py).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from broker.clock import Clock
from broker.message import Message
from broker.yielding import Breather

if TYPE_CHECKING:
    from broker.queue import Queue

MOST = 10_000
"""Messages that can be put back; more, and nothing is kept."""

MOST_OCTETS = 16 << 20
"""And the octets of their bodies."""


class Undo:
    """What was taken out of a queue; nothing once it was too much.

    What was deleted is kept itself; of what was moved to `target` its positions there.
    """

    __slots__ = ("_full", "messages", "octets", "positions", "source", "target")

    def __init__(self, source: "Queue", target: "Queue | None" = None) -> None:
        self.source = source
        self.target = target
        self.messages: list[Message] = []
        self.positions: list[int] = []
        self.octets = 0
        self._full = False

    @property
    def count(self) -> int:
        """How many can be put back."""
        return len(self.messages) + len(self.positions)

    def note(self, message: Message) -> None:
        """A message that is being taken out, before it goes to the target."""
        if self._full:
            return
        if self.target is not None:
            self.positions.append(self.target.next_position)
        else:
            self.messages.append(message)
            self.octets += message.header.body_size
        if self.count > MOST or self.octets > MOST_OCTETS:
            self.forget()
            self._full = True

    def forget(self) -> None:
        """Nothing can be put back any more."""
        self.messages, self.positions, self.octets = [], [], 0

    async def restore(self, clock: Clock) -> int:
        """What was deleted comes back at the end of its queue; gives how many a full queue took."""
        messages: Sequence[Message] = self.messages
        self.forget()
        breather = Breather(clock)
        restored = 0
        for message in messages:
            if self.source.deleted:
                break
            restored += self.source.offer(message)
            self.source.turn.schedule()
            await breather.breathe()
        return restored
