"""What a policy does at once to a queue that is in use (spec 7.2, 10.4)."""

from itertools import pairwise

import pytest

from tests.support.encoding import plain
from tests.support.wire import publish_frames

QUORUM = {"x-queue-type": "quorum"}
STREAM = {"x-queue-type": "stream"}


def publish(client, *bodies, queue="q", **options):
    client.send(*(publish_frames(1, "", queue, body, **options) for body in bodies))
    client.engine.run()


def contents(queue):
    return [each.message.body for each in queue.ready]


@pytest.fixture
def policy(engine):
    """Sets the policy `p` for all queues, or deletes it where no definition is given."""

    def set_policy(**definition):
        named = {key.replace("_", "-"): value for key, value in definition.items()}
        if named:
            engine.vhost.policies.set("p", pattern="^q", definition=named)
        else:
            engine.vhost.policies.delete("p")
        engine.run()

    return set_policy


def test_a_message_ttl_is_for_messages_to_come(engine, client, policy):
    queue = client.declare("q")
    publish(client, b"before")
    policy(message_ttl=100)
    publish(client, b"after")
    engine.advance(0.2)
    assert contents(queue) == [b"before"]
    policy()
    publish(client, b"later")
    engine.advance(1000)
    assert contents(queue) == [b"before", b"later"]


def test_the_smaller_of_argument_policy_and_operator_policy(engine, client, policy):
    queue = client.declare("q", {"x-message-ttl": 300})
    policy(message_ttl=200)
    assert queue.message_ttl == 200
    engine.vhost.operator_policies.set("o", pattern="q", definition={"message-ttl": 100})
    assert queue.message_ttl == 100
    policy()
    assert queue.message_ttl == 100
    engine.vhost.operator_policies.delete("o")
    assert queue.message_ttl == 300


def test_expires_begins_a_lease_and_none_ends_it(engine, client, policy):
    client.declare("q")
    policy(expires=1000)
    engine.advance(0.9)
    assert "q" in engine.vhost.queues
    policy(expires=500)
    engine.advance(0.4)
    policy(expires=500, max_length=5)  # the same lease runs on
    engine.advance(0.2)
    assert "q" not in engine.vhost.queues
    client.declare("q2")
    policy()
    engine.advance(10)
    assert "q2" in engine.vhost.queues


def test_a_shorter_queue_loses_its_oldest_messages(client, policy):
    queue = client.declare("q")
    publish(client, b"1", b"22", b"333", b"4")
    policy(max_length=3)
    assert contents(queue) == [b"22", b"333", b"4"]
    policy(max_length_bytes=4)
    assert contents(queue) == [b"333", b"4"]
    publish(client, b"5")
    assert contents(queue) == [b"4", b"5"]
    policy()
    publish(client, b"6", b"7", b"8")
    assert contents(queue) == [b"4", b"5", b"6", b"7", b"8"]


def test_who_waits_gets_its_messages_before_any_are_dropped(client, policy):
    client.declare("q")
    publish(client, b"1", b"2", b"3")
    client.consume("q", prefetch=1)
    assert client.bodies() == [b"1"]
    client.ack(1)
    policy(max_length=0)
    assert client.bodies() == [b"2"]


def test_a_long_queue_is_shortened_little_by_little(engine, client, policy):
    queue = client.declare("q", durable=False)
    publish(client, *[b"m"] * 5000)
    engine.vhost.policies.set("p", pattern="q", definition={"max-length": 10})
    lengths = [queue.message_count]
    while lengths[-1] > 10:
        engine.step()
        lengths.append(queue.message_count)
        # Meanwhile it grows no longer.
        client.send(publish_frames(1, "", "q", b"new"))
    assert max(before - after for before, after in pairwise(lengths)) < 300
    assert lengths == sorted(lengths, reverse=True)


def test_another_policy_while_it_is_being_shortened(engine, client, policy):
    queue = client.declare("q")
    publish(client, *[b"m"] * 1000)
    engine.vhost.policies.set("p", pattern="q", definition={"max-length": 10})
    engine.step()
    policy()
    assert queue.limits is None
    assert queue.message_count > 10


def test_a_queue_deleted_while_it_is_being_shortened(engine, client, policy):
    client.declare("q")
    publish(client, *[b"m"] * 1000)
    engine.vhost.policies.set("p", pattern="q", definition={"max-length": 10})
    engine.vhost.delete_queue(engine.queue("q"))
    engine.run()


