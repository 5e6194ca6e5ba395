from typing import Any

import pytest

from tests.unit.mgmt_ui.fakes import NODE, FakeServer

JSON = {"content-type": "application/json"}


async def test_the_cluster_is_called_like_its_node_until_it_is_named(ask: Any, get: Any):
    assert await get("/api/cluster-name") == {"name": NODE}
    response = await ask("/api/cluster-name/", method="PUT", json={"name": "farm"})
    assert response.status == 204
    assert await get("/api/cluster-name") == {"name": "farm"}
    assert (await get("/api/overview"))["cluster_name"] == "farm"


async def test_a_new_name_is_told_to_clients(ask: Any, server: FakeServer):
    await ask("/api/cluster-name", method="PUT", json={"name": "farm"})
    assert server.context.identity.properties()["cluster_name"] == ("S", "farm")


async def test_a_name_is_needed(ask: Any):
    response = await ask("/api/cluster-name", method="PUT", json={})
    assert (response.status, await response.json()) == (
        400,
        {"error": "bad_request", "reason": "[{key_missing,name}]"},
    )


async def test_the_version_is_for_anybody(get: Any):
    assert await get("/api/version", user=None) == "4.1.0"


async def test_feature_flags(ask: Any, get: Any):
    rows = await get("/api/feature-flags")
    assert {"quorum_queue", "stream_queue"} <= {row["name"] for row in rows}
    members = {"name", "desc", "doc_url", "state", "stability", "provided_by"}
    assert all(row.keys() == members and row["state"] == "enabled" for row in rows)
    path = "/api/feature-flags/{}/enable"
    body = {"name": "quorum_queue"}
    response = await ask(path.format("quorum_queue"), method="PUT", json=body)
    assert response.status == 204
    assert (await ask(path.format("nosuch"), method="PUT", json=body)).status == 400
    assert (await ask(path.format("quorum_queue"), method="PUT", data="{}")).status == 415


async def test_secrets_stay_out_of_the_configuration(get: Any):
    options = await get("/api/config/effective")
    assert options["default_user"] == "guest"
    assert options["default_pass"] == "<redacted>"
    assert options["tls_key_password"] is None


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("DELETE", "/api/reset", 204),
        ("DELETE", f"/api/reset/{NODE}", 204),
        ("DELETE", "/api/reset/rabbit@elsewhere", 404),
        ("POST", "/api/rebalance/queues", 204),
    ],
)
async def test_actions(ask: Any, method: str, path: str, status: int):
    assert (await ask(path, method=method, json={})).status == status


@pytest.mark.parametrize(
    "path",
    [
        *("deprecated-features", "deprecated-features/used", "shovels", "shovels/%2F"),
        *("federation-links", "federation-links/%2F", "federation-links/state/down/"),
        *("federation-links/%2F/state/down", "traces", "traces/%2F", "trace-files"),
        *("stream/connections", "stream/publishers/%2F", "stream/consumers/%2F/name"),
    ],
)
async def test_plug_ins_that_tools_probe(get: Any, path: str):
    assert await get(f"/api/{path}") == []


@pytest.mark.parametrize("path", ["shovels/nosuch", "traces/nosuch", "shovels/vhost/%2F/nosuch"])
async def test_what_plug_ins_do_not_have(ask: Any, path: str):
    assert (await ask(f"/api/{path}")).status == 404


async def test_top(get: Any):
    assert (await get(f"/api/top/{NODE}"))["processes"] == []
