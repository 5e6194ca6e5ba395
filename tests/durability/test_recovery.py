"""What a restart promises, item by item (checklist 319, 374-382 and 384; spec 9.3).

With `again` a test lives twice: over a clean stop and over kill -9.
"""

from collections.abc import Callable
from typing import Any

import pytest

from tests.durability.test_restart import bodies, drain, exists, publish, redelivered
from tests.support.broker import Broker
from tests.support.eventually import eventually
from tests.support.wire import Content, WireClient, publish_frames

PERSISTENT, TRANSIENT = 2, 1

Restart = Callable[[], WireClient]


@pytest.fixture
def client(broker: Broker):
    """A connection with channel 1 open, of the time before the restart."""
    with WireClient(broker.amqp) as client:
        yield client.connect()


@pytest.fixture(params=["clean", "kill"])
def again(request: pytest.FixtureRequest, broker: Broker, client: WireClient):
    """Restarts the broker; returns a new connection with channel 1 open."""
    clients = []

    def restart() -> WireClient:
        if request.param == "clean":
            # A stop would wait for the answer to its connection.close.
            client.abort()
        broker.restart(kill=request.param == "kill")
        clients.append(WireClient(broker.amqp).connect())
        return clients[-1]

    yield restart
    for each in clients:
        each.abort()


def declare(client: WireClient, queue: str, *, durable: bool = True, **options: Any) -> int:
    """Declares a queue, durable unless told otherwise; returns how many messages it has."""
    ok = client.call(1, "queue.declare", queue=queue, durable=durable, **options)
    count: int = ok.arguments["message_count"]
    return count


def exchange(client: WireClient, name: str, kind: str, *, durable: bool = True) -> None:
    client.call(1, "exchange.declare", exchange=name, type=kind, durable=durable)


def bind(client: WireClient, queue: str, source: str, key: str = "", method: str = "bind") -> None:
    client.call(1, f"queue.{method}", queue=queue, exchange=source, routing_key=key)


def routed(client: WireClient, source: str, key: str = "") -> bool:
    """Whether a message finds any queue."""
    client.publish(source, key, b"probe", mandatory=True)
    client.send_method(1, "basic.qos")
    if client.read_payload_frame().payload[:4] == b"\x00\x3c\x00\x0b":
        return True
    for _ in range(2):
        client.read_payload_frame()
    client.expect("basic.qos-ok")
    return False


def numbers(count: int, first: int = 0) -> list[bytes]:
    return [b"%d" % number for number in range(first, first + count)]


# -- definitions and routing -----------------------------------------------------------------------


@pytest.mark.checklist(374)
@pytest.mark.parametrize("kind", ["direct", "fanout", "topic", "headers"])
def test_what_is_durable_comes_back(client: WireClient, again: Restart, kind: str):
    exchange(client, "x", kind)
    declare(client, "q")
    bind(client, "q", "x", "k")
    publish(client, "q", *numbers(100))
    client = again()
    assert declare(client, "q") == 100
    assert bodies(drain(client, "q")) == numbers(100)
    assert routed(client, "x", "k")
    assert bodies(drain(client, "q")) == [b"probe"]


@pytest.mark.checklist(374)
def test_bindings_of_exchanges_come_back(client: WireClient, again: Restart):
    exchange(client, "source", "topic")
    exchange(client, "x", "direct")
    declare(client, "q")
    client.call(1, "exchange.bind", destination="x", source="source", routing_key="a.#")
    bind(client, "q", "x", "a.b")
    client = again()
    assert routed(client, "source", "a.b")
    assert not routed(client, "source", "b")
    assert bodies(drain(client, "q")) == [b"probe"]


@pytest.mark.checklist(375)
def test_what_is_transient_does_not(client: WireClient, again: Restart):
    exchange(client, "x", "fanout", durable=False)
    declare(client, "q", durable=False)
    declare(client, "exclusive", exclusive=True)
    declare(client, "behind")
    publish(client, "q", b"m")
    client = again()
    assert [exists(client, "queue", name) for name in ("q", "exclusive")] == [False, False]
    assert not exists(client, "exchange", "x")
    assert exists(client, "queue", "behind")


