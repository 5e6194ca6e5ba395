"""One broker for all tests of the command line, and a way to run commands against it."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.broker import ROOT, Broker


class Result(NamedTuple):
    """How a command ended and what it said."""

    code: int
    out: str
    err: str


Run = Callable[..., Result]


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker that all share."""
    with Broker(tmp_path_factory.mktemp("cli")) as running:
        yield running


@pytest.fixture
def run(broker: Broker, tmp_path: Path) -> Run:
    """`run("queue", "list")`: without a terminal, with nothing of this machine's settings."""

    def run(*words: str, code: int | None = 0, stdin: str = "", **variables: str) -> Result:
        environment = {key: value for key, value in os.environ.items() if "BROKERCTL" not in key}
        environment |= {
            "BROKERCTL_URL": f"http://{broker.http}",
            "BROKERCTL_CONFIG": str(tmp_path / "none.toml"),
            **variables,
        }
        done = subprocess.run(
            [sys.executable, "-m", "mgmt_ui.cli", *words],
            check=False,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            cwd=ROOT,
            env=environment,
        )
        if code is not None:
            assert done.returncode == code, done
        assert "Traceback" not in done.stderr
        return Result(done.returncode, done.stdout, done.stderr)

    return run
