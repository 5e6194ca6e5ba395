"""Policies and operator policies: who comes under them, what each key does to what is there."""

from collections.abc import Callable
from typing import Any, Protocol

import pytest
from pika.exceptions import NackError

from tests.conformance.helpers import (
    bound,
    declare,
    get,
    publish,
    ready,
    take,
    until_ready,
)
from tests.support.eventually import eventually
from tests.support.wire import wire

NEWER = "the key came with RabbitMQ 4"
QUORUM = {"x-queue-type": "quorum"}


class SetPolicy(Protocol):
    """Sets a policy for what begins with `prefix`; keys of the definition with underscores."""

    def __call__(
        self,
        prefix: str,
        *,
        operator: bool = False,
        policy: str = "p",
        priority: int = 0,
        apply_to: str = "all",
        **definition: Any,
    ) -> str: ...


@pytest.fixture
def policy(put: Callable[..., tuple[int, Any]]) -> SetPolicy:
    def set_policy(
        prefix: str,
        *,
        operator: bool = False,
        policy: str = "p",
        priority: int = 0,
        apply_to: str = "all",
        **definition: Any,
    ) -> str:
        path = f"{'operator-' if operator else ''}policies/%2F/{prefix}-{policy}"
        body = {
            "pattern": f"^{prefix}",
            "definition": {key.replace("_", "-"): value for key, value in definition.items()},
            "priority": priority,
            "apply-to": apply_to,
        }
        status, answer = put(path, body)
        assert status in {201, 204}, answer
        return path

    return set_policy


@pytest.fixture
def channel(confirming):
    return confirming


@pytest.fixture
def queue(channel, name):
    """Declares a queue with these arguments and publishes to it."""

    def make(*bodies, **options):
        made = declare(channel, name("policy"), **{"exclusive": False, "durable": True} | options)
        publish(channel, "", made, *bodies)
        return made

    return make


# -- which policy ------------------------------------------------------------------------------


@pytest.mark.checklist(363)
def test_the_highest_priority_wins(target, channel, queue, policy):
    name = queue()
    policy(name, policy="low", priority=1, max_length=5)
    high = policy(name, policy="high", priority=2, max_length=2)
    publish(channel, "", name, *"12345678")
    assert take(channel, name) == [b"7", b"8"]
    assert target.api("DELETE", high)[0] == 204
    publish(channel, "", name, *"12345678")
    assert take(channel, name) == [b"4", b"5", b"6", b"7", b"8"]


@pytest.mark.checklist(363)
def test_the_same_name_replaces_and_a_deletion_reverts(target, channel, queue, policy):
    name = queue()
    path = policy(name, max_length=1)
    policy(name, max_length=3)
    publish(channel, "", name, *"1234")
    assert take(channel, name) == [b"2", b"3", b"4"]
    assert target.api("DELETE", path)[0] == 204
    publish(channel, "", name, *"1234")
    assert ready(channel, name) == 4


@pytest.mark.checklist(363)
def test_only_one_policy_applies(channel, queue, policy):
    name = queue()
    policy(name, policy="a", priority=1, max_length=1, overflow="reject-publish")
    policy(name, policy="b", priority=2, max_length_bytes=100)
    publish(channel, "", name, *"123")
    assert ready(channel, name) == 3


@pytest.mark.checklist(363)
def test_a_policy_is_for_what_is_declared_later(channel, name, policy):
    later = name("policy")
    policy(later, max_length=1)
    declare(channel, later)
    publish(channel, "", later, *"123")
    assert take(channel, later) == [b"3"]


@pytest.mark.checklist(364)
@pytest.mark.parametrize(
    ("apply_to", "queues", "exchanges"),
    [("all", True, True), ("queues", True, False), ("exchanges", False, True)],
)
def test_apply_to(channel, queue, policy, apply_to, queues, exchanges):
    name = queue()
    channel.exchange_declare(f"{name}-x", auto_delete=True)
    bound(channel, f"{name}-x", "only")
    fallback = bound(channel, "amq.fanout")
    policy(name, apply_to=apply_to, max_length=1, alternate_exchange="amq.fanout")
    publish(channel, "", name, *"12")
    assert ready(channel, name) == (1 if queues else 2)
    publish(channel, f"{name}-x", "other", "lost")
    assert take(channel, fallback) == ([b"lost"] if exchanges else [])


@pytest.mark.checklist(364)
@pytest.mark.differs("these came with RabbitMQ 3.12")
@pytest.mark.parametrize(
    ("apply_to", "classic", "quorum"),
    [("classic_queues", 1, 2), ("quorum_queues", 2, 1), ("streams", 2, 2)],
)
def test_apply_to_types_of_queues(channel, queue, policy, apply_to, classic, quorum):
    one = queue()
    other = queue(arguments=QUORUM)
    for name in (one, other):
        policy(name, apply_to=apply_to, max_length=1)
        publish(channel, "", name, *"12")
    assert (ready(channel, one), ready(channel, other)) == (classic, quorum)