def test_dropped_for_a_policy_is_dead_lettered(client, policy):
    client.declare("dead", durable=False)
    client.declare("q", {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"})
    publish(client, b"1", b"2")
    policy(max_length=1)
    assert contents(client.engine.queue("dead")) == [b"1"]


def test_overflow_reject_publish_drops_nothing_that_is_there(client, policy):
    queue = client.declare("q")
    publish(client, b"1", b"2", b"3")
    policy(max_length=2, overflow="reject-publish")
    publish(client, b"4")
    assert contents(queue) == [b"1", b"2", b"3"]


def test_an_argument_beats_the_policys_overflow_but_not_on_quorum_queues(client, policy):
    classic = client.declare("q1", {"x-overflow": "drop-head"})
    quorum = client.declare("q2", {"x-overflow": "drop-head"} | QUORUM)
    policy(max_length=1, overflow="reject-publish")
    assert (classic.settings.overflow, quorum.settings.overflow) == ("drop-head", "reject-publish")


def test_dead_letters_go_where_the_policy_says(client, policy):
    for name in ("a", "b"):
        client.declare(name)
    client.declare("q")
    client.declare("q-own", {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "b"})
    policy(max_length=0, dead_letter_exchange="", dead_letter_routing_key="a")
    publish(client, b"1")
    publish(client, b"2", queue="q-own")
    assert contents(client.engine.queue("a")) == [b"1"]
    assert contents(client.engine.queue("b")) == [b"2"]


def test_a_lower_delivery_limit_is_for_messages_that_are_there(engine, client, policy):
    queue = client.declare("q", QUORUM | {"x-delivery-limit": 5})
    publish(client, b"m")
    client.consume("q")
    policy(delivery_limit=1)
    for tag in (1, 2):
        assert client.bodies() == [b"m"]
        client.send_method(1, "basic.reject", delivery_tag=tag, requeue=True)
    assert client.silent
    assert (queue.message_count, queue.unacked) == (0, 0)


def test_a_delivery_limit_is_for_classic_queues_too(client, policy):
    queue = client.declare(
        "q", {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"}, durable=True
    )
    dead = client.declare("dead")
    publish(client, b"m")
    client.consume("q")
    seen = [*client.deliveries()]
    client.send_method(1, "basic.reject", delivery_tag=1, requeue=True)
    seen += client.deliveries()
    policy(delivery_limit=1)
    client.nack(2)
    seen += client.deliveries()
    client.send_method(1, "basic.reject", delivery_tag=3, requeue=True)
    client.engine.run()
    counts = [plain(each.properties.get("headers", {})).get("x-delivery-count") for each in seen]
    assert counts == [None, None, 1]
    assert (queue.message_count, queue.unacked) == (0, 0)
    assert queue.totals.dead_lettered["delivery_limit"] == 1
    assert contents(dead) == [b"m"]


@pytest.mark.parametrize("how", ["restart", "crash"])
def test_a_classic_queue_under_a_delivery_limit_keeps_its_counts(engine, client, policy, how):
    client.declare("q", durable=True)
    policy(delivery_limit=3)
    client.publish("", "q", b"m", delivery_mode=2)
    for count in range(4):
        content = client.get("q")
        assert plain(content.properties.get("headers", {})).get("x-delivery-count", 0) == count
        client.send_method(1, "basic.reject", delivery_tag=1, requeue=True)
        engine.advance(1)
        getattr(engine, how)()
        client = engine.connect()
    assert client.get("q") is None


def test_a_consumer_timeout_is_for_consumers_that_are_there(engine, client, policy):
    client.declare("q")
    publish(client, b"m")
    client.consume("q")
    assert client.bodies() == [b"m"]
    policy(consumer_timeout=1000)
    engine.advance(1.3)
    assert client.names() == ["channel.close"]


def test_alternate_exchanges(engine, client):
    client.call(1, "exchange.declare", exchange="x", type="direct")
    client.call(1, "exchange.declare", exchange="ae", type="fanout")
    queue = client.declare("q")
    client.call(1, "queue.bind", queue="q", exchange="ae", routing_key="")
    client.send(publish_frames(1, "x", "k", b"1"))
    engine.run()
    policies = engine.vhost.policies
    policies.set("p", pattern="x", definition={"alternate-exchange": "ae"}, apply_to="exchanges")
    client.send(publish_frames(1, "x", "k", b"2"))
    engine.run()
    policies.delete("p")
    client.send(publish_frames(1, "x", "k", b"3"))
    engine.run()
    assert contents(queue) == [b"2"]


def test_publishers_learn_that_a_queue_has_limits_now(client, policy):
    # The cached way of a publish has to be looked up again, else nothing asks for the limit.
    queue = client.declare("q")
    publish(client, b"1")
    policy(max_length=1, overflow="reject-publish")
    publish(client, b"2")
    policy()
    publish(client, b"3")
    assert contents(queue) == [b"1", b"3"]


def test_what_a_stream_retains(engine, client, policy):
    stream = client.declare("q", STREAM | {"x-stream-max-segment-size-bytes": 1000})
    for _ in range(4):
        publish(client, bytes(1000), queue="q")
    policy(max_length_bytes=2500)
    assert stream.message_count == 2
    engine.advance(10)
    policy(max_age="5s")
    assert stream.message_count == 1
    policy(stream_max_segment_size_bytes=100_000)
    for _ in range(9):
        publish(client, bytes(1000), queue="q")
    assert stream.message_count == 10


def test_after_a_restart(engine, client, policy):
    client.declare("q")
    client.call(1, "exchange.declare", exchange="q.x", type="direct", durable=True)
    engine.vhost.operator_policies.set("o", pattern="q", definition={"expires": 60_000})
    policy(max_length=2, alternate_exchange="ae")
    engine.restart()
    queue = engine.queue("q")
    assert queue.policy.definition == {"max-length": 2, "alternate-exchange": "ae"}
    assert queue.operator_policy.definition == {"expires": 60_000}
    assert queue.settings.max_length == 2
    assert engine.vhost.exchanges["q.x"].alternate == "ae"
    publish(engine.connect(), b"1", b"2", b"3")
    assert contents(queue) == [b"2", b"3"]
    engine.advance(61)
    assert engine.vhost.queues == {}
