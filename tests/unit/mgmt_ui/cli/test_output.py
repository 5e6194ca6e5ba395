"""Tables on terminals: what is cut, what is not, what is left out."""

from collections.abc import Callable

import click
import pytest

from mgmt_ui.cli.output import Output, Row
from mgmt_ui.cli.settings import Settings
from mgmt_ui.cli.tables import cut, cut_inside, width_of
from mgmt_ui.cli.units import duration, size

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
    assert all("…" in line.split()[0] for line in lines[:2])
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


def test_of_names_both_ends_are_shown(table):
    names = [f"tenant.{number}.notifications.by.email.{end}" for number in (1, 2) for end in "ab"]
    _, *lines = table([queue(name) for name in names], 60)
    assert len({line.split()[0] for line in lines}) == 4
    assert lines[0].split()[0].startswith("tenant.1.")
    assert table([{"payload": "x" * 50 + "end"}], 20, ("payload",))[1] == "x" * 19 + "…"


def test_what_says_little_makes_room_for_names(table):
    columns = ("name", "type", "state", "messages", "policy")
    long = queue("orders.of.the.whole.of.luxembourg", policy="p" * 30, messages=1)
    running, paused = long | {"state": "running"}, long | {"state": "paused"}
    wanted = "orders.of.the.whole.of.luxembourg"
    assert table([running], 120, columns)[0].split() == list(columns)
    assert table([running], 56, columns)[0].split() == ["name", "type", "messages", "policy"]
    assert table([running, paused], 56, columns)[0].split() == ["name", "type", "state", "messages"]
    head, line = table([running], 44, columns)
    assert head.split() == ["name", "type", "messages"]
    assert line.split()[0][:12] == wanted[:12]
    # Who has chosen columns gets them.
    chosen = table([running], 40, columns, shown=",".join(columns))
    assert chosen[0].split() == list(columns)


def test_connections_are_told_apart_by_their_clients(table):
    rows = [
        {"name": f"127.0.0.1:{port} -> 127.0.0.1:5672 (1)", "user": "u" * 30} for port in (1, 2)
    ]
    assert [line.split("  ")[0] for line in table(rows, 60, ("name", "user"))[1:]] == [
        "127.0.0.1:1 (1)",
        "127.0.0.1:2 (1)",
    ]
    assert " -> " in table(rows, 80, ("name", "user"))[1]


def test_people_get_units_and_programs_numbers(table, capsys: pytest.CaptureFixture[str]):
    row = {"age": 88.1, "memory": 94_576, "connected_at": 1_795_291_301_771, "messages": 94_576}
    _, line = table([row], 80, tuple(row))
    assert line == "1 m 28 s  92.4 KiB  2026-11-21 20:01:41 UTC     94576"
    Output(Settings({"output": "tsv"}, environment={})).rows([row], tuple(row))
    assert capsys.readouterr().out.splitlines()[1] == "88.1\t94576\t1795291301771\t94576"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        *[(0, "0.0 s"), (9.94, "9.9 s"), (59.4, "59 s"), (59.6, "1 m 0 s"), (3599.9, "1 h 0 m")],
        *[(90_000, "1 d 1 h"), (31_536_000, "365 d 0 h")],
    ],
)
def test_durations(seconds: float, text: str):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (3 << 20, "3.0 MiB"),
        (1 << 50, "1024.0 TiB"),
    ],
)
def test_sizes(octets: int, text: str):
    assert size(octets) == text


def test_an_object_has_a_line_for_each_thing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("COLUMNS", "40")
    out = Output(Settings({"output": "table"}, environment={}))
    listeners = [f"amqp 127.0.0.1:{port}" for port in (5672, 5673)]
    consumers = [{"tag": "a", "queue": {"name": "q"}}, {"tag": "b"}]
    out.item({"listeners": listeners, "consumers": consumers, "tags": ["a", "b"], "none": None})
    assert click.unstyle(capsys.readouterr().out).splitlines() == [
        "listeners                amqp 127.0.0.1:5672",
        "                         amqp 127.0.0.1:5673",
        "consumers[0].tag         a",
        "consumers[0].queue.name  q",
        "consumers[1].tag         b",
        "tags                     a,b",
        "none",
    ]


def test_thai_and_hindi_marks_take_no_room():
    assert width_of("กี่") == 1
    assert width_of("नि") in (1, 2)  # terminals do not agree on vowels that stand beside


@pytest.mark.parametrize("cut", [cut, cut_inside])
@pytest.mark.parametrize("text", ["うさぎ", "e\u0301e\u0301e\u0301e\u0301", "🐇🐇🐇"])
def test_cut_counts_what_is_seen(cut: Callable[[str, int], str], text: str):
    for width in range(2, 9):
        assert width_of(cut(text, width)) <= width
