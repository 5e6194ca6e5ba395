"""What a definitions file must look like (management reference 2.2)."""

from typing import Any

import pytest

from tests.unit.vhosts.test_registry import restart  # noqa: F401 -- a fixture
from vhosts import definitions, errors
from vhosts.registry import VirtualHosts


def load(vhosts: VirtualHosts[Any], document: Any) -> None:
    for _ in definitions.load_cluster(vhosts, document):
        pass


QUEUE = {"vhost": "/", "name": "q", "durable": True, "auto_delete": False, "arguments": {}}


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ([], "definitions must be an object"),
        ({"queues": {}}, ""),
        ({"queues": 5}, "queues must be a list of objects"),
        ({"queues": ["q"]}, "queues must be a list of objects"),
        ({"queues": [{**QUEUE, "vhost": "nosuch"}]}, '["no_such_vhost","nosuch"]'),
        ({"queues": [{"name": "q"}]}, '["no_such_vhost","undefined"]'),
        ({"queues": [{"vhost": "/"}]}, "[{key_missing,name}]"),
        ({"queues": [{**QUEUE, "name": 5}]}, '["not_string","name"]'),
        ({"queues": [{**QUEUE, "durable": "yes"}]}, '["not_boolean","durable"]'),
        ({"queues": [{**QUEUE, "arguments": "none"}]}, '["not_object","arguments"]'),
        ({"users": [{"name": "u"}]}, "[{key_missing,password_hash}]"),
        ({"users": [{"name": "u", "password_hash": "", "tags": 5}]}, '["not_string","tags"]'),
        (
            {
                "permissions": [
                    {"user": "u", "vhost": "/", "configure": "", "write": "", "read": ""}
                ]
            },
            '["no_such_user","u"]',
        ),
        (
            {
                "bindings": [
                    {
                        "vhost": "/",
                        "source": "amq.topic",
                        "destination": "q",
                        "destination_type": "door",
                        "routing_key": "",
                    }
                ]
            },
            "unknown destination_type 'door'",
        ),
    ],
)
async def test_files_that_cannot_be_used(restart: Any, document: Any, text: str):  # noqa: F811
    async with restart() as vhosts:
        if not text:
            load(vhosts, document)  # an empty list by another name
            return
        with pytest.raises(errors.InvalidValue) as refused:
            load(vhosts, document)
        assert refused.value.text == text


async def test_what_stood_before_an_error_is_kept(restart: Any):  # noqa: F811
    async with restart() as vhosts:
        with pytest.raises(errors.InvalidValue):
            load(vhosts, {"queues": [QUEUE, {**QUEUE, "name": 5}]})
        assert "q" in vhosts.get("/").queues


async def test_a_file_is_exported_as_it_was_imported(restart: Any):  # noqa: F811
    given: dict[str, Any] = {
        "vhosts": [
            {"name": "v", "description": "d", "tags": ["a"], "default_queue_type": "quorum"}
        ],
        "users": [
            {"name": "u", "password_hash": "", "tags": "a, b", "limits": {"max-channels": 2}}
        ],
        "queues": [{**QUEUE, "vhost": "v", "arguments": {"x-queue-type": "quorum"}}],
    }
    async with restart() as vhosts:
        load(vhosts, given)
        found = definitions.of_cluster(vhosts, {})
    (vhost,) = [row for row in found["vhosts"] if row["name"] == "v"]
    assert {key: vhost[key] for key in given["vhosts"][0]} == given["vhosts"][0]
    assert found["queues"] == given["queues"]
    (user,) = [row for row in found["users"] if row["name"] == "u"]
    assert user["tags"] == ["a", "b"]
    assert user["limits"] == {"max-channels": 2}
    assert user["hashing_algorithm"] == "rabbit_password_hashing_md5"
