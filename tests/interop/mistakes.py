"""Requests that somebody gets wrong: one table of what is right, and what can be wrong with it.

Here: the valid body of each route that takes one, and the ways to spoil it.  Not here: what the
brokers say to it (test_validation.py).
"""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

VHOST, USER, THING = "bad", "badu", "thing"
LONG = "n" * 256
JSON = "application/json"

PERMISSION = {"configure": "a", "write": "b", "read": "c"}
MESSAGE = {"routing_key": THING, "properties": {}, "payload": "x", "payload_encoding": "string"}
FETCH = {"count": 1, "ackmode": "ack_requeue_true", "encoding": "auto", "truncate": 50}
POLICY = {"pattern": "^z", "definition": {"max-length": 5}, "priority": 1, "apply-to": "queues"}

# What every test begins with; all of it goes with the virtual host and the user.
PREPARED: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("PUT", f"vhosts/{VHOST}", {}),
    ("PUT", f"users/{USER}", {"password": "x", "tags": ""}),
    ("PUT", f"queues/{VHOST}/{THING}", {"durable": True}),
    ("PUT", f"exchanges/{VHOST}/{THING}", {"type": "direct", "durable": True}),
)
CLEARED = (
    *(f"vhosts/{VHOST}", f"users/{USER}", "users/new", f"users/{LONG}", "vhosts/new"),
    "global-parameters/new",
)


class Right(NamedTuple):
    """A route with a body that it takes; `undo` is deleted after each request to it."""

    method: str
    path: str
    body: dict[str, Any]
    undo: str | None = None


RIGHT: tuple[Right, ...] = (
    Right("PUT", "vhosts/new", {"description": "d", "tags": "a,b", "tracing": False}, "vhosts/new"),
    Right("PUT", "users/new", {"password": "x", "tags": "management"}, "users/new"),
    Right(
        "PUT",
        "users/new",
        {
            "password_hash": "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR",
            "hashing_algorithm": "rabbit_password_hashing_sha256",
            "tags": "",
        },
        "users/new",
    ),
    Right("POST", "users/bulk-delete", {"users": []}),
    Right("PUT", f"permissions/{VHOST}/{USER}", PERMISSION, f"permissions/{VHOST}/{USER}"),
    Right(
        "PUT",
        f"topic-permissions/{VHOST}/{USER}",
        {"exchange": "amq.topic", "write": "a", "read": "b"},
        f"topic-permissions/{VHOST}/{USER}",
    ),
    Right(
        "PUT", f"vhost-limits/{VHOST}/max-queues", {"value": 5}, f"vhost-limits/{VHOST}/max-queues"
    ),
    Right(
        "PUT", f"user-limits/{USER}/max-channels", {"value": 5}, f"user-limits/{USER}/max-channels"
    ),
    Right(
        "PUT",
        f"queues/{VHOST}/new",
        {"durable": True, "auto_delete": False, "arguments": {}},
        f"queues/{VHOST}/new",
    ),
    Right(
        "PUT",
        f"exchanges/{VHOST}/new",
        {
            "type": "topic",
            "durable": True,
            "auto_delete": False,
            "internal": False,
            "arguments": {},
        },
        f"exchanges/{VHOST}/new",
    ),
    Right("POST", f"bindings/{VHOST}/e/{THING}/q/{THING}", {"routing_key": "k", "arguments": {}}),
    Right(
        "POST", f"bindings/{VHOST}/e/{THING}/e/amq.fanout", {"routing_key": "k", "arguments": {}}
    ),
    Right("POST", f"exchanges/{VHOST}/{THING}/publish", MESSAGE),
    Right("POST", f"queues/{VHOST}/{THING}/get", FETCH),
    Right("POST", f"queues/{VHOST}/{THING}/actions", {"action": "sync"}),
    Right("PUT", f"policies/{VHOST}/new", POLICY, f"policies/{VHOST}/new"),
    Right("PUT", f"operator-policies/{VHOST}/new", POLICY, f"operator-policies/{VHOST}/new"),
    Right("PUT", "global-parameters/new", {"value": {"a": 1}}, "global-parameters/new"),
    Right(
        "PUT",
        f"parameters/vhost-limits/{VHOST}/limits",
        {"value": {"max-queues": 5}},
        f"parameters/vhost-limits/{VHOST}/limits",
    ),
    Right("PUT", "cluster-name", {"name": "rabbit@there"}),
    Right("PUT", "feature-flags/quorum_queue/enable", {"name": "quorum_queue"}),
    Right("POST", "rebalance/queues", {}),
)
# Values of every type, for each member in turn.
WRONG: tuple[Any, ...] = (None, True, "text", "", 5, -1, 1.5, 1 << 70, [], [1], {}, {"a": 1})
# Bodies that are no objects, whatever they are sent to.
NO_OBJECTS: tuple[bytes, ...] = (
    b"",
    b"{",
    b"[1]",
    b"5",
    b"null",
    b'"text"',
    b'"{}"',
    b"\xff{}",
    b"true",
)

