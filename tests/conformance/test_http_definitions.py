"""Definitions out and in through the management API (management reference 2.2, 3.14)."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.conformance.helpers import declare
from tests.support.target import Target, path_segment

KINDS = {
    "users",
    "vhosts",
    "permissions",
    "topic_permissions",
    "parameters",
    "global_parameters",
    "policies",
    "queues",
    "exchanges",
    "bindings",
}


def call(target: Target, method: str, path: str, body: Any = None, expect: int = 200) -> Any:
    """The body of an answer that must have this status."""
    status, answer = target.api(method, path, body)
    assert status == expect, (status, answer)
    return answer


def rows(document: Any, kind: str, name: str) -> list[Any]:
    """The rows of that name."""
    return [row for row in document[kind] if name in (row.get("name"), row.get("destination"))]


@pytest.fixture
def vhost(target: Target, name: Callable[..., str]) -> Iterator[str]:
    """A virtual host of its own."""
    made = name("vh")
    call(target, "PUT", f"vhosts/{made}", {}, 201)
    yield made
    target.api("DELETE", f"vhosts/{made}")


def contents(label: str) -> dict[str, Any]:
    """What fits one virtual host."""
    return {
        "policies": [
            {
                "name": f"{label}-p",
                "pattern": f"^{label}",
                "apply-to": "queues",
                "definition": {"max-length": 7},
                "priority": 2,
            }
        ],
        "queues": [
            {
                "name": f"{label}-q",
                "durable": True,
                "auto_delete": False,
                "arguments": {"x-queue-type": "quorum", "x-max-length": 1000},
            }
        ],
        "exchanges": [
            {
                "name": f"{label}-x",
                "type": "headers",
                "durable": True,
                "auto_delete": False,
                "internal": True,
                "arguments": {"alternate-exchange": "amq.fanout"},
            }
        ],
        "bindings": [
            {
                "source": f"{label}-x",
                "destination": f"{label}-q",
                "destination_type": "queue",
                "routing_key": "k",
                "arguments": {"x-match": "any", "n": 1, "flag": True},
            }
        ],
    }


def test_all_kinds_are_there(target: Target):
    document = call(target, "GET", "definitions")
    assert set(document) >= KINDS | {"rabbit_version", "rabbitmq_version", "product_name"}
    (guest,) = rows(document, "users", "guest")
    assert guest["hashing_algorithm"] == "rabbit_password_hashing_sha256"
    assert guest["tags"] == ["administrator"]
    assert {"user": "guest", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"} in (
        document["permissions"]
    )
    assert "internal_cluster_id" in {row["name"] for row in document["global_parameters"]}


@pytest.mark.checklist(371)
def test_what_is_not_exported(target: Target, channel: Any, name: Callable[..., str]):
    mine = name()
    declare(channel, mine, exclusive=True)
    channel.queue_bind(mine, "amq.topic", "k")
    document = call(target, "GET", "definitions")
    assert not rows(document, "queues", mine)
    assert not any(row["name"].startswith("amq.") for row in document["exchanges"])
    assert all(row["source"] for row in document["bindings"])


def test_one_vhost_there_and_back(target: Target, vhost: str):
    given = contents("t")
    call(target, "POST", f"definitions/{vhost}", given, 204)
    call(target, "POST", f"definitions/{vhost}", given, 204)
    document = call(target, "GET", f"definitions/{vhost}")
    assert document["queues"] == given["queues"]
    assert document["exchanges"] == given["exchanges"]
    assert document["bindings"] == given["bindings"]
    (policy,) = document["policies"]
    assert policy == given["policies"][0] | {"vhost": vhost}
    assert "users" not in document
    assert "vhosts" not in document


@pytest.mark.checklist(368)
def test_a_whole_broker_there_and_back(target: Target, name: Callable[..., str], vhost: str):
    user = name("user")
    document = call(target, "GET", "definitions")
    (guest,) = rows(document, "users", "guest")
    given = {
        "users": [guest | {"name": user, "tags": ["monitoring"]}],
        "permissions": [
            {"user": user, "vhost": vhost, "configure": "^c", "write": "", "read": ".*"}
        ],
        "topic_permissions": [
            {"user": user, "vhost": vhost, "exchange": "amq.topic", "write": "^a", "read": ".*"}
        ],
        "parameters": [
            {
                "component": "vhost-limits",
                "vhost": vhost,
                "name": "limits",
                "value": {"max-queues": 5},
            }
        ],
        **{
            kind: [row | {"vhost": vhost} for row in items] for kind, items in contents("w").items()
        },
    }
    try:
        call(target, "POST", "definitions", given, 204)
        found = call(target, "GET", "definitions")
        # The hash came over: the password opens the door.
        assert target.api("GET", "whoami", user=f"{user}:guest")[0] == 200
        for kind in ("permissions", "topic_permissions", "parameters"):
            assert given[kind][0] in found[kind]
        for kind in ("queues", "exchanges", "bindings", "policies"):
            assert given[kind][0] in found[kind]
    finally:
        call(target, "DELETE", f"users/{user}", None, 204)


@pytest.mark.checklist(369)
def test_what_is_there_stays_as_it_is(target: Target, vhost: str):
    given = contents("s")
    call(target, "POST", f"definitions/{vhost}", given, 204)
    given["queues"][0]["arguments"] = {"x-queue-type": "classic"}
    call(target, "POST", f"definitions/{vhost}", given, 204)
    (queue,) = call(target, "GET", f"definitions/{vhost}")["queues"]
    assert queue["arguments"]["x-queue-type"] == "quorum"


@pytest.mark.checklist(370)
def test_reserved_names_are_left_out(target: Target, vhost: str):
    queue = {"durable": True, "auto_delete": False, "arguments": {}}
    given = {"queues": [{"name": "amq.foo", **queue}, {"name": "foo", **queue}]}
    call(target, "POST", f"definitions/{vhost}", given, 204)
    assert [row["name"] for row in call(target, "GET", f"queues/{vhost}")] == ["foo"]


@pytest.mark.checklist(372)
def test_one_vhost_into_another(target: Target, name: Callable[..., str], vhost: str):
    call(target, "POST", f"definitions/{vhost}", contents("a"), 204)
    document = call(target, "GET", f"definitions/{vhost}")
    other = name("vh")
    call(target, "PUT", f"vhosts/{other}", {}, 201)
    try:
        call(target, "POST", f"definitions/{other}", document, 204)
        again = call(target, "GET", f"definitions/{other}")
        assert all(again[kind] == document[kind] for kind in ("queues", "exchanges", "bindings"))
    finally:
        call(target, "DELETE", f"vhosts/{other}", None, 204)
    status, refused = target.api("POST", "definitions", {"queues": document["queues"]})
    assert (status, refused["error"]) == (400, "bad_request")


def test_a_multipart_form(target: Target, vhost: str):
    boundary = "x42"
    body = (
        f'--{boundary}\r\ncontent-disposition: form-data; name="file"; filename="d.json"\r\n'
        f"content-type: application/json\r\n\r\n{json.dumps(contents('m'))}\r\n--{boundary}--\r\n"
    )
    kind = f"multipart/form-data; boundary={boundary}"
    status, _ = target.send("POST", f"definitions/{vhost}", body.encode(), kind)
    assert status == 204
    assert rows(call(target, "GET", f"definitions/{vhost}"), "queues", "m-q")


def test_a_download(target: Target):
    status, _ = target.api("GET", "definitions?download=mine.json")
    assert status == 200


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{", "failed_to_parse_json"),
        (b'{"queues":[{"name":"q","durable":true}]}', "no_such_vhost"),
    ],
)
def test_what_cannot_be_imported(target: Target, body: bytes, reason: str):
    status, refused = target.send("POST", "definitions", body, "application/json")
    assert status == 400
    assert refused["error"] == "bad_request"
    assert reason in str(refused["reason"])


def test_a_vhost_that_is_not_there(target: Target):
    assert call(target, "GET", "definitions/nosuch", None, 400)["reason"] == "vhost_not_found"
    refused = call(target, "POST", "definitions/nosuch", {}, 404)
    assert refused == {"error": "not_found", "reason": "vhost_not_found"}


def test_only_administrators(target: Target, name: Callable[..., str]):
    user = path_segment(name("user"))
    call(target, "PUT", f"users/{user}", {"password": "pw", "tags": "monitoring"}, 201)
    try:
        status, refused = target.api("GET", "definitions", user=f"{user}:pw")
        assert (status, refused["reason"]) == (401, "Not administrator user")
    finally:
        call(target, "DELETE", f"users/{user}", None, 204)
