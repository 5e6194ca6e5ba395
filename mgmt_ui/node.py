"""The process that the broker runs in, as far as the system tells: gauges of a node (spec 3.2).

Here: reading them. Their JSON is api/nodes.py, their past rates.py.
"""

import gc
import os
import threading
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from broker import alarms
from mgmt_ui import counters
from mgmt_ui.counters import CHURN, Values

if TYPE_CHECKING:
    from mgmt_ui.server import Server

NAMES = (
    *("mem_used", "fd_used", "sockets_used", "proc_used", "disk_free"),
    *("gc_num", "gc_bytes_reclaimed", "context_switches"),
    *("io_read_count", "io_read_bytes", "io_read_avg_time"),
    *("io_write_count", "io_write_bytes", "io_write_avg_time"),
    *("io_sync_count", "io_sync_avg_time", "io_seek_count", "io_seek_avg_time"),
    *("io_reopen_count", "mnesia_ram_tx_count", "mnesia_disk_tx_count"),
    *("msg_store_read_count", "msg_store_write_count"),
    *("queue_index_write_count", "queue_index_read_count"),
    *CHURN,
)
AVERAGES = frozenset(name for name in NAMES if name.endswith("avg_time"))
"""Floats in JSON. Times of reads and writes are not measured: they are 0."""


def read(server: "Server") -> Values:
    """The gauges and counters of NAMES."""
    totals = server.vhosts.totals()
    commit = next((vhost.commit for vhost in server.vhosts), None)
    commits, changes = (commit.done, commit.sequence) if commit is not None else (0, 0)
    read_octets, written_octets = _io()
    return (
        *(memory_used(), open_files(), sockets(server), threading.active_count()),
        alarms.disk_free(server.options.data_dir),
        *(sum(each["collections"] for each in gc.get_stats()), 0, _context_switches()),
        *(totals.disk_reads, read_octets, 0, commits, written_octets, 0),
        *(commits, 0, 0, 0, 0, 0, changes),
        *(totals.disk_reads, totals.disk_writes, 0, 0),
        *counters.churn(totals),
    )


KIND = counters.kind(NAMES, read)


def memory_used() -> int:
    """Resident bytes; 0 where the system does not tell."""
    return alarms.memory_used() or 0


def memory_limit(server: "Server") -> int:
    """The high watermark in bytes; 0 where it cannot be told."""
    return alarms.memory_limit(server.options.memory_high_watermark) or 0


def open_files() -> int:
    """Open file descriptors, sockets among them; 0 where the system does not tell."""
    try:
        # Newer kernels say so at once; to list thousands takes milliseconds.
        return os.stat("/proc/self/fd").st_size or len(os.listdir("/proc/self/fd"))
    except OSError:
        return 0


@cache
def most_files() -> int:
    """How many descriptors the process may have."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def sockets(server: "Server") -> int:
    """Sockets of AMQP clients."""
    return sum(1 for _ in server.connections)


def most_sockets() -> int:
    """How many of these there may be: RabbitMQ's share of the descriptors."""
    return max(0, int(most_files() * 0.9) - 2)


def memory_map() -> dict[str, int]:
    """Bytes of /proc/self/status by name: VmRSS, RssAnon, RssFile ...; empty elsewhere."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return {}
    found = {}
    for line in lines.splitlines():
        name, _, value = line.partition(":")
        if value.endswith(" kB"):
            found[name] = int(value[:-3]) * 1024
    return found


def _io() -> tuple[int, int]:
    # Octets that came from the disk, and that went to it.
    try:
        lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0, 0
    found = dict(line.split(": ") for line in lines)
    return int(found.get("read_bytes", 0)), int(found.get("write_bytes", 0))


def _context_switches() -> int:
    try:
        import resource
    except ImportError:
        return 0
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_nvcsw + usage.ru_nivcsw
