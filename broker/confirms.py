"""Publisher confirms of one channel.

Here: which publishes may be confirmed, and joining them into few basic.ack
frames (spec 5.5).  Not here: what makes a message safe (persistence), and when
the frames go out (turn.py).

Sequence numbers are confirmed strictly in order, so every ack can be
`multiple` and none can overtake another; what needs no disk waits for what
was published before it on the same channel.
"""

from collections import deque
from typing import TYPE_CHECKING

from broker.amqp import hot

if TYPE_CHECKING:
    from broker.channel import Channel
    from broker.served import Flow


class Confirms:
    """The confirm mode of a channel; sequence numbers start at 1 (spec 3.2)."""

    __slots__ = (
        "_acked",
        "_channel",
        "_earlier",
        "_flow",
        "_marks",
        "_noted",
        "_ready",
        "_refused",
        "published",
    )

    def __init__(self, channel: "Channel") -> None:
        self._channel = channel
        self.published = 0
        self._ready = 0
        self._acked = 0
        self._noted = False
        # (commit number, sequence number up to which that commit suffices)
        self._marks: deque[tuple[int, int]] = deque()
        self._refused: deque[int] = deque()
        # Where the newest were published, and before: (flow, sequence number of its last).
        self._flow: Flow | None = None
        self._earlier: deque[tuple[Flow | None, int]] = deque()

    @property
    def unconfirmed(self) -> int:
        """Publishes that were neither acked nor nacked yet."""
        return self.published - self._acked

    def add(self, count: int, commit: int, flow: "Flow | None" = None) -> None:
        """`count` messages were published; they are safe once `commit` is done (0: already).

        `flow` counts those that are confirmed; None: nobody does.
        """
        if flow is not self._flow:
            self._turn_to(flow)
        self.published = published = self.published + count
        marks = self._marks
        if commit:
            if marks:
                if marks[-1][0] == commit:
                    marks.pop()
            else:
                self._channel.turn.await_commit(self)
            marks.append((commit, published))
        elif marks:
            marks.append((marks.pop()[0], published))
        else:
            self._ready = published
            self._note()

    def refuse(self, commit: int, flow: "Flow | None" = None) -> None:
        """One message was published and not taken by a queue: it will be nacked.

        Without a `flow` it was not even looked at.
        """
        self._refused.append(self.published + 1)
        self.add(1, commit, flow)

    def _turn_to(self, flow: "Flow | None") -> None:
        if self.unconfirmed:
            self._earlier.append((self._flow, self.published))
        self._flow = flow

    def committed(self, done: int) -> bool:
        """A commit ended; True while others are waited for."""
        marks = self._marks
        while marks and marks[0][0] <= done:
            self._ready = marks.popleft()[1]
        if self._ready > self._acked:
            self._note()
        return bool(marks)

    def forget(self) -> None:
        """The channel is gone: confirms never outlive it."""
        self._marks.clear()
        self._refused.clear()
        self._earlier.clear()
        self._acked = self._ready = self.published

    def flush(self) -> None:
        """Puts the confirms that are due into the connection's output."""
        self._noted = False
        while self._refused and self._refused[0] <= self._ready:
            refused = self._refused.popleft()
            self._ack(refused - 1)
            self._channel.send(hot.refuse(self._channel.number, refused))
            self._share_out(refused, 0)
            self._acked = refused
        self._ack(self._ready)

    def _ack(self, upto: int) -> None:
        due = upto - self._acked
        if due > 0:
            self._channel.send(hot.confirm(self._channel.number, upto, due > 1))
            self._share_out(upto)
            self._acked = upto

    def _share_out(self, upto: int, weight: int = 1) -> None:
        # Who published what is confirmed now: mostly all of it went to one exchange.
        earlier, acked = self._earlier, self._acked
        while earlier and acked < upto:
            flow, last = earlier[0]
            if flow is not None:
                flow.confirmed((min(last, upto) - acked) * weight)
            acked = min(last, upto)
            if acked < last:
                return
            earlier.popleft()
        if self._flow is not None:
            self._flow.confirmed((upto - acked) * weight)

    def _note(self) -> None:
        if not self._noted:
            self._noted = True
            self._channel.turn.confirming.append(self)
