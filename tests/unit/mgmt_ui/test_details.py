from typing import Any

import pytest

from mgmt_ui import counters
from mgmt_ui.details import Details, Window, Windows
from mgmt_ui.errors import ApiError
from mgmt_ui.rates import Rates
from tests.unit.mgmt_ui.fakes import FakeServer

MINUTE = {"lengths_age": "60", "lengths_incr": "5"}


@pytest.fixture
def sampled(server: FakeServer):
    sampler = Rates(server.as_server)
    sampler.start()
    yield sampler
    sampler.stop()


def details(server: FakeServer, sampled: Rates, query: dict[str, str]) -> Details:
    return Details(sampled, query, server.clock.now_ms())


def lengths(server: FakeServer, sampled: Rates, *queues: Any) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(counters.LENGTHS, queues[0].message_count)
    details(server, sampled, MINUTE).add(row, queues, counters.LENGTHS)
    return row


def test_windows():
    windows = Windows(
        MINUTE | {"msg_rates_age": "60", "data_rates_age": "x", "data_rates_incr": "5"}
    )
    assert windows.of("lengths") == (60, 5)
    assert windows.of("msg_rates") is windows.of("data_rates") is None
    assert Window(10, 5).times(1_700_000_007_000) == [
        1_700_000_005_000,
        1_700_000_000_000,
        1_699_999_995_000,
    ]


@pytest.mark.parametrize(("age", "incr"), [(60_000, 5), (60, 0), (60, -1), (2505, 5), (-5, 5)])
def test_windows_that_ask_for_too_much(age: int, incr: int):
    with pytest.raises(ApiError) as caught:
        Windows({"lengths_age": str(age), "lengths_incr": str(incr)})
    assert caught.value.body == {
        "error": "invalid_range_parameters",
        "reason": f"Invalid range parameters: age {age}, incr {incr}",
    }


def test_without_a_window_there_is_the_rate(server: FakeServer, sampled: Rates):
    queue = server.add_queue("q", message_count=3)
    row: dict[str, Any] = dict.fromkeys(counters.LENGTHS, 3)
    details(server, sampled, {}).add(row, [queue], counters.LENGTHS)
    assert row["messages_details"] == {"rate": 0.0}


def test_samples(server: FakeServer, sampled: Rates):
    queue = server.add_queue("q")
    server.clock.advance(20)
    queue.message_count = 10
    server.clock.advance(10)
    row = lengths(server, sampled, queue)
    found = row["messages_details"]
    assert [each["sample"] for each in found["samples"]] == [10, 10] + [0] * 11
    assert found["samples"][0]["timestamp"] == server.clock.now_ms()
    assert found["avg"] == 20 / 13
    assert found["avg_rate"] == 10 / 60
    assert (found["rate"], row["messages"]) == (0.0, 10)


def test_a_young_object_has_zeros_for_the_past(server: FakeServer, sampled: Rates):
    server.clock.advance(60)
    queue = server.add_queue("q", message_count=3)
    server.clock.advance(10)
    found = lengths(server, sampled, queue)["messages_details"]
    assert [each["sample"] for each in found["samples"]] == [3, 3] + [0] * 11


def test_a_counter_nobody_has_sampled_yet_is_what_it_is(server: FakeServer, sampled: Rates):
    queue = server.add_queue("q", message_count=3)
    row = lengths(server, sampled, queue)
    assert row["messages"] == row["messages_details"]["samples"][0]["sample"] == 3


def test_several_things_are_added_up(server: FakeServer, sampled: Rates):
    queues = [server.add_queue(name, message_count=2) for name in "ab"]
    server.clock.advance(5)
    queues[0].message_count = 12
    server.clock.advance(5)
    row = lengths(server, sampled, *queues)
    assert row["messages_details"]["rate"] == 2.0
    assert [each["sample"] for each in row["messages_details"]["samples"]][:3] == [14, 4, 4]


def test_message_stats_come_in_groups(server: FakeServer, sampled: Rates):
    shape = details(server, sampled, {})
    nothing = dict.fromkeys(counters.MESSAGES.names, 0)
    assert shape.message_stats(nothing, []) == {}
    published = shape.message_stats(nothing | {"publish": 1}, [])
    assert {"publish", "confirm", "disk_writes"} <= published.keys()
    assert "deliver" not in published
    delivered = shape.message_stats(nothing | {"get_empty": 1}, [])
    assert {"deliver", "get_empty", "ack"} <= delivered.keys()
    assert "publish" not in delivered
