import logging
from dataclasses import replace
from typing import Any

import pytest

from broker.options import OPTIONS
from broker.reload import Running, reload
from mgmt_ui.api.options import LOCAL
from tests.unit.mgmt_ui.live import Http, LiveServer


@pytest.fixture(autouse=True)
def taken_up(live: LiveServer, monkeypatch: pytest.MonkeyPatch):
    def take_up(options: Any) -> Any:
        outcome = reload(Running(live.context, None), live.options, options)
        live.options = outcome.options
        return outcome.applied, outcome.refused

    monkeypatch.setattr(live, "reload", take_up, raising=False)
    level = logging.getLogger().level
    yield
    live.context.alarms.stop()
    logging.getLogger().setLevel(level)


async def test_all_are_listed(http: Http):
    rows = await http("GET", "options")
    assert [row["name"] for row in rows] == sorted(OPTIONS)
    by_name = {row["name"]: row for row in rows}
    assert by_name["heartbeat"] | {"description": ""} == {
        "name": "heartbeat",
        "value": 60,
        "default": "60",
        "live": True,
        "description": "",
    }
    assert by_name["default_pass"]["value"] == "<redacted>"
    assert not any(by_name[name]["live"] for name in (*LOCAL, "amqp_port"))


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("heartbeat", 7, 7),
        ("heartbeat", "8", 8),
        ("memory_high_watermark", 0.5, 0.5),
        ("memory-high-watermark", "2GiB", 2 << 30),
        ("disk_free_limit", "1MB", 1_000_000),
        ("loopback_users", ["guest", "ann"], ["guest", "ann"]),
        ("loopback_users", "none", []),
    ],
)
async def test_new_values_are_taken_up(http: Http, name: str, value: Any, shown: Any):
    assert await http("PUT", f"options/{name}", {"value": value}, expect=204) is None
    assert (await http("GET", f"options/{name}"))["value"] == shown


async def test_they_reach_the_broker(http: Http, live: LiveServer):
    await http("PUT", "options/consumer_max", {"value": 5}, expect=204)
    assert live.vhosts.limits.max_consumers == 5


@pytest.mark.parametrize(
    ("name", "body", "reason"),
    [
        ("heartbeat", {}, "[{key_missing,value}]"),
        (
            "heartbeat",
            {"value": "soon"},
            'heartbeat: "soon" is not a number of seconds, 0 to 65535',
        ),
        ("heartbeat", {"value": None}, "heartbeat must be text, a number, or a list of texts"),
        ("heartbeat", {"value": {}}, "heartbeat must be text, a number, or a list of texts"),
        ("amqp_port", {"value": 1}, "amqp_port cannot change while the broker runs"),
        (
            "audit_log",
            {"value": "/etc/x"},
            "audit_log is changed in the configuration file only; SIGHUP makes it known",
        ),
    ],
)
async def test_what_cannot_be(http: Http, live: LiveServer, name: str, body: Any, reason: str):
    before = replace(live.options)
    answer = await http("PUT", f"options/{name}", body, expect=400)
    assert (answer["reason"], live.options) == (reason, before)


async def test_unknown_ones(http: Http):
    await http("GET", "options/nosuch", expect=404)
    await http("PUT", "options/nosuch", {"value": 1}, expect=404)
