"""The two brokers as the comparison sees them: start on fresh directories, process id, end."""

import shutil
import tempfile
import time
from pathlib import Path
from typing import Protocol

from tests.support.broker import Broker
from tests.support.rabbitmq import RabbitMQ, descendants, install
from tests.support.wire import Address

LEVERET, RABBITMQ = "leveret", "rabbitmq"


class Contestant(Protocol):
    """A broker under load. `pid` is the process whose family is measured."""

    name: str

    @property
    def amqp(self) -> Address: ...

    @property
    def pid(self) -> int: ...

    def start(self) -> float:
        """Starts on an empty directory; returns the seconds until it was ready."""

    def stop(self) -> None:
        """Ends it and removes its directory; does nothing when it does not run."""

    def alive(self) -> bool:
        """Whether its process still runs."""


class Leveret:
    """`python -m broker` of this repository."""

    name = LEVERET

    def __init__(self) -> None:
        self._directory: Path | None = None
        self._broker: Broker | None = None

    @property
    def _started(self) -> Broker:
        assert self._broker is not None, "Leveret is not started"
        return self._broker

    @property
    def amqp(self) -> Address:
        return self._started.amqp

    @property
    def pid(self) -> int:
        return self._started.pid

    def start(self) -> float:
        self.stop()
        self._directory = Path(tempfile.mkdtemp(prefix="leveret-bench-"))
        began = time.perf_counter()
        self._broker = Broker(self._directory).start()
        return time.perf_counter() - began

    def stop(self) -> None:
        broker, self._broker = self._broker, None
        try:
            if broker is not None and broker.process is not None:
                broker.stop()
        finally:
            if self._directory is not None:
                shutil.rmtree(self._directory, ignore_errors=True)

    def alive(self) -> bool:
        process = self._broker.process if self._broker else None
        return process is not None and process.poll() is None


class Rabbit:
    """Debian's rabbitmq-server on its own ports and directories."""

    name = RABBITMQ

    def __init__(self) -> None:
        install()
        self._server: RabbitMQ | None = None

    @property
    def _started(self) -> RabbitMQ:
        assert self._server is not None, "RabbitMQ is not started"
        return self._server

    @property
    def amqp(self) -> Address:
        return self._started.amqp

    @property
    def pid(self) -> int:
        """The Erlang machine, not the scripts that led to it."""
        node = self._started.processes[-1].pid
        family = [node, *descendants(node)]
        return next((pid for pid in family if _command(pid).startswith("beam")), node)

    def start(self) -> float:
        self.stop()
        self._server = RabbitMQ()
        began = time.perf_counter()
        self._server.start()
        return time.perf_counter() - began

    def stop(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()

    def alive(self) -> bool:
        return self._server is not None and self._server.processes[-1].poll() is None


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def contestants(only: str | None) -> list[Contestant]:
    """RabbitMQ and Leveret, or the one that is asked for."""
    chosen: list[Contestant] = []
    if only != LEVERET:
        chosen.append(Rabbit())
    if only != RABBITMQ:
        chosen.append(Leveret())
    return chosen
