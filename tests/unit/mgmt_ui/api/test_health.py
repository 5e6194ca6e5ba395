from types import SimpleNamespace
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


async def answer(ask: Ask, path: str, **options: Any) -> tuple[int, Any]:
    response = await ask(f"/api/{path}", **options)
    return response.status, await response.json()


async def test_alarms_of_the_node(ask: Ask, server: FakeServer):
    assert await answer(ask, "healthchecks/node") == (200, {"status": "ok"})
    assert (await answer(ask, "health/checks/local-alarms"))[0] == 200
    server.alarms += ["memory", "disk"]
    assert (await answer(ask, "health/checks/local-alarms"))[1]["reason"] == (
        "There are alarms in effect on the node"
    )
    status, body = await answer(ask, f"healthchecks/node/{NODE}")
    assert status == 503
    assert body["reason"] == (
        "resource alarm(s) in effect:"
        f"[{{resource_limit,memory,{NODE}}},{{resource_limit,disk,{NODE}}}]"
    )
    assert (await answer(ask, "healthchecks/node/rabbit@elsewhere"))[0] == 404


async def test_ports(ask: Ask):
    path = "health/checks/port-listener/"
    assert await answer(ask, path + "5672") == (200, {"status": "ok", "port": 5672})
    assert await answer(ask, path + "9") == (
        503,
        {
            "status": "failed",
            "reason": "No active listener",
            "missing": 9,
            "ports": [5672, 15672],
        },
    )
    assert await answer(ask, path + "x") == (
        400,
        {"error": "bad_request", "reason": "Invalid port"},
    )


async def test_protocols(ask: Ask):
    path = "health/checks/protocol-listener/"
    for alias in ("amqp", "AMQP091", "amqp0-9-1", "mqtt,amqp"):
        status, body = await answer(ask, path + alias)
        assert (status, body["protocol"], body["protocols"]) == (200, "amqp", ["amqp", "http"])
    status, body = await answer(ask, path + "mqtt")
    assert (status, body["missing"], body["protocols"]) == (503, "mqtt", ["amqp", "http"])


async def test_bad_periods_of_certificates(ask: Ask):
    path = "health/checks/certificate-expiration/"
    assert await answer(ask, path + "1/months") == (200, {"status": "ok"})
    assert (await answer(ask, path + "1/hours"))[1]["reason"] == (
        "Time unit not recognised. Supported units: days, weeks, months, years."
    )
    assert (await answer(ask, path + "x/days"))[1]["reason"] == "Invalid expiration value."


async def test_virtual_hosts(ask: Ask, server: FakeServer):
    server.add_vhost("down").running = False
    assert await answer(ask, "health/checks/virtual-hosts") == (
        503,
        {
            "status": "failed",
            "reason": "Some virtual hosts are down",
            "virtual-hosts": ["down"],
        },
    )


async def test_checks_that_one_node_always_passes(get: Any):
    for path in ("node-is-quorum-critical", "node-is-mirror-sync-critical"):
        assert await get(f"/api/health/checks/{path}") == {
            "status": "ok",
            "reason": "single node cluster",
        }
    for path in (
        "metadata-store/initialized",
        "metadata-store/initialized/with-data",
        "quorum-queues-without-elected-leaders/all-vhosts/",
        "quorum-queues-without-elected-leaders/vhost/%2F/pattern/x",
    ):
        assert await get(f"/api/health/checks/{path}") == {"status": "ok"}


async def test_checks_for_anybody(get: Any):
    for path in (
        *("is-in-service", "ready-to-serve-clients", "below-node-connection-limit"),
        "reached-target-cluster-size",
    ):
        assert (await get(f"/api/health/checks/{path}", user=None))["status"] == "ok"


async def test_nobody_can_connect_without_a_listener(ask: Ask, server: FakeServer):
    del server.listeners[0]
    status, _ = await answer(ask, "health/checks/ready-to-serve-clients", user=None)
    assert status == 503


async def test_the_connections_that_may_be_open(get: Any, ask: Ask, server: FakeServer):
    path = "health/checks/below-node-connection-limit"
    server.connections += [SimpleNamespace(state=state) for state in ("running", "starting")]
    found = await get(f"/api/{path}", user=None)
    assert found == {"status": "ok", "connections": 1, "limit": "infinity"}

    server.vhosts.limits.max_connections = 2
    assert (await get(f"/api/{path}", user=None))["limit"] == 2

    server.vhosts.limits.max_connections = 1
    full = {"status": "failed", "reason": "node connection limit is reached"}
    assert await answer(ask, path, user=None) == (503, {**full, "connections": 1})
    assert await answer(ask, "health/checks/ready-to-serve-clients", user=None) == (503, full)
