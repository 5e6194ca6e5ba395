from typing import Any

from tests.unit.mgmt_ui.conftest import Ask
from tests.unit.mgmt_ui.fakes import NODE, FakeServer


async def test_no_alarm(get: Any):
    assert await get("/api/health/checks/alarms") == {"status": "ok"}


async def test_an_alarm(ask: Ask, server: FakeServer):
    server.alarms.append("memory")
    response = await ask("/api/health/checks/alarms")
    assert response.status == 503
    assert await response.json() == {
        "status": "failed",
        "reason": "There are alarms in effect in the cluster",
        "alarms": [{"node": NODE, "resource": "memory"}],
    }
