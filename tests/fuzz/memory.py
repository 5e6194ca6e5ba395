"""The memory and the open files of a broker process, from /proc."""

import os
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


def open_files(pid: int) -> int:
    """How many descriptors the process has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def _status(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    raise LookupError(name)
