"""No route lets a user of one virtual host see or touch another (spec 1.4).

Every row of the table that names a virtual host is tried, so that a new one cannot be forgotten.
"""

import re
from typing import Any

import pytest

from mgmt_ui.routes import ROUTES, Route
from tests.support.engine import Engine
from tests.unit.mgmt_ui.conftest import Ask
from tests.unit.mgmt_ui.fakes import FakeServer

NAMES = {"vhost": "secret-a", "user": "guest", "kind": "q", "source": "secret-x"}
INSIDE = [route for route in ROUTES if "{vhost}" in route.path]


# What any of the routes needs before it looks at anything.
BODY = {
    "value": 1,
    "definition": {"max-length": 1},
    "pattern": "",
    "routing_key": "",
    "payload": "",
    "payload_encoding": "string",
    "properties": {},
    "count": 1,
    "ackmode": "ack_requeue_true",
    "encoding": "auto",
}


@pytest.fixture
def engine():
    with Engine() as engine:
        vhosts = engine.vhosts
        vhost = vhosts.create("secret-a")
        vhosts.permissions.set("guest", "secret-a", ".*", ".*", ".*")
        vhosts.set_limits("secret-a", {"max-queues": 5})
        # Everything but a permission in there, and but what opens all of the broker.
        vhosts.users.add("bob", "bob", ["management", "policymaker"])
        vhosts.permissions.set("bob", vhosts.create("b").name, ".*", ".*", ".*")
        properties: Any = {"durable": True, "auto_delete": False, "arguments": {}}
        vhost.declare_queue("secret-q", owner=None, **properties)
        vhost.declare_exchange("secret-x", "topic", internal=False, **properties)
        vhost.bind("secret-x", "secret-q", "queue", "secret-key", {}, None)
        engine.connect(vhost="secret-a").consume("secret-q", "secret-tag")
        yield engine


@pytest.fixture
def server(engine: Engine) -> FakeServer:
    server = FakeServer()
    inside: Any = engine
    server.vhosts, server.context, server.clock = inside.vhosts, inside.context, inside.clock
    server.connections = inside.context.connections
    return server


@pytest.mark.parametrize("route", INSIDE, ids=lambda route: f"{route.method} {route.path}")
async def test_a_stranger_is_refused(ask: Ask, route: Route):
    path = re.sub(r"\{(\w+)\}", lambda found: NAMES.get(found[1], "secret-q"), route.path)
    options: dict[str, Any] = {} if route.method in {"GET", "DELETE"} else {"json": BODY}
    async with await ask(path, user="bob", method=route.method, **options) as response:
        assert response.status == 401, await response.text()
        assert (await response.json())["error"] == "not_authorised"


@pytest.mark.parametrize(
    "route",
    [r for r in ROUTES if r.method == "GET" and "{" not in r.path and r.path != "/api/live"],
    ids=lambda route: route.path,
)
async def test_lists_name_nothing_of_others(ask: Ask, route: Route):
    async with await ask(route.path, user="bob") as response:
        assert response.status in {200, 401}
        assert "secret-" not in await response.text()