@pytest.mark.checklist(375)
def test_nor_does_a_binding_with_a_transient_end(client: WireClient, again: Restart):
    exchange(client, "transient", "fanout", durable=False)
    exchange(client, "durable", "fanout")
    declare(client, "q")
    declare(client, "gone", durable=False)
    bind(client, "q", "transient")
    bind(client, "gone", "durable")
    client.call(1, "exchange.bind", destination="transient", source="durable")
    client = again()
    assert not routed(client, "durable")
    exchange(client, "transient", "fanout", durable=False)
    declare(client, "gone", durable=False)
    assert not routed(client, "transient")
    assert not routed(client, "durable")


@pytest.mark.checklist(380)
def test_what_was_unbound_or_deleted_stays_so(client: WireClient, again: Restart):
    exchange(client, "x", "direct")
    exchange(client, "deleted", "fanout")
    for name in ("q", "deleted"):
        declare(client, name)
        bind(client, name, "x", name)
        bind(client, name, "deleted")
        publish(client, name, b"m")
    bind(client, "q", "x", "also")
    bind(client, "q", "x", "q", method="unbind")
    client.call(1, "queue.delete", queue="deleted")
    client.call(1, "exchange.delete", exchange="deleted")
    client = again()
    assert not exists(client, "queue", "deleted")
    assert not exists(client, "exchange", "deleted")
    assert declare(client, "deleted") == 0
    exchange(client, "deleted", "fanout")
    assert [routed(client, "x", key) for key in ("q", "deleted", "also")] == [False, False, True]
    assert not routed(client, "deleted")
    assert bodies(drain(client, "q")) == [b"m", b"probe"]


@pytest.mark.checklist(381)
def test_the_default_exchange_finds_every_queue(client: WireClient, again: Restart):
    declare(client, "q")
    declare(client, "ü.#")
    client = again()
    for queue in ("q", "ü.#"):
        assert routed(client, "", queue)
        assert bodies(drain(client, queue)) == [b"probe"]


def body_of(content: Content | None) -> bytes:
    assert content is not None
    return content.body


@pytest.mark.checklist(384)
def test_an_auto_delete_queue_waits_for_a_consumer(client: WireClient, again: Restart):
    declare(client, "q", auto_delete=True)
    publish(client, "q", b"1", b"2")
    assert body_of(client.get("q")) == b"1"
    client = again()
    assert declare(client, "q", auto_delete=True) == 2
    assert body_of(client.get("q")) == b"1"
    client.call(1, "basic.consume", queue="q", consumer_tag="c", no_ack=True)
    assert client.expect_content("basic.deliver").body == b"2"
    client.call(1, "basic.cancel", consumer_tag="c")
    assert not exists(client, "queue", "q")


@pytest.mark.checklist(384)
@pytest.mark.parametrize("kill", [True, False])
def test_a_stop_takes_the_last_consumer_away_and_a_crash_forgets_it(
    broker: Broker, client: WireClient, kill: bool
):
    declare(client, "q", auto_delete=True)
    client.call(1, "basic.consume", queue="q")
    broker.restart(kill=kill)
    with WireClient(broker.amqp) as again:
        assert exists(again.connect(), "queue", "q") == kill


# -- messages --------------------------------------------------------------------------------------


@pytest.mark.checklist(376)
@pytest.mark.parametrize("mode", [None, TRANSIENT])
def test_transient_messages_are_gone(client: WireClient, again: Restart, mode: int | None):
    declare(client, "q")
    publish(client, "q", b"1", delivery_mode=mode)
    publish(client, "q", b"2")
    publish(client, "q", b"3", delivery_mode=mode)
    client = again()
    assert bodies(drain(client, "q")) == [b"2"]