def test_a_queue_that_does_not_know_a_key_is_left_to_the_next_policy(channel, queue, policy):
    classic, quorum = queue(), queue(arguments=QUORUM)
    for name in (classic, quorum):
        strategy = "at-most-once"
        policy(name, policy="high", priority=1, max_length=1, dead_letter_strategy=strategy)
        policy(name, policy="low", max_length=3)
        publish(channel, "", name, *"1234")
    until_ready(channel, classic, 3)
    until_ready(channel, quorum, 1)


def test_a_queue_names_its_policies(target, queue, policy):
    name = queue()
    path = policy(name, max_length=5, overflow="drop-head")
    operators = policy(name, operator=True, max_length=3)

    def named() -> bool:
        shown = target.api("GET", f"queues/%2F/{name}")[1]
        return (shown.get("policy"), shown.get("operator_policy")) == (
            path.rpartition("/")[2],
            operators.rpartition("/")[2],
        )

    eventually(named, why="the queue's policies shown")
    shown = target.api("GET", f"queues/%2F/{name}")[1]["effective_policy_definition"]
    assert shown == {"max-length": 3, "overflow": "drop-head"}


# -- each key ----------------------------------------------------------------------------------


@pytest.mark.checklist(294)
def test_message_ttl_is_for_new_messages(channel, queue, policy):
    name = queue("old")
    policy(name, message_ttl=1)
    publish(channel, "", declare(channel), "something else meanwhile")
    assert take(channel, name) == [b"old"]
    publish(channel, "", name, "new")
    until_ready(channel, name, 0)


@pytest.mark.checklist(294, 366)
@pytest.mark.parametrize(
    ("argument", "own", "operators"),
    [(1, 60_000, 60_000), (60_000, 1, 60_000), (60_000, 60_000, 1)],
)
def test_message_ttl_the_smallest_wins(channel, queue, policy, argument, own, operators):
    name = queue(arguments={"x-message-ttl": argument})
    policy(name, message_ttl=own)
    policy(name, operator=True, message_ttl=operators)
    publish(channel, "", name, "m")
    until_ready(channel, name, 0)


@pytest.mark.checklist(367)
@pytest.mark.parametrize("operator", [False, True])
def test_expires_deletes_a_queue_that_is_there(target, queue, policy, operator):
    name = queue("m")
    policy(name, operator=operator, expires=100)
    eventually(lambda: target.api("GET", f"queues/%2F/{name}")[0] == 404, why="queue expired")


@pytest.mark.checklist(301)
@pytest.mark.parametrize("arguments", [{}, QUORUM])
def test_max_length_shortens_and_the_argument_comes_back(target, channel, queue, policy, arguments):
    name = queue(*"1234", arguments={"x-max-length": 3} | arguments)
    path = policy(name, max_length=1)
    until_ready(channel, name, 1)
    assert take(channel, name) == [b"4"]
    assert target.api("DELETE", path)[0] == 204
    publish(channel, "", name, *"12345")
    until_ready(channel, name, 3)


@pytest.mark.checklist(301)
def test_max_length_bytes_shortens(channel, queue, policy):
    name = queue("1", "22", "333")
    policy(name, max_length_bytes=5)
    until_ready(channel, name, 2)
    policy(name, max_length_bytes=10)
    policy(name, operator=True, max_length_bytes=3)
    until_ready(channel, name, 1)


def test_a_smaller_argument_stays(channel, queue, policy):
    name = queue(arguments={"x-max-length": 1})
    policy(name, max_length=3)
    publish(channel, "", name, *"12")
    assert take(channel, name) == [b"2"]


def test_what_a_policy_drops_is_dead_lettered_in_order(channel, queue, policy):
    dead = declare(channel)
    arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead}
    name = queue(*"12345", arguments=arguments)
    policy(name, max_length=2)
    until_ready(channel, dead, 3)
    assert take(channel, dead) == [b"1", b"2", b"3"]


def test_overflow(channel, queue, policy):
    name = queue("1")
    policy(name, max_length=1, overflow="reject-publish")
    with pytest.raises(NackError):
        publish(channel, "", name, "2")
    assert take(channel, name) == [b"1"]


def test_overflow_the_argument_wins_on_classic_queues(channel, queue, policy):
    name = queue("1", arguments={"x-overflow": "drop-head"})
    policy(name, max_length=1, overflow="reject-publish")
    publish(channel, "", name, "2")
    assert take(channel, name) == [b"2"]


@pytest.mark.checklist(366)
@pytest.mark.differs("its operator policies have no overflow")
def test_overflow_the_operators_wins_over_the_policys(channel, queue, policy):
    name = queue("1")
    policy(name, max_length=1, overflow="drop-head")
    policy(name, operator=True, overflow="reject-publish")
    with pytest.raises(NackError):
        publish(channel, "", name, "2")
    assert take(channel, name) == [b"1"]


