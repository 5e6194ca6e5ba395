"""Returned messages of quorum queues that wait before they come again (spec 8.1)."""

import pytest

QUORUM = {"x-queue-type": "quorum"}


def retrying(kind, **more):
    """Arguments: a second for each failure, at most `max`."""
    arguments = {"x-delayed-retry-type": kind, "x-delayed-retry-min": 1000, **QUORUM}
    return arguments | {f"x-delayed-retry-{name}": value for name, value in more.items()}


def reject(client, tag):
    client.send_method(1, "basic.reject", delivery_tag=tag, requeue=True)
    client.engine.run()


@pytest.fixture
def consuming(client):
    """Declares `q` with these arguments, one message in it, delivered to a consumer."""

    def declare(arguments):
        queue = client.declare("q", arguments)
        client.publish("", "q", b"m")
        client.consume("q")
        assert client.bodies() == [b"m"]
        return queue

    return declare


def test_a_message_that_failed_waits_longer_each_time(engine, client, consuming):
    queue = consuming(retrying("all", max=2500))
    for tag, seconds in ((1, 1.0), (2, 2.0), (3, 2.5), (4, 2.5)):
        reject(client, tag)
        engine.advance(seconds - 0.1)
        assert client.silent
        assert (queue.message_count, queue.unacked) == (0, 1)
        engine.advance(0.1)
        assert client.bodies() == [b"m"]
    client.ack(5)
    engine.run()
    assert (queue.message_count, queue.unacked) == (0, 0)


@pytest.mark.parametrize(
    ("kind", "failed", "returned"),
    [
        ("all", True, True),
        ("failed", True, False),
        ("returned", False, True),
        ("disabled", False, False),
    ],
)
def test_which_returns_wait(engine, client, consuming, kind, failed, returned):
    consuming(retrying(kind))
    reject(client, 1)
    assert client.bodies() == ([] if failed else [b"m"])
    engine.advance(1)
    assert client.bodies() == ([b"m"] if failed else [])
    client.nack(2)
    assert client.bodies() == ([] if returned else [b"m"])


def test_others_are_delivered_meanwhile(engine, client, consuming):
    consuming(retrying("all"))
    reject(client, 1)
    client.publish("", "q", b"other")
    assert client.bodies() == [b"other"]
    engine.advance(1)
    assert client.bodies() == [b"m"]


def test_many_come_back_in_turns(engine, client):
    queue = client.declare("q", retrying("returned"))
    for _ in range(500):
        client.publish("", "q", b"m")
    client.consume("q")
    assert len(client.bodies()) == 500
    client.call(1, "basic.cancel", consumer_tag="c")
    client.nack(0, multiple=True)
    engine.run()
    assert (queue.message_count, queue.unacked, len(queue.retries)) == (0, 500, 500)
    engine.advance(1)
    assert (queue.message_count, queue.unacked) == (500, 0)


def test_the_limit_still_counts(engine, client, consuming):
    queue = consuming(retrying("all") | {"x-delivery-limit": 1})
    reject(client, 1)
    engine.advance(1)
    assert client.bodies() == [b"m"]
    reject(client, 2)
    engine.advance(10)
    assert client.silent
    assert queue.unacked == 0


def test_a_message_may_expire_while_it_waits(engine, client):
    client.declare("q", retrying("all"))
    client.publish("", "q", b"m", expiration="500")
    client.consume("q")
    assert client.bodies() == [b"m"]
    reject(client, 1)
    engine.advance(2)
    assert client.silent


def test_a_policy_may_ask_for_it(engine, client, consuming):
    consuming(QUORUM)
    definition = {"delayed-retry-type": "all", "delayed-retry-min": 1000}
    engine.vhost.policies.set("p", pattern="q", definition=definition)
    reject(client, 1)
    assert client.silent
    engine.advance(1)
    assert client.bodies() == [b"m"]


@pytest.mark.parametrize("restart", ["restart", "crash"])
def test_after_a_restart_it_waits_no_longer(engine, client, consuming, restart):
    consuming(retrying("all"))
    reject(client, 1)
    getattr(engine, restart)()
    content = engine.connect().get("q")
    assert content.body == b"m"
    assert content.method.arguments["redelivered"]


def test_a_deleted_queue_takes_it_along(engine, client, consuming):
    consuming(retrying("all"))
    reject(client, 1)
    client.call(1, "queue.delete", queue="q")
    engine.advance(2)
    assert engine.vhost.queues == {}
    engine.restart()
    assert engine.vhost.queues == {}


def test_the_least_delay_must_be_said(client):
    client.send_method(
        1,
        "queue.declare",
        queue="q",
        durable=True,
        arguments={**QUORUM, "x-delayed-retry-type": "all"},
    )
    text = (
        "PRECONDITION_FAILED - invalid arg 'x-delayed-retry-type' for queue 'q' in vhost '/': "
        "delayed_retry_type_but_no_min_defined"
    )
    client.expect_close(406, text, channel=1)
