"""Debian's rabbitmq-server as the judge: an own node on own loopback ports, all else temporary.

Nothing of a system-wide RabbitMQ is touched: own node name, cookie, epmd, ports and data. Every
process that is started here is ended by its pid.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Self

from tests.support import debian
from tests.support.eventually import eventually
from tests.support.wire import Address, WireClient

SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
HOST = "127.0.0.1"
# Debian ships them all with the server; rabbitmq_sharding has the type x-modulus-hash.
PLUGINS = ",".join(
    f"rabbitmq_{plugin}"
    for plugin in (
        "management",
        "consistent_hash_exchange",
        "random_exchange",
        "recent_history_exchange",
        "sharding",
    )
)
CONFIG = """\
listeners.tcp.1 = {host}:{amqp}
management.tcp.ip = {host}
management.tcp.port = {http}
management.rates_mode = detailed
max_message_size = 16777216
log.console = true
log.console.level = info
log.file = false
"""


def install() -> None:
    """Install Debian's rabbitmq-server when it is missing; the installed service is not used.

    Raises NotInstalled.
    """
    if not SERVER.exists():
        debian.install("rabbitmq-server")


def free_port() -> int:
    """A loopback port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


class RabbitMQ:
    """One RabbitMQ node; `start`, `stop` and `restart` keep its directory and ports.

    `settings` are lines for rabbitmq.conf, in which `{amqps}` stands for the port of `amqps`;
    `plugins` are the names of further ones.
    """

    def __init__(self, *settings: str, plugins: tuple[str, ...] = ()) -> None:
        self.settings = settings
        self.plugins = ",".join((PLUGINS, *plugins))
        self.directory = Path(tempfile.mkdtemp(prefix="rabbitmq-judge-"))
        self.amqps = Address(HOST, free_port())
        self.amqp = Address(HOST, free_port())
        self.http = Address(HOST, free_port())
        self.epmd_port = free_port()
        self.dist_port = free_port()
        self.processes: list[subprocess.Popen[bytes]] = []
        self.log_path = self.directory / "console.log"
        self._write_files()

    @property
    def url(self) -> str:
        """The AMQP URL of the default vhost."""
        return f"amqp://guest:guest@{self.amqp}/%2F"

    def _write_files(self) -> None:
        config = CONFIG.format(host=HOST, amqp=self.amqp.port, http=self.http.port)
        further = [line.format(amqps=self.amqps.port) + "\n" for line in self.settings]
        (self.directory / "rabbitmq.conf").write_text(config + "".join(further))
        (self.directory / "enabled_plugins").write_text(f"[{self.plugins}].\n")
        (self.directory / "env.conf").write_text("")

    def _environment(self) -> dict[str, str]:
        path = os.environ["PATH"] + ":/usr/sbin:/sbin"
        directory = str(self.directory)
        return {
            "PATH": path,
            "HOME": directory,
            "LANG": "C.UTF-8",
            "ERL_EPMD_ADDRESS": HOST,
            "ERL_EPMD_PORT": str(self.epmd_port),
            "RABBITMQ_NODENAME": f"judge-{self.amqp.port}@localhost",
            "RABBITMQ_DIST_PORT": str(self.dist_port),
            "RABBITMQ_CONF_ENV_FILE": f"{directory}/env.conf",
            "RABBITMQ_CONFIG_FILE": f"{directory}/rabbitmq",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{directory}/enabled_plugins",
            "RABBITMQ_LOG_BASE": f"{directory}/log",
            "RABBITMQ_MNESIA_BASE": f"{directory}/mnesia",
            "RABBITMQ_PID_FILE": f"{directory}/pid",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none"
            ),
        }

    def start(self, timeout: float = 90.0) -> Self:
        """Start epmd and the node and wait until it serves AMQP and HTTP."""
        self._spawn(_epmd(), "-address", HOST, "-port", str(self.epmd_port))
        server = self._spawn(str(SERVER))

        def serving() -> bool:
            if server.poll() is not None:
                raise RuntimeError(f"RabbitMQ ended:\n{self.log_path.read_text()}")
            with WireClient(self.amqp) as client:
                client.connect()
            socket.create_connection(self.http, 1).close()
            return True

        try:
            eventually(serving, timeout, "RabbitMQ accepting connections")
        except BaseException:
            self.stop()
            raise
        return self

    def _spawn(self, *command: str) -> subprocess.Popen[bytes]:
        with self.log_path.open("ab") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment(),
                cwd=self.directory,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def evaluate(self, erlang: str) -> str:
        """What an Erlang expression, without its full stop, is worth in the node, as text."""
        node = self._environment()["RABBITMQ_NODENAME"]
        cookie = (self.directory / ".erlang.cookie").read_text()
        done = subprocess.run(
            ["erl_call", "-sname", node, "-c", cookie, "-e"],
            input=f"{erlang}.\n",
            env=self._environment() | {"PATH": "/usr/lib/erlang/bin"},
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        worth = re.fullmatch(r"\{ok, (.*)\}", done.stdout, re.DOTALL)
        assert worth is not None, done.stdout
        return worth[1]

    def stop(self) -> None:
        """End the node, the helpers that the Erlang machine started, and epmd, each by its pid."""
        for process in reversed(self.processes):
            helpers = descendants(process.pid)
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            for pid in helpers:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        self.processes.clear()

    def restart(self) -> Self:
        """Stop and start the node on the same data and ports."""
        self.stop()
        return self.start()

    def close(self) -> None:
        """Stop and remove the directory."""
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)


def _epmd() -> str:
    found = shutil.which("epmd")
    if found:
        return found
    return str(next(Path("/usr/lib/erlang").glob("erts-*/bin/epmd")))


def descendants(pid: int) -> list[int]:
    """The ids of all processes below `pid`, children before grandchildren (Linux)."""
    found = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += [int(child), *descendants(int(child))]
    return found
