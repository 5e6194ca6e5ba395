from typing import Any

import pytest

from tests.unit.mgmt_ui.live import Http, LiveServer


@pytest.fixture(autouse=True)
def shown(live: LiveServer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(
        LiveServer, "alarms", property(lambda self: self.context.alarms.active), raising=False
    )


async def test_set_and_cleared(http: Http, live: LiveServer):
    client = live.connect()
    assert await http("GET", "alarms") == []
    await http("PUT", "alarms/memory", {}, expect=201)
    await http("PUT", "alarms/memory", {}, expect=204)
    (row,) = await http("GET", "alarms")
    assert (row["resource"], row["by_hand"]) == ("memory", True)
    (connection,) = live.connections
    client.publish("", "q", b"held up")
    assert connection.state == "blocked"
    await http("DELETE", "alarms/memory", expect=204)
    assert (connection.state, live.context.alarms.active) == ("running", ())


@pytest.mark.parametrize(
    ("method", "resource", "status"),
    [("PUT", "cheese", 400), ("DELETE", "memory", 404), ("DELETE", "cheese", 404)],
)
async def test_what_cannot_be(http: Http, method: str, resource: str, status: int):
    body: Any = {} if method == "PUT" else None
    await http(method, f"alarms/{resource}", body, expect=status)
