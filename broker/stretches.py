"""Stretches of the messages that were never delivered: found, looked at, and taken out.

Here: that for a deque whose positions rise.  Turning a deque moves whole blocks,
which is far quicker than stepping to its middle.
"""

from bisect import bisect_left
from collections import deque
from itertools import islice

from broker.message import QueuedMessage

Fresh = deque[QueuedMessage]


def index(fresh: Fresh, position: int) -> int:
    """Of the first message from a position on."""
    if not fresh or position <= fresh[0].position:
        return 0
    # Mostly there are no gaps.
    guess = position - fresh[0].position
    if guess < len(fresh) and fresh[guess].position == position:
        return guess
    return bisect_left(fresh, position, key=_position)


def _position(entry: QueuedMessage) -> int:
    return entry.position


def window(fresh: Fresh, start: int, count: int) -> list[QueuedMessage]:
    """Up to `count` messages from index `start` on."""
    fresh.rotate(-start)
    found = list(islice(fresh, min(count, len(fresh) - start)))
    fresh.rotate(start)
    return found


def cut(fresh: Fresh, wanted: set[QueuedMessage]) -> set[QueuedMessage]:
    """Takes out what is wanted and there, at the cost of the stretch between first and last."""
    if not wanted or not fresh:
        return set()
    first = index(fresh, min(map(_position, wanted)))
    last = index(fresh, max(map(_position, wanted)) + 1)
    fresh.rotate(-first)
    stretch = [fresh.popleft() for _ in range(last - first)]
    fresh.extendleft(entry for entry in reversed(stretch) if entry not in wanted)
    fresh.rotate(first)
    return wanted.intersection(stretch)
