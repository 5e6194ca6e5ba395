"""Objects of ours that are still there without the garbage collector's help."""

import gc
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

OURS = ("broker", "exchanges", "mgmt_ui", "persistence", "vhosts")


@contextmanager
def counted() -> Iterator[Counter[str]]:
    """Keeps the collector away; the counter has, at the end, by type what is there anew.

    What is made of nothing but lists, functions and the like does not count.
    """
    gc.disable()
    before = _all()
    anew: Counter[str] = Counter()
    try:
        yield anew
        anew.update(_all() - before)
    finally:
        gc.enable()


def _all() -> Counter[str]:
    return Counter(
        f"{kind.__module__}.{kind.__qualname__}"
        for kind in map(type, gc.get_objects())
        if isinstance(kind.__module__, str) and kind.__module__.partition(".")[0] in OURS
    )
