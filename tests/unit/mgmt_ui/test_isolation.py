"""No route lets a user of one virtual host see or touch another (spec 1.4).

Every row of the table that names a virtual host is tried, so that a new one cannot be forgotten.
"""

import re
from typing import Any
from urllib.parse import quote

import pytest

from mgmt_ui.jobs import jobs_of
from mgmt_ui.routes import ROUTES, Route
from tests.support.engine import Engine
from tests.unit.mgmt_ui.conftest import Ask
from tests.unit.mgmt_ui.fakes import FakeServer

NAMES = {"vhost": "secret-a", "user": "guest", "kind": "q", "source": "secret-x"}
INSIDE = [route for route in ROUTES if "{vhost}" in route.path]
# What names things by other ways, or nothing at all; a stream does not end.
OUTSIDE = [route for route in ROUTES if "{vhost}" not in route.path and route.path != "/api/live"]


# What any of the routes needs before it looks at anything.
BODY = {
    "vhost": "secret-a",
    "name": "secret-q",
    "queue": "secret-q",
    "users": ["guest"],
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


def state_of(engine: Engine) -> Any:
    """All that a stranger could have changed."""
    vhosts: Any = engine.vhosts
    vhost = vhosts.get("secret-a")
    return (
        sorted(
            (q.name, q.message_count, q.consumer_count, q.paused) for q in vhost.queues.values()
        ),
        sorted((x.name, len(x.bindings)) for x in vhost.exchanges.values()),
        [(p.name, p.definition) for p in (*vhost.policies, *vhost.operator_policies)],
        (vhost.running, vhost.metadata, vhost.max_queues, dict(vhosts.limits.of_vhost("secret-a"))),
        sorted((p.user, p.vhost, p.configure, p.write, p.read) for p in vhosts.permissions),
        sorted((u.name, u.password_hash, u.tags) for u in vhosts.users),
        sorted((c.user.name, c.vhost.name, str(c.state)) for c in engine.context.connections),
    )


@pytest.fixture
async def names(ask: Ask, engine: Engine) -> dict[str, str]:
    """What is in the paths: a connection, a user and a job of the virtual host."""
    body = {"dry_run": True, "all": True, "filter": {}, "wait": 1}
    path = "/api/queues/secret-a/secret-q/move"
    async with await ask(path, method="POST", json=body | {"queue": "secret-q"}) as response:
        assert response.status == 200, await response.text()
        job = (await response.json())["id"]
    (connection,) = engine.context.connections
    return {"user": "guest", "id": str(job), "name": connection.name, "vhost": "secret-a"}


@pytest.mark.parametrize("route", OUTSIDE, ids=lambda route: f"{route.method} {route.path}")
async def test_nothing_else_tells_or_touches_anything(
    ask: Ask, engine: Engine, server: FakeServer, names: dict[str, str], route: Route
):
    channel = {"name": names["name"] + " (1)"} if route.path.startswith("/api/channels") else {}
    values = {each: quote(name, safe="") for each, name in (names | channel).items()}
    path = re.sub(r"\{(\w+)\}", lambda found: values.get(found[1], "secret-q"), route.path)
    before = state_of(engine)
    options: dict[str, Any] = {} if route.method in {"GET", "DELETE"} else {"json": BODY}
    async with await ask(path, user="bob", method=route.method, **options) as response:
        # A check of health that failed is 503.
        assert response.status < 500 or "/checks/" in path, await response.text()
        if route.method == "GET" and "{" not in route.path:
            assert response.status in {200, 401}
        # What somebody has said may be said back.
        told = (await response.text()).replace(path, "")
        assert response.status in {400, 404, 503} or "secret-" not in told
    assert state_of(engine) == before
    assert [str(job.about["vhost"]) for job in jobs_of(server.as_server)] == ["secret-a"]
