"""Each alias of rabbitmqctl's becomes a command line of ours that can be read."""

import pytest

from mgmt_ui.cli import root
from mgmt_ui.cli.aliases import REWRITTEN, Rewritten
from mgmt_ui.cli.base import Command
from mgmt_ui.cli.commands.alias import rewritten
from mgmt_ui.cli.session import Session
from mgmt_ui.cli.settings import Settings

# What the arguments are called, where they must be of some form.
GIVEN = {"DEFINITION": "{}", "JSON": "1"}


@pytest.mark.parametrize(("name", "alias"), REWRITTEN.items(), ids=list(REWRITTEN))
def test_an_alias_can_be_read(name: str, alias: Rewritten, monkeypatch: pytest.MonkeyPatch):
    wanted = [word.strip("[].") for word in alias.usage.split()]
    given = tuple(GIVEN.get(word, word.lower()) for word in wanted)
    called = []
    monkeypatch.setattr(Command, "invoke", lambda self, _: called.append(self.name))
    session = Session(Settings(environment={}))
    words = rewritten(name, alias, given)
    root.main(words, "brokerctl", standalone_mode=False, obj=session)
    assert called == [words[1] if words[0] not in ("health", "api") else words[0]]
