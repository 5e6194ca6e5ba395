"""Requests that leave a line in the audit log."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from broker import audit
from mgmt_ui.audited import EVENTS, UNTOLD
from mgmt_ui.routes import ROUTES
from tests.support.broker import Broker
from tests.support.target import Target

CHANGES = {route.handler for route in ROUTES if route.method != "GET"}


def test_the_tables_name_handlers_that_change_something():
    assert EVENTS.keys() | UNTOLD <= CHANGES


def test_off_is_off():
    assert not audit.on


@pytest.fixture
def broker(start_broker: Callable[..., Broker], tmp_path: Path) -> Broker:
    """A broker with an audit log."""
    return start_broker("--audit-log", str(tmp_path / "audit.log"), "--log-format", "json")


def test_changes_leave_a_line_without_secrets(broker, tmp_path):
    target = Target(broker.amqp, broker.http, "leveret")
    for method, path, body in (
        ("PUT", "vhosts/v", {}),
        ("PUT", "users/ann", {"password": "sesame", "tags": ""}),
        ("PUT", "permissions/v/ann", {"configure": "", "write": "", "read": ""}),
        ("PUT", "queues/v/q", {"durable": True}),
        ("DELETE", "queues/v/q", None),
        ("PUT", "policies/v/p", {"pattern": "x", "definition": {"max-length": 5}}),
        ("DELETE", "users/ann", None),
        ("DELETE", "vhosts/v", None),
    ):
        assert target.api(method, path, body)[0] in {201, 204}, path
    target.api("GET", "queues")
    assert target.api("PUT", "users/ann", {})[0] == 400
    assert target.api("PUT", "queues/%2F/amq.q", {})[0] == 401
    assert target.api("GET", "overview", user="ann:sesame")[0] == 401
    text = (tmp_path / "audit.log").read_text()
    assert "sesame" not in text
    lines = [json.loads(line) for line in text.splitlines()]
    lines = [line for line in lines if line["via"] == "http"]
    assert {line["address"] for line in lines} == {"127.0.0.1"}
    told = [(line["event"], line["user"], line.get("vhost"), line.get("target")) for line in lines]
    assert told == [
        ("vhost.declared", "guest", "v", None),
        ("user.changed", "guest", None, "ann"),
        ("permission.changed", "guest", "v", "ann"),
        ("queue.declared", "guest", "v", None),
        ("queue.deleted", "guest", "v", None),
        ("policy.changed", "guest", "v", None),
        ("user.deleted", "guest", None, "ann"),
        ("vhost.deleted", "guest", "v", None),
        ("access.refused", "guest", "/", None),
        ("login.failed", "ann", None, None),
    ]
