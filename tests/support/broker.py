"""Leveret as a subprocess: fresh directory, port 0, restart, kill -9, and a clean log at the end.

In a test: take the `broker` fixture (one started broker) or `start_broker` (a factory that takes
command-line options); both are re-exported by tests/conftest.py.
"""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, ClassVar, Self

import pytest

from tests.support.eventually import eventually
from tests.support.wire import Address

ROOT = Path(__file__).resolve().parents[2]
READY = re.compile(
    r"^leveret ready amqp=(?P<amqp>\S+) http=(?P<http>\S+)"
    r"(?: amqps=(?P<amqps>\S+))?(?: https=(?P<https>\S+))?"
    r"(?: prometheus=(?P<prometheus>\S+))? data=(?P<data>.+) pid=(?P<pid>\d+)$",
    re.MULTILINE,
)
BAD_LOG = re.compile(r"Traceback|\bERROR\b|\bCRITICAL\b|was never awaited|ResourceWarning")


def parse_address(text: str) -> Address:
    """`HOST:PORT` or `[IPV6]:PORT`; port 0 for `-`, where nothing listens."""
    host, _, port = text.rpartition(":")
    return Address(host.strip("[]"), int(port) if host else 0)


class Broker:
    """One broker process on one data directory, which outlives the process."""

    module = "broker"
    # Gives the URL of an empty database; None for SQLite in the data directory.
    new_database: ClassVar[Callable[[], str] | None] = None
    _databases: ClassVar[dict[Path, str]] = {}

    def __init__(self, directory: Path, *options: str) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.data_dir = directory / "data"
        self.stdout_path = directory / "stdout.log"
        self.stderr_path = directory / "stderr.log"
        self.options = options
        self.environment: dict[str, str] = {}
        if Broker.new_database is not None:
            # The same directory is the same broker.
            if self.data_dir not in Broker._databases:
                Broker._databases[self.data_dir] = Broker.new_database()
            self.environment["LEVERET_DATABASE"] = Broker._databases[self.data_dir]
        self.process: subprocess.Popen[bytes] | None = None
        self.amqp = Address("127.0.0.1", 0)
        self.http = Address("127.0.0.1", 0)
        self.amqps = self.https = Address("127.0.0.1", 0)  # with --tls-cert
        self.prometheus = Address("127.0.0.1", 0)  # with --prometheus-port

    @property
    def url(self) -> str:
        """The AMQP URL of the default vhost."""
        return f"amqp://guest:guest@{self.amqp}/%2F"

    @property
    def pid(self) -> int:
        """The process id of the running broker."""
        assert self.process is not None, "the broker is not running"
        return self.process.pid

    def start(self, timeout: float = 60.0) -> Self:
        """Start the process and wait for its ready line.

        After the first start the same ports are used again, so that clients find it.
        """
        offset = self.stdout_path.stat().st_size if self.stdout_path.exists() else 0
        command = [sys.executable, "-m", self.module, "--data-dir", str(self.data_dir)]
        command += ["--amqp-port", str(self.amqp.port), "--http-port", str(self.http.port)]
        with self.stdout_path.open("ab") as out, self.stderr_path.open("ab") as errors:
            self.process = self._spawn([*command, *self.options], out, errors)
        try:
            ready = eventually(lambda: self._ready_line(offset), timeout, "the ready line")
        except BaseException:
            self.process.kill()
            self.process.wait()
            self.process = None
            raise
        assert ready is not None
        self.amqp = parse_address(ready["amqp"])
        self.http = parse_address(ready["http"])
        self.amqps = parse_address(ready["amqps"] or "-")
        self.https = parse_address(ready["https"] or "-")
        self.prometheus = parse_address(ready["prometheus"] or "-")
        return self

    def _spawn(
        self, command: list[str], out: IO[bytes], errors: IO[bytes]
    ) -> subprocess.Popen[bytes]:
        environment = os.environ | {"PYTHONUNBUFFERED": "1", "PYTHONPATH": str(ROOT)}
        environment |= self.environment
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=errors,
            cwd=ROOT,
            env=environment,
        )

    def _ready_line(self, offset: int) -> re.Match[str] | None:
        if self.process is not None and self.process.poll() is not None:
            # Not an AssertionError: waiting longer cannot help.
            raise RuntimeError(f"broker ended with {self.process.returncode}:\n{self.log()}")
        with self.stdout_path.open("rb") as out:
            out.seek(offset)
            return READY.search(out.read().decode())

    def stop(self, timeout: float = 30.0) -> int:
        """SIGTERM and wait; returns the exit code."""
        return self._end(signal.SIGTERM, timeout)

    def kill(self) -> int:
        """kill -9 and wait; returns the exit code."""
        return self._end(signal.SIGKILL, 10.0)

    def _end(self, number: signal.Signals, timeout: float) -> int:
        assert self.process is not None, "the broker is not running"
        process, self.process = self.process, None
        process.send_signal(number)
        try:
            return process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"broker did not end within {timeout} s:\n{self.log()}") from None

    def restart(self, *, kill: bool = False) -> Self:
        """End the process (cleanly, or by kill -9) and start it on the same directory and ports."""
        if kill:
            self.kill()
        else:
            assert self.stop() == 0, self.log()
        return self.start()

    def log(self) -> str:
        """Everything the broker has written to standard error so far, over all starts."""
        return self.stderr_path.read_text(errors="replace") if self.stderr_path.exists() else ""

    def assert_clean_log(self, expected: str = r"(?!)") -> None:
        """Fail on a logged error or traceback; lines matching `expected` are allowed."""
        bad = [
            line
            for line in self.log().splitlines()
            if BAD_LOG.search(line) and not re.search(expected, line)
        ]
        assert not bad, "the broker logged errors:\n" + self.log()

    def __enter__(self) -> Self:
        return self if self.process is not None else self.start()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self.process is not None:
            if self.process.poll() is not None:
                code, self.process = self.process.returncode, None
                raise AssertionError(f"the broker died with {code}:\n{self.log()}")
            self.stop()
        if kind is None:
            self.assert_clean_log()


@pytest.fixture
def start_broker(tmp_path: Path) -> Iterator[Callable[..., Broker]]:
    """A factory: `start_broker("--heartbeat", "2")` gives a started broker of its own."""
    started: list[Broker] = []

    def start(*options: str) -> Broker:
        broker = Broker(tmp_path / f"broker-{len(started)}", *options).start()
        started.append(broker)
        return broker

    yield start
    for broker in started:
        with broker if broker.process is not None else _ended(broker):
            pass


class _ended:
    """Checks the log of a broker that the test has already stopped or killed."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None:
        self.broker.assert_clean_log()


@pytest.fixture
def broker(start_broker: Callable[..., Broker]) -> Broker:
    """A freshly started Leveret on free ports with an empty data directory."""
    return start_broker()
