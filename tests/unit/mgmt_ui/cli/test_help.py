"""The helps: every verb is told, every example can be read, no line is too long for 80 columns."""

import shlex

import click
import pytest

from mgmt_ui.cli import NOUNS, root
from mgmt_ui.cli.base import Command, Group, Root
from mgmt_ui.cli.examples import EXAMPLES
from mgmt_ui.cli.session import Session
from mgmt_ui.cli.settings import Settings

CONTEXT = click.Context(root, info_name="brokerctl", terminal_width=80)
NAMED = [(name, noun) for nouns in NOUNS.values() for name, noun in nouns.items()]
LINES = [line for lines in EXAMPLES.values() for line in lines if line.startswith("brokerctl ")]


def found(*names: str) -> click.Command:
    """The command of these words."""
    command: click.Command = root
    for name in names:
        assert isinstance(command, Group)
        inner = command.get_command(CONTEXT, name)
        assert inner is not None, names
        command = inner
    return command


@pytest.mark.parametrize(("name", "noun"), NAMED, ids=[name for name, _ in NAMED])
def test_every_verb_is_told(name: str, noun):
    command = found(name)
    if isinstance(command, Group):
        for verb in command.commands:
            assert verb in noun.told, name


def test_every_command_has_a_help_that_fits():
    for name, _ in NAMED:
        command = found(name)
        inner = command.commands.values() if isinstance(command, Group) else ()
        for each in (command, *inner):
            assert each.help, each.name
            with click.Context(each, CONTEXT, info_name=each.name, terminal_width=78) as context:
                text = each.get_help(context)
            long = [line for line in text.splitlines() if len(line) > 80]
            assert not [line for line in long if "brokerctl" not in line], each.name


def test_examples_are_of_commands():
    for words in EXAMPLES:
        found(*words.split())


@pytest.mark.parametrize("line", LINES)
def test_an_example_can_be_read(line: str, monkeypatch: pytest.MonkeyPatch):
    words = shlex.split(line.partition(" < ")[0].partition(" | ")[0])[1:]
    called = []
    monkeypatch.setattr(Command, "invoke", lambda self, _: called.append(self.name))
    root.main(words, "brokerctl", standalone_mode=False, obj=Session(Settings(environment={})))
    assert called


def test_the_help_of_all_loads_no_noun():
    assert isinstance(root, Root)
    with click.Context(root, info_name="brokerctl", terminal_width=78) as context:
        text = root.get_help(context)
    assert max(len(line) for line in text.splitlines()) <= 80
    for name, noun in NAMED:
        assert f"  {name} " in text
        assert noun.told.split(":")[0].split(",")[0] in text
