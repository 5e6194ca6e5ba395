"""Completion, as a real bash asks for it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.support.broker import ROOT, Broker

BASH = shutil.which("bash")
pytestmark = pytest.mark.skipif(BASH is None, reason="no bash here")
# What bash itself does when somebody presses Tab behind these words.
SCRIPT = """
eval "$(brokerctl completion bash)"
complete -p brokerctl >&2
complete_for() {
    COMP_WORDS=(brokerctl "$@"); COMP_CWORD=$#; COMPREPLY=()
    _brokerctl_completion brokerctl "${!#}" "" && echo "${COMPREPLY[*]}"
}
"""


@pytest.fixture
def complete(broker: Broker, tmp_path: Path):
    """`complete([...], [...])`: what there is to choose from behind each of these lines."""
    program = tmp_path / "brokerctl"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m mgmt_ui.cli "$@"\n')
    program.chmod(0o755)
    environment = {key: value for key, value in os.environ.items() if "BROKERCTL" not in key}
    environment |= {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "BROKERCTL_URL": f"http://{broker.http}",
    }

    def complete(*lines: list[str], **variables: str) -> list[list[str]]:
        calls = "\n".join("complete_for " + " ".join(f"'{w}'" for w in line) for line in lines)
        done = subprocess.run(
            [str(BASH), "--norc", "-c", SCRIPT + calls],
            capture_output=True,
            text=True,
            timeout=30,
            env=environment | variables,
            check=True,
        )
        assert "-F _brokerctl_completion brokerctl" in done.stderr
        return [line.split() for line in done.stdout.splitlines()]

    return complete


def test_words(complete):
    nouns, verbs, choices = complete(["qu"], ["queue", "de"], ["queue", "declare", "--type", "q"])
    assert nouns == ["queue"]
    assert verbs == ["declare", "delete"]
    assert choices == ["quorum"]


def test_names_come_from_the_broker(complete, run: Run):
    for name in ("tab.one", "tab.two", "other"):
        run("queue", "declare", name)
    shown, more, exchanges = complete(
        ["queue", "show", "tab"],
        ["queue", "delete", "tab.one", "tab"],
        ["tail", "exchange", "amq.d"],
    )
    assert shown == ["tab.one", "tab.two"]
    assert more == ["tab.two"]
    assert exchanges == ["amq.direct"]


def test_without_a_broker_there_is_nothing_to_choose(complete):
    nobody = "http://127.0.0.1:1"
    assert complete(["queue", "show", "tab"], BROKERCTL_URL=nobody) == [[]]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_has_its_script(run: Run, shell: str):
    assert "_BROKERCTL_COMPLETE" in run("completion", shell).out