@pytest.mark.checklist(318)
def test_dead_letters_follow_the_policy(channel, queue, policy):
    name = queue()
    first, second = declare(channel), declare(channel)
    for dead in (first, second):
        policy(name, max_length=0, dead_letter_exchange="", dead_letter_routing_key=dead)
        publish(channel, "", name, "m")
        until_ready(channel, dead, 1)
    assert (ready(channel, first), ready(channel, second)) == (1, 1)


@pytest.mark.checklist(318)
def test_dead_letters_the_argument_wins(channel, queue, policy):
    own, policys = declare(channel), declare(channel)
    arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": own}
    name = queue(arguments=arguments)
    policy(name, max_length=0, dead_letter_exchange="", dead_letter_routing_key=policys)
    publish(channel, "", name, "m")
    until_ready(channel, own, 1)
    assert ready(channel, policys) == 0


@pytest.mark.checklist(323)
def test_delivery_limit(channel, queue, policy):
    name = queue("m", arguments=QUORUM | {"x-delivery-limit": 10})
    policy(name, delivery_limit=1)
    for _ in range(2):
        channel.basic_reject(get(channel, name)[0].delivery_tag, requeue=True)
    until_ready(channel, name, 0)


@pytest.mark.checklist(323)
@pytest.mark.differs("leaves classic queues out of such a policy")
def test_delivery_limit_of_classic_queues(channel, queue, policy):
    dead = declare(channel)
    arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead}
    name = queue("m", arguments=arguments)
    policy(name, delivery_limit=1)
    counts = []
    for _ in range(2):
        method, properties, _ = get(channel, name)
        counts.append((properties.headers or {}).get("x-delivery-count"))
        channel.basic_reject(method.delivery_tag, requeue=True)
    assert counts == [None, 1]
    assert get(channel, dead)[1].headers["x-death"][0]["reason"] == "delivery_limit"


def test_alternate_exchange_the_argument_wins(channel, name, policy):
    own, policys = bound(channel, "amq.fanout"), bound(channel, "amq.direct", "k")
    prefix = name("policy")
    channel.exchange_declare(f"{prefix}-a", auto_delete=True)
    arguments = {"alternate-exchange": "amq.fanout"}
    channel.exchange_declare(f"{prefix}-b", auto_delete=True, arguments=arguments)
    for exchange in ("a", "b"):
        bound(channel, f"{prefix}-{exchange}", "unused")
    policy(prefix, alternate_exchange="amq.direct", apply_to="exchanges")
    publish(channel, f"{prefix}-a", "k", "a")
    publish(channel, f"{prefix}-b", "k", "b")
    assert (take(channel, policys), take(channel, own)) == ([b"a"], [b"b"])


def test_alternate_exchange_of_a_predeclared_exchange(target, channel, put):
    unrouted = bound(channel, "amq.fanout")
    definition = {"alternate-exchange": "amq.fanout"}
    path = f"policies/%2F/{unrouted}"
    put(path, {"pattern": "^amq\\.topic$", "definition": definition, "apply-to": "exchanges"})
    publish(channel, "amq.topic", f"{unrouted}.lost", "m")
    assert take(channel, unrouted) == [b"m"]
    assert target.api("DELETE", path)[0] == 204
    publish(channel, "amq.topic", f"{unrouted}.lost", "m")
    assert take(channel, unrouted) == []


@pytest.mark.differs(NEWER)
def test_consumer_timeout_of_a_consumer_that_is_there(target, queue, policy):
    name = queue("m")
    with wire(target.amqp) as client:
        client.call(1, "basic.consume", queue=name, consumer_tag="c")
        client.expect_content("basic.deliver")
        policy(name, consumer_timeout=100)
        assert client.read_method().arguments["reply_code"] == 406


@pytest.mark.parametrize(
    "definition",
    [
        {"queue-mode": "lazy"},
        {"queue-version": 2},
        {"queue-leader-locator": "balanced"},
        {"max-in-memory-length": 10, "max-in-memory-bytes": 100},
        {"dead-letter-strategy": "at-least-once"},
        {"max-age": "7D", "stream-max-segment-size-bytes": 1000, "initial-cluster-size": 1},
        {"ha-mode": "exactly", "ha-params": 2, "ha-sync-mode": "automatic"},
        pytest.param({"target-group-size": 3}, marks=pytest.mark.differs(NEWER)),
        pytest.param({"delivery-limit": -1}, marks=pytest.mark.differs(NEWER)),
        pytest.param({"federation-upstream-set": "all"}, marks=pytest.mark.differs("a plug-in's")),
    ],
    ids=str,
)
def test_keys_that_are_taken(target, name, put, definition):
    path = f"policies/%2F/{name('policy')}"
    assert put(path, {"pattern": "^never-", "definition": definition})[0] == 201
    assert target.api("GET", path)[1]["definition"] == definition
