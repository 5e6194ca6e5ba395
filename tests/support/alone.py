"""Tests that measure time have the machine to themselves, also when pytest runs several at once.

Each worker process holds a lock for as long as a test takes: shared by most, exclusive for those
marked `alone`.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Two files that all workers see and nobody has to clear away; only the locks on them matter.
ROOM = Path(__file__)
DOOR = ROOM.with_name("__init__.py")


@contextmanager
def turn(*, alone: bool) -> Iterator[None]:
    """Begins when the others let it; they wait as long as it is `alone`."""
    # Through a door that takes one at a time: who waits to be alone keeps it, so that those who
    # share do not take turns for ever.
    with DOOR.open() as door, ROOM.open() as room:
        fcntl.flock(door, fcntl.LOCK_EX)
        fcntl.flock(room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(door, fcntl.LOCK_UN)
        yield
