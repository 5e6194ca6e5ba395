"""Regular expressions of permissions and policies: PCRE's, bounded (spec 10.3, 10.4)."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from tests.support.target import Target, path_segment
from tests.support.wire import WireClient, wire

VHOST = "%2F"


@pytest.fixture
def readable(target: Target, name: Callable[..., str]) -> Iterator[Callable[[str, str], bool]]:
    """Whether a user who may read what matches a pattern may read a queue of this name."""
    user = name("pat")
    assert target.api("PUT", f"users/{user}", {"password": "x", "tags": ""})[0] == 201

    def ask(pattern: str, queue: str) -> bool:
        body = {"configure": "", "write": "", "read": pattern}
        status, answer = target.api("PUT", f"permissions/{VHOST}/{user}", body)
        assert status in (201, 204), answer
        with WireClient(target.amqp) as client:
            client.connect(user, "x")
            # Permission comes before existence.
            client.send_method(1, "basic.get", queue=queue)
            close = client.expect("channel.close", 1)
            return bool(close.arguments["reply_code"] == 404)

    yield ask
    target.api("DELETE", f"users/{user}")


@pytest.mark.parametrize(
    ("pattern", "queue", "matches"),
    [
        (r"\Aorders\Z", "orders", True),
        ("^[[:lower:]]+$", "orders", True),
        ("^[[:lower:]]+$", "Orders", False),
        (r"^\Qa.b\E$", "a.b", True),
        (r"^\Qa.b\E$", "axb", False),
        ("o(?i)R", "or", True),
        ("o(?i)R", "Or", False),
        ("^a{,3}$", "aaa", False),
        ("^a{,3}$", "a{,3}", True),
        (r"^\x{6f}rders", "orders", True),
        ("^(?<n>a)(?P=n)$", "aa", True),
        ("^(?>a+)ab", "aaab", False),
        ("^(?!secret)", "secret.q", False),
        ("^(?!secret)", "q", True),
        ("(?:^..$)", "ü", True),
        (r"^(?|(a)|(b))\1$", "bb", True),
    ],
)
def test_dialect(readable: Callable[[str, str], bool], pattern: str, queue: str, matches: bool):
    assert readable(pattern, queue) is matches


@pytest.mark.parametrize("pattern", ["(", "[z-a]", "a**", r"\u0041", "(?r)a", "[[:nosuch:]]"])
def test_what_is_no_expression(target: Target, name: Callable[..., str], pattern: str):
    body: dict[str, Any] = {"pattern": pattern, "definition": {"max-length": 1}}
    status, answer = target.api("PUT", f"policies/{VHOST}/{path_segment(name())}", body)
    assert status == 400
    assert "pattern should be regular expression but is invalid: " in answer["reason"]
    permission = {"configure": "", "write": "", "read": pattern}
    assert target.api("PUT", f"permissions/{VHOST}/guest", permission)[0] == 400


def test_a_search_that_takes_too_long_finds_nothing(readable: Callable[[str, str], bool]):
    assert readable("^(.*a){30}$", "a" * 254 + "!") is False


def test_a_search_that_takes_too_long_holds_up_nobody(
    target: Target, name: Callable[..., str], readable: Callable[[str, str], bool]
):
    policy = f"policies/{VHOST}/{path_segment(name())}"
    queues = [f"{name('a' * 200)}{number}!" for number in range(20)]
    with wire(target.amqp) as client, wire(target.amqp) as bystander:
        for queue in queues:
            client.call(1, "queue.declare", queue=queue, exclusive=True)
        body = {"pattern": "^(.*a){30}$", "definition": {"max-length": 1}}
        try:
            assert target.api("PUT", policy, body)[0] in (201, 204)
            with suppress(OSError):
                for _ in range(20):
                    began = time.monotonic()
                    bystander.call(1, "basic.qos")
                    assert time.monotonic() - began < 3
        finally:
            assert target.api("DELETE", policy)[0] == 204
