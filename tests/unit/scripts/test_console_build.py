"""What the build of the console installs, and when."""

from pathlib import Path

import pytest

from scripts import console_build


class RecordedNode:
    """Takes the commands of npm, and makes what `npm ci` would make."""

    def __init__(self) -> None:
        self.npm = ["npm"]
        self.commands: list[list[str]] = []

    def run(self, command: list[str]) -> None:
        self.commands.append(command)
        console_build.MODULES.mkdir(exist_ok=True)


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RecordedNode:
    monkeypatch.setattr(console_build, "CONSOLE", tmp_path)
    monkeypatch.setattr(console_build, "MODULES", tmp_path / "node_modules")
    (tmp_path / "package-lock.json").write_text("{}")
    return RecordedNode()


@pytest.mark.parametrize("everything", [False, True])
def test_a_fresh_checkout_has_nothing(node, everything):
    console_build.install(node, everything=everything)
    (command,) = node.commands
    assert ("--omit=dev" in command) is not everything


def test_what_is_there_is_enough_for_less(node):
    console_build.install(node, everything=True)
    console_build.install(node)
    assert len(node.commands) == 1


def test_tools_are_added_to_what_only_builds(node):
    console_build.install(node)
    console_build.install(node, everything=True)
    assert len(node.commands) == 2


def test_another_lock_is_installed_anew(node):
    console_build.install(node)
    (console_build.CONSOLE / "package-lock.json").write_text('{"name": "other"}')
    console_build.install(node)
    assert len(node.commands) == 2
