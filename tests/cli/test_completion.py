"""Completion, as real shells ask for it: bash, and zsh and fish where they are installed."""

import os
import pty
import re
import select
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Self

import pytest

from tests.cli.conftest import Run
from tests.support.broker import ROOT, Broker
from tests.support.eventually import eventually

BASH, ZSH, FISH = (shutil.which(name) for name in ("bash", "zsh", "fish"))
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
def environment(broker: Broker, tmp_path: Path) -> dict[str, str]:
    """Of a shell that finds a program `brokerctl`, and has nothing of this machine's settings."""
    program = tmp_path / "brokerctl"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m mgmt_ui.cli "$@"\n')
    program.chmod(0o755)
    clean = {key: value for key, value in os.environ.items() if "BROKERCTL" not in key}
    return clean | {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "TERM": "dumb",
        "PYTHONPATH": str(ROOT),
        "BROKERCTL_URL": f"http://{broker.http}",
    }


@pytest.fixture
def complete(environment: dict[str, str]):
    """`complete([...], [...])`: what bash has to choose from behind each of these lines."""
    if BASH is None:
        pytest.skip("no bash here")

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


@pytest.mark.skipif(FISH is None, reason="no fish here (apt-get install fish)")
def test_fish(environment: dict[str, str], run: Run):
    run("queue", "declare", "fish.one")

    def complete(line: str) -> dict[str, str]:
        script = f"brokerctl completion fish | source; complete -C '{line}'"
        done = subprocess.run(
            [str(FISH), "--no-config", "-c", script],
            capture_output=True,
            text=True,
            timeout=60,
            env=environment,
            check=True,
        )
        assert done.stderr == ""
        found = (line.partition("\t") for line in done.stdout.splitlines())
        return {word: told for word, _, told in found}

    assert complete("brokerctl qu").keys() == {"queue"}
    verbs = complete("brokerctl queue de")
    assert verbs.keys() == {"declare", "delete"}
    assert verbs["delete"].startswith("Delete queues")
    assert complete("brokerctl queue declare --type q").keys() == {"quorum"}
    assert complete("brokerctl queue show fish").keys() == {"fish.one"}


class Zsh:
    """A zsh at whose prompt somebody types."""

    def __init__(self, environment: dict[str, str]) -> None:
        master, slave = pty.openpty()
        self._terminal = master
        self._seen = ""
        # -f: nothing of this machine's settings.
        self._process = subprocess.Popen(
            [str(ZSH), "-f", "-i"], stdin=slave, stdout=slave, stderr=slave, env=environment
        )
        os.close(slave)

    def __enter__(self) -> Self:
        self.type("PS1=; autoload -U compinit; compinit -u -D\n")
        self.type('eval "$(brokerctl completion zsh)"; print -r -- READY${_comps[brokerctl]}\n')
        self.read(r"READY_brokerctl_completion")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._terminal)

    def type(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def read(self, pattern: str) -> re.Match[str]:
        """Waits until this is to be seen."""

        def found() -> re.Match[str] | None:
            while select.select([self._terminal], [], [], 0)[0]:
                self._seen += os.read(self._terminal, 65536).decode(errors="replace")
            return re.search(pattern, self._seen)

        match = eventually(found, 60, pattern)
        assert match is not None
        self._seen = self._seen[match.end() :]
        return match

    def completed(self, line: str) -> str:
        """What a line has become after a Tab."""
        # The line is printed, not run: with `print` put before it once it is complete.
        self.type(f"{line}\t\x01print -r -- MADE: \x05 :END\n")
        return self.read(r"\nMADE: (.*?) *:END")[1].strip()


@pytest.mark.skipif(ZSH is None, reason="no zsh here (apt-get install zsh)")
def test_zsh(environment: dict[str, str], run: Run):
    run("queue", "declare", "zsh.one")
    with Zsh(environment) as zsh:
        assert zsh.completed("brokerctl qu") == "brokerctl queue"
        assert zsh.completed("brokerctl queue pur") == "brokerctl queue purge"
        assert zsh.completed("brokerctl queue declare --type q").endswith("--type quorum")
        assert zsh.completed("brokerctl queue show zsh") == "brokerctl queue show zsh.one"
        assert zsh.completed("brokerctl queue de") == "brokerctl queue de"
