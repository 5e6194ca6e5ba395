"""Resource alarms: when memory or disk run low, publishers wait (spec 9.1).

Here: measuring every second, and telling all connections when the first alarm
goes on and the last one off.  Not here: what a connection does then (gate.py).
"""

import logging
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from broker.clock import Clock, TimerHandle

if TYPE_CHECKING:
    from broker.connection import Connection

logger = logging.getLogger("leveret.alarms")

INTERVAL = 1.0
MEMORY, DISK = "memory", "disk"
RESOURCES = (MEMORY, DISK)
_CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


class Gauge(NamedTuple):
    """One thing that is measured: `low` says whether there is too little of it now."""

    resource: str
    low: Callable[[], bool]
    limit: str


class Alarms:
    """The alarms of one broker; `active` names the resources that are low, memory first.

    `by_hand` are those among them that an operator has set: they stay until the operator clears
    them or the broker stops, whatever is measured.
    `refuses`: publishers with confirms get a basic.nack instead of being blocked.
    """

    __slots__ = ("_clock", "_connections", "_gauges", "_timer", "active", "by_hand", "refuses")

    def __init__(self, clock: Clock, connections: set["Connection"]) -> None:
        self._clock = clock
        self._connections = connections
        self._gauges: tuple[Gauge, ...] = ()
        self._timer: TimerHandle | None = None
        self.active: tuple[str, ...] = ()
        self.by_hand: frozenset[str] = frozenset()
        self.refuses = False

    @property
    def reason(self) -> str:
        """What connection.blocked says."""
        return "low on " + " & ".join(self.active)

    def watch(self, gauges: Iterable[Gauge]) -> None:
        """Measures these now and every second until `stop`."""
        self._gauges = tuple(gauges)
        self._measure()

    def stop(self) -> None:
        """Measures no more; the alarms stay as they are."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def set(self, resource: str, on: bool, limit: str = "") -> None:
        """An alarm goes on or off; nothing happens where it is so already."""
        if (resource in self.active) == on:
            return
        if on:
            logger.warning("low on %s (%s): publishers are held up", resource, limit)
        else:
            logger.warning("no longer low on %s (%s)", resource, limit)
        before = self.active
        low = {*before, resource} if on else {*before} - {resource}
        self.active = tuple(each for each in RESOURCES if each in low)
        if bool(before) != bool(self.active):
            for connection in list(self._connections):
                connection.alarmed()

    def set_by_hand(self, resource: str) -> None:
        """An operator sets an alarm, which holds up publishers as a measured one does."""
        self.by_hand |= {resource}
        self.set(resource, True, "set by an operator")

    def clear_by_hand(self, resource: str) -> None:
        """What an operator has set goes; the alarm stays on where its resource is low."""
        self.by_hand -= {resource}
        self.set(resource, any(each.low() for each in self._gauges if each.resource == resource))

    def _measure(self) -> None:
        self._timer = self._clock.call_later(INTERVAL, self._measure)
        for gauge in self._gauges:
            self.set(gauge.resource, gauge.low() or gauge.resource in self.by_hand, gauge.limit)


# -- what is measured ----------------------------------------------------------------------


def gauges(
    watermark: float,
    disk_free_limit: int,
    directory: Path,
    refusing: Callable[[], object] = bool,
) -> list[Gauge]:
    """Memory and disk, as far as this machine lets itself be measured.

    `watermark` is a fraction of the memory there is up to 1.0, else bytes, and so is
    `disk_free_limit`, for the file system of `directory`.  `refusing` says whether the
    database takes no writes, however much space there seems to be.
    """
    found = [
        Gauge(
            DISK,
            lambda: bool(refusing()) or disk_free(directory) < disk_free_limit,
            f"less than {_shown(disk_free_limit)} free, or it refuses to be written",
        )
    ]
    limit = memory_limit(watermark)
    if limit is not None and memory_used() is not None:
        found.append(Gauge(MEMORY, _Memory(limit).low, f"more than {_shown(limit)} used"))
    return found


class _Memory:
    __slots__ = ("_limit", "_trim")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._trim: Callable[[int], object] | None = None

    def low(self) -> bool:
        if (memory_used() or 0) <= self._limit:
            return False
        # What was freed may still be held by the C library: an alarm must not outlive its cause.
        self._trim = self._trim or _trimmer()
        self._trim(0)
        return (memory_used() or 0) > self._limit


def _trimmer() -> Callable[[int], object]:
    import ctypes  # most brokers never need it

    try:
        trim: Callable[[int], object] = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # not glibc
        return int
    return trim


def disk_free(directory: Path) -> int:
    """Bytes free on the file system of `directory`; 0 where it does not tell."""
    try:
        return shutil.disk_usage(directory).free
    except OSError:
        return 0


def memory_used() -> int | None:
    """Resident bytes of this process; None where the system does not tell."""
    try:
        with open("/proc/self/statm", "rb") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return None


def memory_limit(watermark: float) -> int | None:
    """The watermark in bytes; None where it is a fraction of nobody knows what."""
    if watermark > 1:
        return int(watermark)
    total = memory_total()
    return None if total is None else int(total * watermark)


def memory_total() -> int | None:
    """Bytes of memory that this process may use: the machine's, or its container's."""
    try:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None
    for path in _CGROUP_LIMITS:
        try:
            limit = Path(path).read_text(encoding="ascii").strip()
        except OSError:
            continue
        if limit.isdigit():
            total = min(total, int(limit))
    return total


def _shown(octets: int) -> str:
    return f"{octets / 1024**2:,.0f} MiB"
