"""One measurement of one broker: amqpload under a deadline, or memory without load."""

import json
import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from tests.bench.brokers import Contestant
from tests.bench.lines import BACKLOG_SECONDS, Figures, Line, arguments
from tests.support.broker import ROOT
from tests.support.eventually import stays
from tests.support.rabbitmq import descendants
from tests.support.wire import WireClient

SETTLE_SECONDS = 3.0
GRACE_SECONDS = 150
"""How much longer than its load amqpload may take: it waits for queues to empty."""


def load(program: Path, line: Line, broker: Contestant, seconds: float, messages: int) -> Figures:
    """Runs amqpload for one line; what went wrong stands under `errors`."""
    before = resident_mib(broker.pid)
    if line.feature:
        given = [line.name, broker.amqp.host, broker.amqp.port, broker.pid, seconds]
        command = [sys.executable, "-m", "tests.bench.features", *map(str, given)]
        return _run(command, seconds + GRACE_SECONDS)
    address = ["--host", broker.amqp.host, "--port", str(broker.amqp.port)]
    command = [sys.executable, str(program), *address, "--pid", str(broker.pid), "--json"]
    long = line.name in {"publish", "drain"}
    limit = (BACKLOG_SECONDS if long else seconds) + GRACE_SECONDS
    figures = _run([*command, *arguments(line, seconds, messages)], limit)
    published = figures.get("published")
    if line.fresh and published and "rss_peak_mib" in figures:
        grown = (figures["rss_peak_mib"] - before) * 2**20
        figures["bytes_per_message"] = round(grown / published)
    return figures


def _run(command: list[str], limit: float) -> Figures:
    # A session of its own, so that its publishers and consumers end with it.
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, cwd=ROOT
    )
    try:
        out, errors = process.communicate(timeout=limit)
    except BaseException as error:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        if isinstance(error, subprocess.TimeoutExpired):
            return {"errors": [f"not done within {limit:.0f} s"]}
        raise
    try:
        figures: Figures = json.loads(out)
    except ValueError:
        last = errors.decode(errors="replace").strip().splitlines()[-1:]
        return {"errors": last or [f"the load generator ended with {process.returncode}"]}
    return figures


def idle(broker: Contestant) -> Figures:
    """Resident memory of a broker that was left alone for some seconds."""
    stays(broker.alive, SETTLE_SECONDS, f"{broker.name} running")
    return {"idle_mib": round(resident_mib(broker.pid), 1)}


def connections(broker: Contestant, count: int = 1000) -> Figures:
    """Resident memory with `count` connections that have done their handshake and nothing else."""
    with ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(WireClient(broker.amqp, 30)).connect(channels=())
        stays(broker.alive, SETTLE_SECONDS, f"{broker.name} running")
        return {"connections_mib": round(resident_mib(broker.pid), 1)}


def resident_mib(pid: int) -> float:
    """Resident memory of a process and all below it, as amqpload counts it."""
    return sum(_resident(member) for member in [pid, *descendants(pid)])


def _resident(pid: int) -> float:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
