"""Numbers as people read them: ages, sizes, moments.  Programs get them as the API has them."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

MINUTE, HOUR, DAY = 60, 3600, 86_400
# Below this, tenths of a second count.
FEW_SECONDS = 10
KIB = 1024


def duration(seconds: float) -> str:
    """2.5 s, 45 s, 1 m 28 s, 3 h 7 m, 2 d 4 h."""
    if seconds < FEW_SECONDS:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for length, unit, part, smaller in (
        (DAY, "d", HOUR, "h"),
        (HOUR, "h", MINUTE, "m"),
        (MINUTE, "m", 1, "s"),
    ):
        if whole >= length:
            return f"{whole // length} {unit} {whole % length // part} {smaller}"
    return f"{whole} s"


def size(octets: float) -> str:
    """512 B, 92.4 KiB, 1.5 GiB."""
    if octets < KIB:
        return f"{octets:.0f} B"
    for unit in ("KiB", "MiB", "GiB"):
        octets /= KIB
        if octets < KIB:
            return f"{octets:.1f} {unit}"
    return f"{octets / KIB:.1f} TiB"


def moment(milliseconds: float) -> str:
    """Of the epoch, as 2026-11-21 20:01:41 UTC."""
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"


# By the last member of a path.
_READ: dict[str, Callable[[float], str]] = {
    **dict.fromkeys(("age", "due_in", "oldest_message_age"), duration),
    **dict.fromkeys(("connected_at", "started_at", "ended_at"), moment),
    **dict.fromkeys(
        (
            *("memory", "message_bytes", "message_bytes_ready", "message_bytes_unacknowledged"),
            *("message_bytes_ram", "message_bytes_persistent", "message_bytes_paged_out"),
            *("recv_oct", "send_oct", "mem_used", "mem_limit", "disk_free", "disk_free_limit"),
        ),
        size,
    ),
}


def readable(path: str, value: Any) -> Any:
    """The value at this path for people; what has no unit stays as it is."""
    read = _READ.get(path.rpartition(".")[2])
    if read is None or isinstance(value, bool) or not isinstance(value, int | float):
        return value
    try:
        return read(value)
    except (OverflowError, ValueError, OSError):  # no moment there has ever been
        return value