# Properties of messages of which something is wrong, or might be.
PROPERTIES: tuple[dict[str, Any], ...] = (
    {"delivery_mode": "2"},
    {"delivery_mode": 3},
    {"priority": 256},
    {"priority": -1},
    {"timestamp": "x"},
    {"message_id": 5},
    {"headers": 5},
    {"headers": []},
    {"headers": {"a": None}},
    {"expiration": 5},
    {"expiration": "-1"},
    {"expiration": "x"},
    {"user_id": "other"},
    {"bogus": 1},
    {"content_type": LONG},
    {"headers": {"CC": "x"}},
)
# Requests that are wrong by their path, or by a body of their own.
SINGLE: tuple[tuple[str, str, Any], ...] = (
    *(
        (method, path.format(vhost=vhost), body)
        for vhost in ("nosuch",)
        for method, path, body in (
            ("PUT", "queues/{vhost}/q", {}),
            ("DELETE", "queues/{vhost}/q", None),
            ("DELETE", "queues/{vhost}/q/contents", None),
            ("POST", "queues/{vhost}/q/get", FETCH),
            ("POST", "queues/{vhost}/q/actions", {"action": "sync"}),
            ("PUT", "exchanges/{vhost}/x", {"type": "direct"}),
            ("DELETE", "exchanges/{vhost}/x", None),
            ("POST", "exchanges/{vhost}/x/publish", MESSAGE),
            ("POST", "bindings/{vhost}/e/x/q/q", {}),
            ("DELETE", "bindings/{vhost}/e/x/q/q/k", None),
            ("PUT", "policies/{vhost}/p", POLICY),
            ("DELETE", "policies/{vhost}/p", None),
            ("PUT", "operator-policies/{vhost}/p", POLICY),
            ("DELETE", "operator-policies/{vhost}/p", None),
            ("PUT", "parameters/vhost-limits/{vhost}/limits", {"value": {}}),
            ("DELETE", "parameters/vhost-limits/{vhost}/limits", None),
            ("PUT", "permissions/{vhost}/guest", PERMISSION),
            ("DELETE", "permissions/{vhost}/guest", None),
            ("PUT", "topic-permissions/{vhost}/guest", {"exchange": "x", "write": "", "read": ""}),
            ("DELETE", "topic-permissions/{vhost}/guest", None),
            ("PUT", "vhost-limits/{vhost}/max-queues", {"value": 1}),
            ("DELETE", "vhost-limits/{vhost}/max-queues", None),
            ("DELETE", "vhosts/{vhost}", None),
            ("POST", "definitions/{vhost}", {}),
            ("POST", "vhosts/{vhost}/start/nosuch", {}),
        )
    ),
    ("PUT", f"permissions/{VHOST}/nosuch", PERMISSION),
    ("DELETE", f"permissions/{VHOST}/nosuch", None),
    ("DELETE", f"permissions/{VHOST}/{USER}", None),
    ("PUT", f"permissions/{VHOST}/{USER}", PERMISSION | {"read": "("}),
    ("PUT", f"topic-permissions/{VHOST}/nosuch", {"exchange": "x", "write": "", "read": ""}),
    ("PUT", f"topic-permissions/{VHOST}/{USER}", {"exchange": "x", "write": "(", "read": ""}),
    ("DELETE", f"topic-permissions/{VHOST}/{USER}", None),
    ("DELETE", f"topic-permissions/{VHOST}/{USER}/x", None),
    ("DELETE", "users/nosuch", None),
    ("PUT", "user-limits/nosuch/max-channels", {"value": 1}),
    ("DELETE", "user-limits/nosuch/max-channels", None),
    ("PUT", f"user-limits/{USER}/bogus", {"value": 1}),
    ("DELETE", f"user-limits/{USER}/bogus", None),
    ("PUT", f"vhost-limits/{VHOST}/bogus", {"value": 1}),
    ("DELETE", f"vhost-limits/{VHOST}/bogus", None),
    ("POST", "users/bulk-delete", {"users": ["nosuch"]}),
    ("POST", "users/bulk-delete", {}),
    ("PUT", "users/new", {"tags": "", "password": "a", "password_hash": "b"}),
    ("PUT", "users/new", {"tags": "", "password_hash": "!!!"}),
    ("PUT", "users/new", {"tags": "", "password": "x", "hashing_algorithm": "bogus"}),
    ("PUT", f"users/{LONG}", {"tags": "", "password": "x"}),
    ("PUT", f"queues/{VHOST}/{LONG}", {}),
    ("PUT", f"queues/{VHOST}/amq.q", {}),
    ("PUT", f"queues/{VHOST}/{THING}", {}),
    ("PUT", f"queues/{VHOST}/{THING}", {"durable": True, "arguments": {"x-max-length": 1}}),
    ("PUT", f"queues/{VHOST}/new", {"arguments": {"x-max-length": -1}}),
    ("PUT", f"queues/{VHOST}/new", {"arguments": {"x-max-length": "a"}}),
    ("PUT", f"queues/{VHOST}/new", {"arguments": {"x-queue-type": "bogus"}}),
    ("PUT", f"queues/{VHOST}/new", {"arguments": {"x-queue-type": "quorum"}}),
    ("PUT", f"queues/{VHOST}/new", {"arguments": {"x-overflow": "bogus"}}),
    ("PUT", f"queues/{VHOST}/new", {"arguments": {"x-dead-letter-routing-key": "k"}}),
    ("PUT", f"queues/{VHOST}/new", {"arguments": {"x-max-priority": 300}}),
    ("PUT", f"queues/{VHOST}/new", {"node": "bogus@x"}),
    ("DELETE", f"queues/{VHOST}/nosuch", None),
    ("DELETE", f"queues/{VHOST}/nosuch/contents", None),
    ("DELETE", f"queues/{VHOST}/{THING}?if-empty=maybe", None),
    ("POST", f"queues/{VHOST}/nosuch/get", FETCH),
    ("POST", f"queues/{VHOST}/nosuch/actions", {"action": "sync"}),
    ("POST", f"queues/{VHOST}/{THING}/get", FETCH | {"encoding": "hex"}),
    ("POST", f"queues/{VHOST}/{THING}/actions", {"action": "bogus"}),
    ("PUT", f"exchanges/{VHOST}/{LONG}", {"type": "direct"}),
    ("PUT", f"exchanges/{VHOST}/amq.x", {"type": "direct"}),
    ("PUT", f"exchanges/{VHOST}/{THING}", {"type": "fanout", "durable": True}),
    ("PUT", f"exchanges/{VHOST}/{THING}", {"type": "direct"}),
    ("PUT", f"exchanges/{VHOST}/new", {"type": "bogus"}),
    ("PUT", f"exchanges/{VHOST}/new", {"type": "direct", "arguments": {"alternate-exchange": 5}}),
    ("DELETE", f"exchanges/{VHOST}/nosuch", None),
    ("DELETE", f"exchanges/{VHOST}/amq.direct", None),
    ("DELETE", f"exchanges/{VHOST}/amq.default", None),
    ("POST", f"exchanges/{VHOST}/nosuch/publish", MESSAGE),
    ("POST", f"exchanges/{VHOST}/{THING}/publish", MESSAGE | {"payload_encoding": "hex"}),
    (
        "POST",
        f"exchanges/{VHOST}/{THING}/publish",
        MESSAGE | {"payload_encoding": "base64", "payload": "!"},
    ),
    *(
        ("POST", f"exchanges/{VHOST}/{THING}/publish", MESSAGE | {"properties": properties})
        for properties in PROPERTIES
    ),
    ("POST", f"exchanges/{VHOST}/{THING}/publish", MESSAGE | {"routing_key": LONG}),
    ("POST", f"bindings/{VHOST}/e/nosuch/q/{THING}", {}),
    ("POST", f"bindings/{VHOST}/e/{THING}/q/nosuch", {}),
    ("POST", f"bindings/{VHOST}/e/{THING}/e/nosuch", {}),
    ("POST", f"bindings/{VHOST}/e/amq.default/q/{THING}", {}),
    ("POST", f"bindings/{VHOST}/e/{THING}/q/{THING}", {"routing_key": LONG}),
    ("POST", f"bindings/{VHOST}/e/amq.headers/q/{THING}", {"arguments": {"x-match": "some"}}),
    ("DELETE", f"bindings/{VHOST}/e/{THING}/q/{THING}/nosuch", None),
    ("DELETE", f"bindings/{VHOST}/e/{THING}/q/nosuch/k", None),
    ("DELETE", f"bindings/{VHOST}/e/nosuch/q/{THING}/k", None),
    ("PUT", f"policies/{VHOST}/new", POLICY | {"pattern": "("}),
    ("PUT", f"policies/{VHOST}/new", POLICY | {"apply-to": "some"}),
    ("PUT", f"policies/{VHOST}/new", POLICY | {"definition": {"bogus": 1}}),
    ("PUT", f"policies/{VHOST}/new", POLICY | {"definition": {"max-length": "x"}}),
    (
        "PUT",
        f"operator-policies/{VHOST}/new",
        POLICY | {"definition": {"dead-letter-exchange": "x"}},
    ),
    ("DELETE", f"policies/{VHOST}/nosuch", None),
    ("DELETE", f"operator-policies/{VHOST}/nosuch", None),
    ("PUT", f"parameters/bogus/{VHOST}/new", {"value": 1}),
    ("PUT", f"parameters/vhost-limits/{VHOST}/limits", {"value": {"bogus": 1}}),
    ("DELETE", f"parameters/bogus/{VHOST}/new", None),
    ("DELETE", "global-parameters/nosuch", None),
    ("PUT", "feature-flags/nosuch/enable", {"name": "nosuch"}),
    ("DELETE", "connections/nosuch", None),
    ("DELETE", "connections/username/nosuch", None),
    ("POST", "definitions", {"queues": [{"name": "q"}]}),
    ("POST", "definitions", {"queues": 5}),
    ("POST", "definitions", {"queues": [5]}),
    ("POST", "definitions", {"users": [{"name": "new"}]}),
    ("POST", "definitions", {"bogus": 5}),
    ("POST", f"definitions/{VHOST}", {"queues": [{"durable": True}]}),
    ("POST", f"definitions/{VHOST}", {"exchanges": [{"name": "new"}]}),
    ("POST", f"definitions/{VHOST}", {"policies": [{"name": "new"}]}),
    ("PUT", "nosuch", {}),
    ("POST", "overview", {}),
    ("DELETE", "overview", None),
    ("POST", f"queues/{VHOST}/{THING}", {}),
    ("PUT", f"queues/{VHOST}", {}),
)

