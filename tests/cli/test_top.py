"""`brokerctl top`, with a terminal and without."""

import fcntl
import json
import os
import pty
import select
import struct
import subprocess
import sys
import termios
from collections.abc import Callable

import pytest

from tests.cli.conftest import Run
from tests.support.broker import ROOT, Broker


def test_without_a_terminal_it_looks_once(run: Run):
    run("queue", "declare", "watched")
    run("message", "publish", "-k", "watched", "--body", "x")
    out = run("top", "--by", "messages").out
    assert "no alarms" in out
    assert "watched" in out
    assert "\x1b" not in out


def test_for_programs(run: Run):
    run("queue", "declare", "watched")
    found = json.loads(run("top", "-o", "json", "--filter", "watched").out)
    assert [row["name"] for row in found["queues"]] == ["watched"]
    assert found["alarms"] == []


class Terminal:
    """The program on a terminal of this size; `until` reads what it draws."""

    def __init__(self, broker: Broker, columns: int, *words: str) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        environment = os.environ | {"BROKERCTL_URL": f"http://{broker.http}", "TERM": "xterm"}
        environment.pop("NO_COLOR", None)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mgmt_ui.cli", *words],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=ROOT,
            env=environment,
            start_new_session=True,
        )
        os.close(slave)
        self.seen = b""

    def until(self, text: bytes) -> None:
        while text not in self.seen:
            ready, _, _ = select.select([self.master], [], [], 10)
            assert ready, self.seen
            self.seen += os.read(self.master, 65536)

    def press(self, key: bytes) -> None:
        os.write(self.master, key)

    def end(self) -> int:
        # What it still writes must be read, or it waits.
        self.until(b"\x1b[?1049l")
        code = self.process.wait(10)
        os.close(self.master)
        return code


@pytest.mark.parametrize("columns", [80, 120])
def test_on_a_terminal(run: Run, broker: Broker, columns: int):
    run("queue", "declare", "watched")
    terminal = Terminal(broker, columns, "top", "--interval", "0.2")
    terminal.until(b"by rate")
    terminal.press(b"m")
    terminal.until(b"by messages")
    terminal.until(b"\x1b[32mno alarms")
    terminal.press(b"q")
    assert terminal.end() == 0
    assert terminal.seen.startswith(b"\x1b[?1049h")


# -- what asks, and what does not, on a terminal -----------------------------------------------


def test_it_asks_before_it_destroys(run: Run, broker: Broker):
    run("queue", "declare", "asked")
    for answer, code, left in ((b"n\n", 64, True), (b"y\n", 0, False)):
        terminal = Terminal(broker, 80, "queue", "delete", "asked")
        terminal.until(b"Delete queue 'asked' with 0 messages? [y/N]:")
        terminal.press(answer)
        terminal.until(b"left alone" if left else b"deleted")
        assert terminal.process.wait(10) == code
        os.close(terminal.master)
        assert ("asked" in run("queue", "list", "-o", "plain").out.split()) is left


@pytest.mark.parametrize(("words", "coloured"), [((), True), (("--no-color",), False)])
def test_colours(run: Run, broker: Broker, words: tuple[str, ...], coloured: bool):
    terminal = Terminal(broker, 80, "health", *words)
    terminal.until(b"node-is-quorum-critical")
    assert (b"\x1b[32mok" in terminal.seen) is coloured
    assert terminal.process.wait(10) == 0
    os.close(terminal.master)


def test_top_comes_back_when_the_broker_does(start_broker: Callable[..., Broker]):
    broker = start_broker()
    terminal = Terminal(broker, 100, "top")
    terminal.until(b"no alarms")
    broker.stop()
    terminal.until(b"cannot reach")
    terminal.press(b"q")
    assert terminal.end() == 0
