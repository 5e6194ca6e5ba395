"""The garbage collector: what it need not look at, and when it had better not.

Here: its settings, and keeping it away while much is made that stays.  Not here: who makes that.

What is deleted or closed holds no cycles (tests/unit/broker/test_leftovers.py), so there is little
for it to find.  Looking costs about a millisecond of the loop for 5,000 objects, and at the worst
it looks at all that 50 looks before have let through.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

# Who wants it to stay away.
_away = 0


def tune() -> None:
    """To be called once all is there at the start, which stays until the end."""
    gc.collect()
    gc.freeze()
    # Queued messages are many: at the default thresholds it would walk them for hundreds of
    # milliseconds and find nothing.
    gc.set_threshold(50_000, 50, 100)


@contextmanager
def kept_away() -> Iterator[None]:
    """What is made meanwhile is never looked at; what becomes garbage in cycles stays, too."""
    global _away
    _away += 1
    gc.disable()
    try:
        yield
    finally:
        _away -= 1
        if not _away:
            gc.freeze()  # else all of it would be looked at as soon as it is enabled
            gc.enable()