# What may follow a list: pages, filters, sorts, columns and ranges, right and wrong.
LISTS = (f"queues/{VHOST}", f"exchanges/{VHOST}", "vhosts")
QUERIES = (
    *("page=1", "page=0", "page=-1", "page=a", "page=", "page=1.5", "page=2", "page=99"),
    *("page=1&page_size=1", "page=2&page_size=1", "page=1&page_size=500", "page=1&page_size=501"),
    *("page=1&page_size=0", "page=1&page_size=-1", "page=1&page_size=a", "page=1&page_size="),
    *("page_size=1", "page_size=501", "name=thing", "use_regex=true&name=(", "page=1&page=2"),
    *("page=1&name=thing", "page=1&name=THI", "page=1&name=nosuch", "page=1&name=", "page=1&name"),
    *("page=2&name=nosuch", "page=1&name=t.*g&use_regex=true", "page=1&name=(&use_regex=true"),
    *("page=1&name=t.*g&use_regex=maybe", "page=1&name=t.*g&use_regex=false", "pagination=true"),
    *("page=1&pagination=false", "page=1&use_regex=true", "page=1&name=thing&use_regex=true"),
    *("sort=name", "sort=name&sort_reverse=true", "sort=name&sort_reverse=yes", "sort=nosuch"),
    *("sort=", "sort=nosuch.deep", "sort=name.deep", "sort_reverse=true", "page=1&sort=nosuch"),
    *("columns=name", "columns=nosuch", "columns=name,nosuch", "columns=nosuch.deep", "columns=,"),
    *("disable_stats=true", "disable_stats=maybe", "disable_stats=true&page=1"),
    *("disable_stats=true&enable_queue_totals=true&columns=name", "bogus=1"),
    *("lengths_age=60&lengths_incr=5", "lengths_age=60", "lengths_incr=5"),
    *("lengths_age=a&lengths_incr=5", "lengths_age=60&lengths_incr=0"),
    *("msg_rates_age=60&msg_rates_incr=7", "msg_rates_age=5&msg_rates_incr=60"),
    *("msg_rates_age=60000&msg_rates_incr=5", "msg_rates_age=-1&msg_rates_incr=5"),
    *("msg_rates_age=60&msg_rates_incr=-5", "data_rates_age=60000&data_rates_incr=1"),
    "lengths_age=60000&lengths_incr=5",
)


