import click
import pytest

from mgmt_ui.cli.commands.top import ORDERS, View, frame, short
from mgmt_ui.cli.tables import width_of


def view(*names: str, error: str = "", alarms: tuple[str, ...] = ()) -> View:
    overview = {
        "node": "rabbit@host",
        "product_name": "Leveret",
        "product_version": "1.0",
        "object_totals": {"connections": 12, "queues": 10_000_000},
        "queue_totals": {"messages": 123_456_789},
        "message_stats": {"publish_details": {"rate": 123_456.7}},
    }
    rows = [
        {
            "name": name,
            "vhost": "shop",
            "type": "quorum",
            "messages_ready": 10**12,
            "message_stats": {"publish_details": {"rate": 0.4}},
        }
        for name in names
    ]
    return View(overview, rows, 5, list(alarms), "rate", error)


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
@pytest.mark.parametrize("error", ["", "no answer " * 30])
def test_no_line_is_wider_than_the_terminal(width: int, error: str):
    lines = frame(view("a" * 300, "日本語" * 50, "q\x1b[2J", error=error), width, 50)
    for line in lines:
        assert width_of(click.unstyle(line)) <= width
        assert line.isprintable() or "\x1b[2J" not in line


def test_no_more_lines_than_the_terminal_has():
    assert len(frame(view(*map(str, range(50))), 80, 24)) == 24


def test_alarms_stand_out():
    assert "ALARM: memory, disk" in frame(view(alarms=("memory", "disk")), 80, 5)[0]
    assert "no alarms" in frame(view(), 80, 5)[0]


def test_the_key_of_each_order_is_its_own():
    assert len({key for key, _, _ in ORDERS.values()}) == len(ORDERS)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.4, "0.4"),
        (12.6, "13"),
        (1234567, "1,234,567"),
        (12_300_000, "12.3M"),
        (10**12, "1.0T"),
        (10**30, "1000000000000.0E"),
    ],
)
def test_numbers_are_short(value: float, text: str):
    assert short(value) == text
