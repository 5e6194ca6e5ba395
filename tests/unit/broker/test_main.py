"""The `leveret` command from outside: what it says, and its exit codes."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from broker import __version__
from broker.startup import DataDirectory
from tests.support.broker import ROOT, Broker
from tests.support.eventually import eventually
from tests.support.wire import WireClient


def leveret(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m broker` to its end."""
    clean = {name: value for name, value in os.environ.items() if "LEVERET_" not in name}
    return subprocess.run(
        [sys.executable, "-m", "broker", *arguments],
        cwd=cwd,
        env=clean | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
        timeout=20,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def assert_refused(result: subprocess.CompletedProcess[str], *parts: str) -> None:
    """Exit code 2 and exactly one line that says what the parts say."""
    assert result.returncode == 2, result.stderr
    assert result.stdout == ""
    assert result.stderr.startswith("leveret: ")
    assert result.stderr.count("\n") == 1, result.stderr
    for part in parts:
        assert part in result.stderr


def test_version(tmp_path: Path) -> None:
    result = leveret("--version", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == f"leveret {__version__}\n"


def test_help(tmp_path: Path) -> None:
    result = leveret("--help", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert "--amqp-port" in result.stdout


def test_help_leaves_nothing_behind(tmp_path: Path) -> None:
    leveret("--help", cwd=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("flag", ["--help", "--version"])
def test_nobody_reads_standard_output(flag: str, tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as out:
        result = subprocess.run(
            [sys.executable, "-m", "broker", flag],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=out,
            stderr=subprocess.PIPE,
            timeout=20,
            check=False,
        )
    assert (result.returncode, result.stderr) == (0, b"")


def test_unknown_option(tmp_path: Path) -> None:
    assert_refused(leveret("--amqp-prot=1", cwd=tmp_path), '"--amqp-prot"', '"--amqp-port"')


def test_bad_value_in_the_environment(tmp_path: Path) -> None:
    assert_refused(leveret(cwd=tmp_path, LEVERET_AMQP_PORT="x"), "LEVERET_AMQP_PORT", '"x"')


def test_unreadable_config(tmp_path: Path) -> None:
    assert_refused(leveret("--config", "gone.toml", cwd=tmp_path), "gone.toml", "No such file")
    (tmp_path / "leveret.toml").write_text("amqp_port = ")
    assert_refused(leveret(cwd=tmp_path), "cannot read leveret.toml")


def test_unusable_data_dir(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert_refused(leveret("--data-dir", "file", cwd=tmp_path), f"{tmp_path}/file")
    assert_refused(leveret("--data-dir", "file/below", cwd=tmp_path), "Not a directory")


def test_data_dir_in_use(tmp_path: Path) -> None:
    with DataDirectory(tmp_path / "data"):
        result = leveret("--data-dir", "data", cwd=tmp_path)
    assert_refused(result, f"{tmp_path}/data is in use by process {os.getpid()}")


StartBroker = Callable[..., Broker]


def test_ready_line_names_what_listens(start_broker: StartBroker) -> None:
    broker = start_broker("--bind", "127.0.0.1")
    assert broker.stdout_path.read_text() == (
        f"leveret ready amqp=127.0.0.1:{broker.amqp.port} http=127.0.0.1:{broker.http.port}"
        f" data={broker.data_dir} pid={broker.pid}\n"
    )
    for address in (broker.amqp, broker.http):
        socket.create_connection(("127.0.0.1", address.port), timeout=5).close()


def test_ready_line_names_the_port_of_the_metrics(start_broker: StartBroker) -> None:
    broker = start_broker("--bind", "127.0.0.1", "--prometheus-port", "0")
    assert f" prometheus=127.0.0.1:{broker.prometheus.port} data=" in broker.stdout_path.read_text()
    socket.create_connection(("127.0.0.1", broker.prometheus.port), timeout=5).close()


def test_port_in_use(start_broker: StartBroker, tmp_path: Path) -> None:
    port = start_broker().amqp.port
    result = leveret("--amqp-port", str(port), "--http-port", "0", cwd=tmp_path)
    assert_refused(result, f"port {port} on 127.0.0.1 is in use", "--amqp-port")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stops_cleanly_and_soon(start_broker: StartBroker, number: signal.Signals) -> None:
    broker = start_broker()
    process = broker.process
    assert process is not None
    with socket.create_connection(("127.0.0.1", broker.amqp.port), timeout=5):
        process.send_signal(number)
        assert process.wait(8) == 0
    broker.process = None


def test_ready_line_that_nobody_reads(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with subprocess.Popen(
        [sys.executable, "-m", "broker", "--amqp-port", "0", "--http-port", "0"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=writing,
        stderr=subprocess.PIPE,
    ) as process:
        os.close(writing)
        try:
            # The lock file comes before the signals are taken over, the database after.
            database = tmp_path / "leveret-data" / "leveret.db"
            eventually(database.exists, why="the database")
            process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=5)
        finally:
            process.kill()
    assert process.returncode == 0
    assert b"Traceback" not in errors
    assert b"BrokenPipe" not in errors


def test_sighup_takes_up_what_it_can(start_broker: StartBroker, tmp_path: Path) -> None:
    file = tmp_path / "leveret.toml"
    file.write_text("heartbeat = 33\n")
    broker = start_broker("--config", str(file))
    file.write_text("heartbeat = 7\ndatabase = 'sqlite:///elsewhere.db'\n")
    os.kill(broker.pid, signal.SIGHUP)
    eventually(lambda: "heartbeat is now 7" in broker.log(), why="the new heartbeat")
    assert "database stays as it was: it takes a restart" in broker.log()
    with WireClient(broker.amqp) as client:
        assert client.login().arguments["heartbeat"] == 7


def test_sighup_with_a_wrong_file_changes_nothing(
    start_broker: StartBroker, tmp_path: Path
) -> None:
    file = tmp_path / "leveret.toml"
    file.write_text("heartbeat = 33\n")
    broker = start_broker("--config", str(file))
    file.write_text("heartbeet = 7\n")
    os.kill(broker.pid, signal.SIGHUP)
    eventually(lambda: "cannot reload" in broker.log(), why="the refusal")
    assert 'did you mean "heartbeat"' in broker.log()
    with WireClient(broker.amqp) as client:
        assert client.login().arguments["heartbeat"] == 33


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (("--amqps-port", "0"), ("--amqps-port needs --tls-cert",)),
        (("--https-port", "0"), ("--https-port needs --tls-cert",)),
        (("--amqp-port", "off"), ("nothing to listen on",)),
        (("--tls-cert", "gone.pem"), ("--tls-cert: cannot read gone.pem",)),
    ],
)
def test_tls_that_cannot_be(arguments: tuple[str, ...], parts: list[str], tmp_path: Path) -> None:
    plain = ("--amqp-port", "0") if "--amqp-port" not in arguments else ()
    assert_refused(leveret("--http-port", "0", *plain, *arguments, cwd=tmp_path), *parts)
