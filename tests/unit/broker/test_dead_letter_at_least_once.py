"""Dead letters that nobody takes yet, from queues that dead-letter at least once (spec 7.5.3)."""

import pytest

from broker.dead_letter import RETRY_MS

ARGUMENTS = {
    "x-queue-type": "quorum",
    "x-dead-letter-exchange": "dlx",
    "x-dead-letter-strategy": "at-least-once",
    "x-overflow": "reject-publish",
}
AGAIN = RETRY_MS / 1000


@pytest.fixture
def queue(client):
    return client.declare("q", ARGUMENTS)


def dead(client, body=b"m"):
    """Publishes a message, takes it and rejects it."""
    client.publish("", "q", body)
    tag = client.get("q").method.arguments["delivery_tag"]
    client.send_method(1, "basic.reject", delivery_tag=tag, requeue=False)
    client.engine.run()


def exchange(client):
    client.call(1, "exchange.declare", exchange="dlx", type="fanout", durable=True)


def target(client, name, **arguments):
    made = client.declare(name, arguments)
    client.call(1, "queue.bind", queue=name, exchange="dlx")
    return made


def contents(queue):
    return [each.message.body for each in queue.ready]


def test_it_waits_for_an_exchange_and_a_queue(engine, client, queue):
    dead(client)
    assert (queue.message_count, queue.unacked) == (0, 1)
    exchange(client)
    engine.advance(AGAIN)
    assert queue.unacked == 1
    letters = target(client, "letters")
    engine.advance(AGAIN)
    assert contents(letters) == [b"m"]
    assert queue.unacked == 0
    engine.advance(2 * AGAIN)
    assert contents(letters) == [b"m"]


def test_only_who_refused_it_gets_it_again(engine, client, queue):
    exchange(client)
    free = target(client, "free")
    full = target(client, "full", **{"x-max-length": 1, "x-overflow": "reject-publish"})
    client.publish("", "full", b"in the way")
    dead(client)
    assert (contents(free), queue.unacked) == ([b"m"], 1)
    full.purge()
    engine.advance(AGAIN)
    assert (contents(free), contents(full), queue.unacked) == ([b"m"], [b"m"], 0)


@pytest.mark.parametrize("missing", ["x-dead-letter-strategy", "x-overflow"])
def test_at_most_once_where_something_is_missing(client, missing):
    arguments = {key: value for key, value in ARGUMENTS.items() if key != missing}
    queue = client.declare("q", arguments)
    dead(client)
    assert (queue.message_count, queue.unacked) == (0, 0)


def test_what_waits_counts_for_the_limit(engine, client):
    client.declare("q", ARGUMENTS | {"x-max-length": 1})
    client.call(1, "confirm.select")
    client.publish("", "q", b"m")
    assert client.names() == ["basic.ack"]
    tag = client.get("q").method.arguments["delivery_tag"]
    client.send_method(1, "basic.reject", delivery_tag=tag, requeue=False)
    client.publish("", "q", b"n")
    assert client.names() == ["basic.nack"]


def test_after_a_restart_it_is_in_its_queue(engine, client, queue):
    dead(client)
    engine.crash()
    assert contents(engine.queue("q")) == [b"m"]


def test_without_a_dead_letter_exchange_any_more_it_goes(engine, client):
    arguments = {key: ARGUMENTS[key] for key in ("x-queue-type", "x-overflow")}
    queue = client.declare("q", arguments)
    definition = {"dead-letter-exchange": "dlx", "dead-letter-strategy": "at-least-once"}
    engine.vhost.policies.set("p", pattern="q", definition=definition)
    dead(client)
    assert queue.unacked == 1
    engine.vhost.policies.delete("p")
    exchange(client)
    letters = target(client, "letters")
    engine.advance(AGAIN)
    assert (queue.unacked, contents(queue), contents(letters)) == (0, [], [])
