from typing import Any

import pytest

from tests.unit.mgmt_ui.fakes import FakeServer

POLICY = {"pattern": "^q", "definition": {"max-length": 5}, "priority": 2, "apply-to": "queues"}
SHOWN = {"vhost": "/", "name": "p", **POLICY}


@pytest.mark.parametrize("kind", ["policies", "operator-policies"])
async def test_made_shown_and_removed(ask: Any, get: Any, kind: str):
    path = f"/api/{kind}/%2F/p"
    for status in (201, 204):
        assert (await ask(path, method="PUT", json=POLICY)).status == status
    assert await get(path) == SHOWN
    assert await get(f"/api/{kind}") == await get(f"/api/{kind}/%2F") == [SHOWN]
    for status in (204, 404):
        assert (await ask(path, method="DELETE")).status == status
    assert (await ask(path)).status == 404
    assert await get(f"/api/{kind}") == []


async def test_what_is_left_out_goes_back_to_its_default(ask: Any, get: Any):
    await ask("/api/policies/%2F/p", method="PUT", json=POLICY)
    short = {"pattern": "", "definition": {"expires": 1}}
    await ask("/api/policies/%2F/p", method="PUT", json=short)
    assert await get("/api/policies/%2F/p") == SHOWN | short | {"priority": 0, "apply-to": "all"}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, "[{key_missing,pattern},{key_missing,definition}]"),
        ({"pattern": "q"}, "[{key_missing,definition}]"),
        ({"pattern": "q", "definition": {}}, "Validation failed\n\nno policy provided\n"),
        ([], "not_json"),
    ],
)
async def test_refused(ask: Any, body: Any, reason: str):
    answer = await ask("/api/policies/%2F/p", method="PUT", json=body)
    assert answer.status == 400
    assert await answer.json() == {"error": "bad_request", "reason": reason}


@pytest.mark.parametrize(
    ("user", "path", "status"),
    [
        ("management", "/api/policies", 200),
        ("management", "/api/policies/%2F", 200),
        ("management", "/api/policies/%2F/p", 401),
        ("policymaker", "/api/policies/%2F/p", 200),
        ("policymaker", "/api/policies/other/p", 401),
        ("monitoring", "/api/policies/%2F/p", 401),
        ("policymaker", "/api/operator-policies/%2F", 200),
        ("policymaker", "/api/operator-policies/%2F/p", 401),
        ("administrator", "/api/operator-policies/%2F/p", 200),
    ],
)
async def test_who_may_look(ask: Any, server: FakeServer, user: str, path: str, status: int):
    server.add_user(user, user)
    server.vhosts.permissions.set(user, "/", "", "", "")
    server.add_vhost("other")
    vhost = server.vhosts["/"]
    for policies in (vhost.policies, vhost.operator_policies):
        policies.set("p", pattern="", definition={"expires": 1})
    assert (await ask(path, user=user)).status == status
