import io
import sys

import pytest

from mgmt_ui.cli.session import MANY, Session
from mgmt_ui.cli.settings import Settings


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("count", "terminal", "quiet", "shown"),
    [
        (MANY, True, False, True),
        (MANY - 1, True, False, False),
        (MANY, False, False, False),
        (MANY, True, True, False),
    ],
)
def test_a_bar_is_for_people_and_long_work(
    monkeypatch: pytest.MonkeyPatch, count: int, terminal: bool, quiet: bool, shown: bool
):
    stderr = Terminal() if terminal else io.StringIO()
    monkeypatch.setattr(sys, "stderr", stderr)
    session = Session(Settings({"quiet": quiet}, {}))
    assert list(session.progress(range(count), "Closing")) == list(range(count))
    assert ("Closing" in stderr.getvalue()) is shown
