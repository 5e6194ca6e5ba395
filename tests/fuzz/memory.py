"""The memory and the open files of a broker process, from /proc."""

import os
from contextlib import suppress
from pathlib import Path

MIB = 1 << 20


def resident(pid: int) -> int:
    """Octets of resident memory now."""
    return _status(pid, "VmRSS")


def peak(pid: int) -> int:
    """The most octets of resident memory since the start, or since `reset_peak`."""
    return _status(pid, "VmHWM")


def reset_peak(pid: int) -> None:
    """Lets `peak` count from now."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def open_sockets(pid: int) -> int:
    """How many sockets the process has open.  Its threads open files when they are needed first."""
    directory = f"/proc/{pid}/fd"
    count = 0
    for descriptor in os.listdir(directory):
        with suppress(FileNotFoundError):  # closed meanwhile
            count += os.readlink(f"{directory}/{descriptor}").startswith("socket:")
    return count


def _status(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    raise LookupError(name)
