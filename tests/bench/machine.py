"""Facts about the machine and the programs, so that figures can be read later."""

import os
import platform
import sqlite3
import statistics
import subprocess
import tempfile
import time
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path


def facts(*, with_rabbitmq: bool) -> dict[str, str]:
    """Label -> value, in the order in which the report prints them."""
    found = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": f"{os.cpu_count()} x {_processor()}",
        "memory": f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.1f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "4 KiB write and fsync": f"{fsync_ms():.2f} ms (median of 100)",
        "load before": " ".join(f"{load:.2f}" for load in os.getloadavg()),
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
        "uvloop": _version("uvloop"),
        "Leveret": _output("git", "describe", "--always", "--dirty") or "unversioned",
    }
    if with_rabbitmq:
        found["RabbitMQ"] = _output("dpkg-query", "-W", "-f", "${Version}", "rabbitmq-server")
        found["Erlang"] = _output("dpkg-query", "-W", "-f", "${Version}", "erlang-base")
    return found


def fsync_ms(rounds: int = 100) -> float:
    """Milliseconds of a 4 KiB append with fsync among temporary files: the floor of a commit."""
    taken = []
    with tempfile.TemporaryFile(buffering=0) as file:
        for _ in range(rounds):
            began = time.perf_counter()
            file.write(b"x" * 4096)
            os.fsync(file.fileno())
            taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "not installed"


def _output(*command: str) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, cwd=Path(__file__).parent
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()
