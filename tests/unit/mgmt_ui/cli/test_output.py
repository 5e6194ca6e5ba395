"""Tables on terminals: what is cut, what is not, what is left out."""

import click
import pytest

from mgmt_ui.cli.output import Output, Row, cut, width_of
from mgmt_ui.cli.settings import Settings

COLUMNS = ("name", "type", "messages", "messages_unacknowledged", "policy")


def queue(name: str, **more) -> Row:
    row = {"name": name, "type": "classic", "messages": 1_234_567_890_123, "policy": None}
    return row | {"messages_unacknowledged": 0} | more


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """`table(rows, columns of the terminal)`: the lines, without colours."""

    def table(rows, wide: int, columns=COLUMNS, *, shown=None, **given) -> list[str]:
        monkeypatch.setattr("sys.stdout.isatty", lambda: True)
        monkeypatch.setenv("COLUMNS", str(wide))
        Output(Settings({"output": "table", "columns": shown} | given, environment={})).rows(
            rows, columns
        )
        return click.unstyle(capsys.readouterr().out).splitlines()

    return table


@pytest.mark.parametrize("wide", [50, 80, 120])
def test_what_is_too_long_is_cut_to_the_terminal(table, wide: int):
    head, *lines = table([queue("x" * 300), queue("うさぎ🐇" * 50), queue("short")], wide)
    assert {width_of(line) for line in (head, *lines[:2])} == {wide} or wide == 120
    assert max(width_of(line) for line in lines) <= wide
    assert lines[0].split()[0].endswith("…")
    assert lines[1].split()[0].endswith("…")
    assert "1234567890123" in lines[0]


def test_numbers_stand_below_each_other(table):
    _, *lines = table([queue("a", messages=5), queue("b", messages=12345)], 80)
    assert lines[0].index(" 5 ") + 1 == lines[1].index("12345") + 4


def test_empty_columns_give_way(table):
    assert "policy" in table([queue("a")], 80)[0]
    assert "policy" not in table([queue("a" * 80)], 80)[0]
    assert "policy" in table([queue("a" * 80, policy="p")], 80)[0]


def test_heads_are_short_unless_columns_were_chosen(table):
    assert "unacked" in table([queue("a")], 80)[0]
    chosen = table([queue("a")], 80, shown="name,messages_unacknowledged")
    assert "messages_unacknowledged" in chosen[0]


def test_the_default_exchange_has_a_name(table):
    assert table([{"name": ""}], 80, ("name",))[1] == "(default)"


def test_no_head(table):
    assert table([queue("a")], 80, no_headers=True)[0].startswith("a ")


def test_colours(monkeypatch: pytest.MonkeyPatch):
    said: list[str] = []
    monkeypatch.setattr(click, "echo", said.append)
    rows = [{"name": "failed", "status": "failed"}]
    Output(Settings({"output": "table"}, environment={})).rows(rows, ("name", "status"))
    assert said[1] == "failed  \x1b[31mfailed\x1b[0m"


@pytest.mark.parametrize("text", ["うさぎ", "e\u0301e\u0301e\u0301e\u0301", "🐇🐇🐇"])
def test_cut_counts_what_is_seen(text: str):
    for width in range(2, 9):
        assert width_of(cut(text, width)) <= width