class Request(NamedTuple):
    """One request: what is wrong with it is in `what`, for people."""

    what: str
    method: str
    path: str
    body: bytes | None
    undo: str | None = None


def spoilt() -> Iterator[Request]:
    """Every request that is to be tried, all different in `what`."""
    seen = set()
    for right in RIGHT:
        where = f"{right.method} {right.path}"
        for what, body in _bodies(right):
            if (name := f"{where} {what}") not in seen:
                seen.add(name)
                yield Request(name, right.method, right.path, body, right.undo)
    for path in LISTS:
        for query in QUERIES:
            yield Request(f"GET {path}?{query}", "GET", f"{path}?{query}", None)
    for method, path, body in SINGLE:
        raw = None if body is None else json.dumps(body).encode()
        yield Request(f"{method} {path} {'' if raw is None else raw.decode()}", method, path, raw)


def _bodies(right: Right) -> Iterator[tuple[str, bytes]]:
    for raw in NO_OBJECTS:
        yield ascii(raw.decode("latin-1")), raw
    changes = [(f"with {name}", right.body | {name: 1}) for name in ("unknown",)]
    for name in right.body:
        rest = {key: value for key, value in right.body.items() if key != name}
        changes.append((f"without {name}", rest))
        changes += [(f"{name}={json.dumps(wrong)}", rest | {name: wrong}) for wrong in WRONG]
    for what, body in changes:
        yield what, json.dumps(body).encode()