@pytest.mark.checklist(377)
def test_what_was_committed_is_all_there(client: WireClient, again: Restart):
    for queue in ("q", "copy"):
        declare(client, queue)
        bind(client, queue, "amq.fanout")
    client.call(1, "tx.select")
    for first in (0, 40):
        client.send(
            *(
                publish_frames(1, "amq.fanout", "", body, delivery_mode=PERSISTENT)
                for body in numbers(40, first)
            )
        )
        client.call(1, "tx.commit")
    client.publish("amq.fanout", "", b"never committed", delivery_mode=PERSISTENT)
    client.call(1, "basic.qos")
    client = again()
    for queue in ("q", "copy"):
        assert bodies(drain(client, queue)) == numbers(80)


@pytest.mark.checklist(377, 378)
def test_what_was_confirmed_is_there_exactly_once(client: WireClient, again: Restart):
    for queue in ("q", "copy"):
        declare(client, queue)
        bind(client, queue, "amq.fanout")
    client.call(1, "confirm.select")
    sent = numbers(500)
    client.send(
        *(publish_frames(1, "amq.fanout", "", body, delivery_mode=PERSISTENT) for body in sent)
    )
    confirmed = 0
    while confirmed < 200:
        ack = client.expect("basic.ack").arguments
        confirmed = ack["delivery_tag"] if ack["multiple"] else confirmed + 1
    client = again()
    for queue in ("q", "copy"):
        found = bodies(drain(client, queue))
        # Those that were on their way may be there, but nothing is missing between.
        assert found == sent[: len(found)]
        assert len(found) >= confirmed


@pytest.mark.checklist(379)
def test_settled_is_gone_and_unsettled_comes_back(client: WireClient, again: Restart):
    declare(client, "q")
    publish(client, "q", *numbers(10))
    client.call(1, "tx.select")
    for _ in range(6):
        client.get("q")
    for tag in (1, 4):
        client.send_method(1, "basic.ack", delivery_tag=tag)
    client.send_method(1, "basic.reject", delivery_tag=6, requeue=False)
    client.call(1, "tx.commit")
    client = again()
    contents = drain(client, "q")
    assert bodies(contents) == [b"1", b"2", b"4", *numbers(4, 6)]
    assert redelivered(contents)[:3] == [True] * 3


@pytest.mark.checklist(379)
def test_the_order_is_kept_over_requeues(client: WireClient, again: Restart):
    declare(client, "q")
    publish(client, "q", *numbers(5))
    for _ in range(4):
        client.get("q")
    for tag in (3, 1):
        client.send_method(1, "basic.nack", delivery_tag=tag, requeue=True)
    publish(client, "q", b"5")
    client = again()
    assert bodies(drain(client, "q")) == numbers(6)


# -- what the time does --------------------------------------------------------------------------


@pytest.mark.checklist(382)
def test_overdue_by_the_queues_ttl(broker: Broker, client: WireClient):
    declare(client, "q", arguments={"x-message-ttl": 150})
    publish(client, "q", *numbers(20))
    broker.stop()
    broker.start()
    with WireClient(broker.amqp) as again:
        again.connect()
        again.call(1, "basic.consume", queue="q", no_ack=True)
        eventually(lambda: declare(again, "q", arguments={"x-message-ttl": 150}) == 0)
        again.expect_nothing_more()


@pytest.mark.checklist(319)
def test_overdue_is_dead_lettered_at_the_start(client: WireClient, again: Restart):
    to_dead = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"}
    declare(client, "dead")
    declare(client, "by-queue", arguments=to_dead | {"x-message-ttl": 250})
    declare(client, "by-message", arguments=to_dead)
    publish(client, "by-queue", b"1", b"2")
    publish(client, "by-message", b"3", expiration="250")
    publish(client, "by-message", b"4", expiration="600000")
    client = again()
    eventually(lambda: declare(client, "dead") == 3)
    letters = drain(client, "dead")
    assert sorted(bodies(letters)) == [b"1", b"2", b"3"]
    for letter in letters:
        (death,) = letter.properties["headers"]["x-death"].value
        assert death.value["reason"].value == "expired"
    assert bodies(drain(client, "by-message")) == [b"4"]
