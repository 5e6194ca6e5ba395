from typing import Any

import pytest

from tests.unit.mgmt_ui.fakes import FakeServer

VALUE = {"uri": "amqp://a"}
PATH = "/api/parameters/federation-upstream/%2F/up"
SHOWN = {"component": "federation-upstream", "vhost": "/", "name": "up", "value": VALUE}


async def test_set_shown_and_removed(ask: Any, get: Any):
    for status in (201, 204):
        assert (await ask(PATH, method="PUT", json={"value": VALUE})).status == status
    assert await get(PATH) == SHOWN
    for path in ("", "/federation-upstream", "/federation-upstream/%2F"):
        assert await get("/api/parameters" + path) == [SHOWN]
    assert await get("/api/parameters/bogus") == []
    for status in (204, 404):
        assert (await ask(PATH, method="DELETE")).status == status
    assert (await ask(PATH)).status == 404


@pytest.mark.parametrize(
    ("component", "body", "reason"),
    [
        ("bogus", {"value": 1}, "Validation failed\n\ncomponent bogus not found\n"),
        ("bogus", {}, "[{key_missing,value}]"),
        ("policy", {"value": {}}, "policies may not be set using this method"),
    ],
)
async def test_refused(ask: Any, component: str, body: Any, reason: str):
    answer = await ask(f"/api/parameters/{component}/%2F/x", method="PUT", json=body)
    assert answer.status == 400
    assert (await answer.json())["reason"] == reason


async def test_global_parameters(ask: Any, get: Any):
    path = "/api/global-parameters/mine"
    for status in (201, 204):
        assert (await ask(path, method="PUT", json={"value": [1]})).status == status
    assert await get(path) == {"name": "mine", "value": [1]}
    names = [row["name"] for row in await get("/api/global-parameters")]
    assert names == ["internal_cluster_id", "mine"]
    assert (await ask(path, method="PUT", json={})).status == 400
    for status in (204, 404):
        assert (await ask(path, method="DELETE")).status == status
    assert (await ask(path)).status == 404


@pytest.mark.parametrize(
    "path",
    ["/api/parameters", "/api/parameters/shovel", "/api/global-parameters", PATH],
)
@pytest.mark.parametrize(("tag", "status"), [("management", 401), ("monitoring", 401)])
async def test_for_policymakers(ask: Any, server: FakeServer, path: str, tag: str, status: int):
    server.add_user("ann", tag)
    server.vhosts.permissions.set("ann", "/", "", "", "")
    answer = await ask(path, user="ann")
    assert answer.status == status
    assert (await answer.json())["reason"] == "User not authorised to access object"


async def test_policymakers_see_their_virtual_hosts(ask: Any, get: Any, server: FakeServer):
    server.add_user("ann", "policymaker")
    server.add_vhost("other")
    await ask(PATH, method="PUT", json={"value": VALUE})
    assert await get("/api/parameters", user="ann") == []
    server.vhosts.permissions.set("ann", "/", "", "", "")
    assert await get("/api/parameters", user="ann") == [SHOWN]
    assert (await ask("/api/parameters/shovel/other", user="ann")).status == 401
    assert (await ask("/api/parameters/shovel/nope", user="ann")).status == 404
