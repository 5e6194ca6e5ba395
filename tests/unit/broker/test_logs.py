"""The log as text and as JSON, and what it survives."""

import io
import json
import logging
import re
import sys
import warnings
from collections.abc import Iterator

import pytest

from broker import logs

log = logging.getLogger("broker.test")

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _undo() -> Iterator[None]:
    root = logging.getLogger()
    level = root.level
    yield
    root.handlers = [
        handler
        for handler in root.handlers
        if type(handler) not in {logs.LogHandler, logging.NullHandler}
    ]
    root.setLevel(level)
    logging.captureWarnings(False)


def test_text(capsys: Capture) -> None:
    logs.set_up("info", "text")
    log.info("queue %s declared", "orders")
    log.debug("not shown")
    line = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO    broker\.test: queue orders declared\n"
    assert re.fullmatch(line, capsys.readouterr().err)


def test_json(capsys: Capture) -> None:
    logs.set_up("warning", "json")
    log.info("not shown")
    try:
        raise ValueError("torn")
    except ValueError:
        log.exception('a "quoted"\nname')
    (line,) = capsys.readouterr().err.splitlines()
    entry = json.loads(line)
    assert entry["level"] == "error"
    assert entry["logger"] == "broker.test"
    assert entry["message"] == 'a "quoted"\nname'
    assert entry["traceback"].endswith("ValueError: torn")
    assert entry["time"].endswith("Z")


def test_nobody_forges_a_line(capsys: Capture) -> None:
    logs.set_up()
    log.warning("login of %s refused", "eve\n2026 INFO all is well\x1b[2J")
    text = capsys.readouterr().err
    assert len(text.splitlines()) == 1
    assert "eve\\x0a2026" in text
    assert "\x1b" not in text


def test_second_set_up_replaces_the_first(capsys: Capture) -> None:
    logs.set_up()
    logs.set_up()
    log.info("once")
    assert capsys.readouterr().err.count("once") == 1


def test_warnings_of_python_are_logged(capsys: Capture) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logs.set_up()
        warnings.warn("odd", RuntimeWarning, stacklevel=1)
        logging.captureWarnings(False)
    assert "py.warnings: " in capsys.readouterr().err


def test_log_that_nobody_reads_is_no_error(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    with monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", Closed())
        logs.set_up()
    log.error("nobody reads this")
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", None)
        logs.set_up()
    log.error("nor this")
    assert capsys.readouterr().err == ""


def test_mistake_in_a_call_of_the_log_is_shown(capsys: Capture) -> None:
    logs.set_up()
    log.error("%d connections", "many")
    assert "Logging error" in capsys.readouterr().err
