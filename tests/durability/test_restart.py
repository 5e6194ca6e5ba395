"""A restart, clean or by kill -9: what was promised comes back as it was, and nothing else does.

Each part has two halves: one that runs before the restart, marked `before`, and the test that
looks afterwards. All first halves run on one broker, which is then restarted once for each way.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from tests.support.broker import Broker
from tests.support.encoding import Typed
from tests.support.eventually import eventually
from tests.support.target import Target
from tests.support.wire import Address, Content, Disconnected, WireClient, wire

PERSISTENT = 2

Before = Callable[[WireClient], None]
FIRST_HALVES: list[Before] = []


def before(first_half: Before) -> Before:
    """Runs it before the restart, with an open channel 1."""
    FIRST_HALVES.append(first_half)
    return first_half


class Revived(NamedTuple):
    """The broker after its restart; `listed` is what HTTP listed before, by path."""

    broker: Broker
    killed: bool
    listed: dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module", params=["clean", "kill"])
def revived(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Revived]:
    killed = request.param == "kill"
    with Broker(tmp_path_factory.mktemp(request.param)) as broker, wire(broker.amqp) as client:
        for first_half in FIRST_HALVES:
            first_half(client)
        listed = listing(broker)
        # The client stays connected: what it has unacked must come back.
        broker.restart(kill=killed)
        yield Revived(broker, killed, listed)


@pytest.fixture
def client(revived: Revived) -> Iterator[WireClient]:
    with wire(revived.broker.amqp) as client:
        yield client


def listing(broker: Broker) -> dict[str, list[dict[str, Any]]]:
    """The definitions that HTTP lists, without what is meant to be gone after a restart."""
    target = Target(Address(*broker.amqp), Address(*broker.http), None)
    columns = "name,vhost,type,durable,auto_delete,internal,exclusive,arguments"
    listed = {}
    for kind in ("exchanges", "queues", "users/guest/queues"):
        status, rows = target.api("GET", f"{kind}?columns={columns}")
        assert status == 200
        listed[kind] = [row for row in rows if row["durable"] and not row.get("exclusive")]
    return listed


def declare(client: WireClient, queue: str, **arguments: Any) -> int:
    """Declares a durable queue; returns how many messages it has."""
    ok = client.call(1, "queue.declare", queue=queue, durable=True, arguments=arguments)
    count: int = ok.arguments["message_count"]
    return count


def publish(client: WireClient, queue: str, *bodies: bytes, **properties: Any) -> None:
    """Publishes persistent messages to a queue and waits until they are on disk."""
    options = {"delivery_mode": PERSISTENT} | properties
    client.call(2, "channel.open")
    client.call(2, "confirm.select")
    for body in bodies:
        client.publish("", queue, body, channel=2, **options)
    confirmed = 0
    while confirmed < len(bodies):
        ack = client.expect("basic.ack").arguments
        confirmed = ack["delivery_tag"] if ack["multiple"] else confirmed + 1
    client.call(2, "channel.close", reply_code=200)


def drain(client: WireClient, queue: str) -> list[Content]:
    """Takes all messages of a queue."""
    found = []
    while (content := client.get(queue, no_ack=True)) is not None:
        found.append(content)
    return found


def bodies(contents: list[Content]) -> list[bytes]:
    return [content.body for content in contents]


def redelivered(contents: list[Content]) -> list[bool]:
    return [content.method.arguments["redelivered"] for content in contents]


def exists(client: WireClient, kind: str, name: str) -> bool:
    """Whether a queue or exchange is there, asked on a channel of its own."""
    client.call(3, "channel.open")
    client.send_method(3, f"{kind}.declare", **{kind: name}, passive=True)
    reply = client.read_method()
    if reply.name == "channel.close":
        assert reply.arguments["reply_code"] == 404, reply
        client.send_method(3, "channel.close-ok")
        return False
    client.call(3, "channel.close", reply_code=200)
    return True


# -- definitions -------------------------------------------------------------------------------

ARGUMENTS: dict[str, Any] = {
    "x-message-ttl": 600_000,
    "x-max-length": Typed("l", 1000),
    "x-overflow": "reject-publish",
    "x-dead-letter-exchange": "",
    "x-dead-letter-routing-key": "ü",
    "x-max-priority": Typed("B", 7),
    "custom": {"nested": [1, True, None, "text", b"\x00\xff", 2.5]},
}


@before
def definitions(client: WireClient) -> None:
    declare(client, "defined", **ARGUMENTS)
    for kind in ("direct", "fanout", "topic", "headers"):
        client.call(1, "exchange.declare", exchange=f"x-{kind}", type=kind, durable=True)
    more = {"alternate-exchange": "x-fanout"}
    options = {"durable": True, "auto_delete": True, "internal": True}
    client.call(1, "exchange.declare", exchange="x-full", type="topic", arguments=more, **options)
    client.call(1, "queue.declare", queue="kept-auto", durable=True, auto_delete=True)


def test_definitions_are_the_same(revived: Revived):
    assert listing(revived.broker) == revived.listed


def test_arguments_are_still_equivalent(client: WireClient):
    declare(client, "defined", **ARGUMENTS)
    client.send_method(
        1,
        "queue.declare",
        queue="defined",
        durable=True,
        arguments=ARGUMENTS | {"x-message-ttl": 1},
    )
    client.expect_close(406, "PRECONDITION_FAILED - inequivalent arg*", channel=1)


def test_an_auto_delete_queue_waits_for_its_next_consumer(client: WireClient):
    assert exists(client, "queue", "kept-auto")
    client.call(1, "basic.consume", queue="kept-auto", consumer_tag="c")
    client.call(1, "basic.cancel", consumer_tag="c")
    assert not exists(client, "queue", "kept-auto")


@before
def bindings(client: WireClient) -> None:
    for name in ("bound", "by-headers", "unbound"):
        declare(client, name)
    client.call(1, "exchange.declare", exchange="b-topic", type="topic", durable=True)
    client.call(1, "exchange.declare", exchange="b-headers", type="headers", durable=True)
    client.call(1, "queue.bind", queue="bound", exchange="b-topic", routing_key="a.*.#")
    client.call(1, "queue.bind", queue="unbound", exchange="b-topic", routing_key="#")
    client.call(1, "queue.unbind", queue="unbound", exchange="b-topic", routing_key="#")
    client.call(1, "exchange.bind", destination="b-headers", source="b-topic", routing_key="h")
    table = {"x-match": "all", "color": "red", "n": 5}
    client.call(1, "queue.bind", queue="by-headers", exchange="b-headers", arguments=table)


def test_bindings_route(client: WireClient):
    client.publish("b-topic", "a.b", b"topic")
    client.publish("b-topic", "x", b"nowhere")
    client.publish("b-topic", "h", b"both", headers={"color": "red", "n": 5})
    client.publish("b-topic", "h", b"wrong", headers={"color": "blue", "n": 5})
    assert bodies(drain(client, "bound")) == [b"topic"]
    assert bodies(drain(client, "by-headers")) == [b"both"]
    assert bodies(drain(client, "unbound")) == []


@before
def deletions(client: WireClient) -> None:
    declare(client, "deleted")
    declare(client, "purged")
    client.call(1, "exchange.declare", exchange="x-deleted", type="fanout", durable=True)
    for name in ("deleted", "purged"):
        client.call(1, "queue.bind", queue=name, exchange="x-deleted")
        publish(client, name, b"gone")
    client.call(1, "queue.purge", queue="purged")
    client.call(1, "queue.delete", queue="deleted")
    client.call(1, "exchange.delete", exchange="x-deleted")
    # Written behind them: once this is on disk, so are they.
    declare(client, "behind-deletions")
    publish(client, "behind-deletions", b"x")


def test_deletions_stay(client: WireClient):
    assert not exists(client, "queue", "deleted")
    assert not exists(client, "exchange", "x-deleted")
    assert declare(client, "deleted") == 0
    assert declare(client, "purged") == 0


@before
def transient(client: WireClient) -> None:
    client.call(1, "exchange.declare", exchange="x-transient", type="fanout")
    client.call(1, "queue.declare", queue="transient")
    client.call(1, "queue.declare", queue="exclusive", exclusive=True)
    client.call(1, "queue.bind", queue="transient", exchange="amq.fanout")
    declare(client, "durable")
    publish(client, "durable", b"transient", delivery_mode=1)
    publish(client, "durable", b"persistent")
    publish(client, "durable", b"also transient", delivery_mode=None)


def test_what_is_transient_is_gone(client: WireClient):
    assert not exists(client, "queue", "transient")
    assert not exists(client, "queue", "exclusive")
    assert not exists(client, "exchange", "x-transient")
    assert bodies(drain(client, "durable")) == [b"persistent"]


@before
def quorum(client: WireClient) -> None:
    declare(client, "quorum", **{"x-queue-type": "quorum"})
    publish(client, "quorum", b"transient", delivery_mode=1)


def test_a_quorum_queue_keeps_every_message(client: WireClient):
    assert bodies(drain(client, "quorum")) == [b"transient"]


# -- messages ----------------------------------------------------------------------------------

EVERYTHING: dict[str, Any] = {
    "content_type": "text/plain",
    "content_encoding": "gzip",
    "headers": {
        "a": Typed("I", 1),
        "b": Typed("F", {"c": Typed("S", "ü")}),
        "raw": Typed("x", b"\xff"),
    },
    "priority": 3,
    "correlation_id": "corr",
    "reply_to": "back",
    "expiration": "600000",
    "message_id": "id",
    "timestamp": 1_600_000_000,
    "type": "kind",
    "app_id": "app",
    "cluster_id": "cluster",
}


@before
def whole_messages(client: WireClient) -> None:
    declare(client, "whole")
    publish(client, "whole", b"", b"x" * 300_000, **EVERYTHING)


def test_messages_are_whole(client: WireClient):
    empty, long = drain(client, "whole")
    assert (empty.body, long.body) == (b"", b"x" * 300_000)
    for content in (empty, long):
        assert content.properties == EVERYTHING | {"delivery_mode": PERSISTENT}
        assert content.method.arguments["routing_key"] == "whole"


@before
def order(client: WireClient) -> None:
    declare(client, "order")
    publish(client, "order", *(b"%d" % number for number in range(2000)))
    for _ in range(3):
        client.get("order")
    client.call(4, "channel.open")
    for _ in range(5):
        client.get("order", channel=4)
    client.send_method(4, "basic.nack", delivery_tag=4, multiple=True, requeue=True)
    client.send_method(4, "basic.ack", delivery_tag=5)
    client.call(4, "basic.qos")
    # The ack of 7 rides with the next commit.
    declare(client, "behind-order")
    publish(client, "behind-order", b"x")


def test_order_and_redelivery(revived: Revived, client: WireClient):
    contents = drain(client, "order")
    assert bodies(contents) == [b"%d" % number for number in range(2000) if number != 7]
    marks = redelivered(contents)
    assert all(marks[:7]), "delivered before, and not marked"
    if not revived.killed:
        # After a crash it may only be known what may have been delivered.
        assert not any(marks[7:]), "never delivered, and marked"


@before
def priorities(client: WireClient) -> None:
    declare(client, "priorities", **{"x-max-priority": Typed("B", 5)})
    for number, priority in enumerate((0, 5, 3, 9, None, 3)):
        publish(client, "priorities", b"%d" % number, priority=priority)


def test_priorities_hold(client: WireClient):
    contents = drain(client, "priorities")
    assert bodies(contents) == [b"1", b"3", b"2", b"5", b"0", b"4"]
    assert contents[1].properties["priority"] == 9


@before
def returns(client: WireClient) -> None:
    client.call(1, "exchange.declare", exchange="graves", type="direct", durable=True)
    declare(client, "grave")
    client.call(1, "queue.bind", queue="grave", exchange="graves", routing_key="hidden")
    limit = {"x-delivery-limit": 3, "x-dead-letter-exchange": "graves"}
    declare(client, "returned", **{"x-queue-type": "quorum", **limit})
    publish(client, "returned", b"0", b"1", headers={"BCC": ["hidden"]})
    client.call(8, "channel.open")
    client.call(8, "basic.consume", queue="returned", consumer_tag="c")
    for _ in range(3):
        content = client.expect_content("basic.deliver")
        while content.body != b"0":
            content = client.expect_content("basic.deliver")
        tag = content.method.arguments["delivery_tag"]
        client.send_method(8, "basic.reject", delivery_tag=tag, requeue=True)
    client.expect_content("basic.deliver")
    # What is known of returns rides with the next commit.
    declare(client, "behind-returned")
    publish(client, "behind-returned", b"x")


def test_returns_are_counted_on(revived: Revived, client: WireClient):
    found = {}
    for _ in range(2):
        content = client.get("returned")
        if content is not None:
            found[content.body] = content
    if revived.killed:
        # At a stop, the connection that had them was lost: the last failure of one.
        assert found[b"0"].properties["headers"]["x-delivery-count"].value == 3
        tag = found[b"0"].method.arguments["delivery_tag"]
        client.send_method(1, "basic.reject", delivery_tag=tag, requeue=True)
    assert b"1" in found
    eventually(lambda: declare(client, "grave") == 1)
    (dead,) = drain(client, "grave")
    assert dead.body == b"0"
    assert dead.properties["headers"]["x-first-death-reason"].value == "delivery_limit"


@before
def copies(client: WireClient) -> None:
    client.call(1, "exchange.declare", exchange="x-copies", type="fanout", durable=True)
    for number in range(3):
        declare(client, f"copy-{number}")
        client.call(1, "queue.bind", queue=f"copy-{number}", exchange="x-copies")
    client.call(5, "channel.open")
    client.call(5, "tx.select")
    client.publish("x-copies", "k", b"copied", channel=5, delivery_mode=PERSISTENT)
    client.call(5, "tx.commit")
    client.get("copy-1", channel=5)
    client.send_method(5, "basic.ack", delivery_tag=0, multiple=True)
    client.call(5, "tx.commit")


def test_an_ack_in_one_queue_leaves_the_copies(client: WireClient):
    assert bodies(drain(client, "copy-0")) == [b"copied"]
    assert bodies(drain(client, "copy-1")) == []
    assert bodies(drain(client, "copy-2")) == [b"copied"]


@before
def transactions(client: WireClient) -> None:
    declare(client, "tx")
    client.call(6, "channel.open")
    client.call(6, "tx.select")
    client.publish("", "tx", b"committed", channel=6, delivery_mode=PERSISTENT)
    client.call(6, "tx.commit")
    client.publish("", "tx", b"pending", channel=6, delivery_mode=PERSISTENT)
    client.call(6, "basic.qos")


def test_only_what_was_committed(client: WireClient):
    assert bodies(drain(client, "tx")) == [b"committed"]


# -- time --------------------------------------------------------------------------------------


@before
def overdue(client: WireClient) -> None:
    dead = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"}
    declare(client, "dead")
    declare(client, "overdue", **dead)
    publish(client, "overdue", b"short", expiration="300")
    publish(client, "overdue", b"long", expiration="600000")


def test_what_is_overdue_expires_before_delivery(client: WireClient):
    eventually(lambda: declare(client, "dead") == 1)
    (letter,) = drain(client, "dead")
    assert letter.body == b"short"
    (death,) = letter.properties["headers"]["x-death"].value
    assert death.value["reason"].value == "expired"
    assert death.value["queue"].value == "overdue"
    assert bodies(drain(client, "overdue")) == [b"long"]


# -- again -------------------------------------------------------------------------------------


@pytest.mark.checklist(383)
@pytest.mark.parametrize("kill", [False, True])
def test_policies_and_parameters_are_there_again(start_broker: Callable[..., Broker], kill: bool):
    paths = {
        "policies/%2F/p": {
            "pattern": "^q",
            "definition": {"max-length": 2, "alternate-exchange": ""},
        },
        "operator-policies/%2F/o": {"pattern": "^q", "definition": {"max-length": 1}},
        "parameters/federation-upstream/%2F/up": {"value": {"uri": "amqp://elsewhere"}},
        "global-parameters/cluster_name": {"value": "hares"},
    }
    broker = start_broker()
    target = Target(Address(*broker.amqp), Address(*broker.http), None)
    for path, body in paths.items():
        assert target.api("PUT", path, body)[0] == 201
    gone = "policies/%2F/gone"
    target.api("PUT", gone, {"pattern": "^q", "definition": {"max-length": 9}, "priority": 9})
    assert target.api("DELETE", gone)[0] == 204
    with wire(broker.amqp) as client:
        declare(client, "q")
    before = {path: target.api("GET", path) for path in paths}
    identity = target.api("GET", "global-parameters/internal_cluster_id")
    broker.restart(kill=kill)
    assert {path: target.api("GET", path) for path in paths} == before
    assert target.api("GET", "global-parameters/internal_cluster_id") == identity
    assert target.api("GET", gone)[0] == 404
    with wire(broker.amqp) as client:
        publish(client, "q", b"1", b"2", b"3")
        assert bodies(drain(client, "q")) == [b"3"]


def test_a_deadline_is_not_begun_anew(start_broker: Callable[..., Broker]):
    broker = start_broker()
    with wire(broker.amqp) as client:
        declare(client, "q")
        published = time.monotonic()
        publish(client, "q", b"x", expiration="1500")
    broker.restart()
    with wire(broker.amqp) as client:
        restarted = time.monotonic()
        eventually(lambda: declare(client, "q") == 0)
        assert time.monotonic() < max(published + 1.5, restarted) + 0.5


def test_many_restarts_change_nothing(start_broker: Callable[..., Broker]):
    broker = start_broker()
    with wire(broker.amqp) as client:
        declare(client, "q")
        publish(client, "q", *(b"%d" % number for number in range(100)))
    for number in range(4):
        broker.restart(kill=bool(number % 2))
        with wire(broker.amqp) as client:
            assert declare(client, "q") == 100
            taken = client.get("q")
            assert taken
            assert taken.body == b"0"
    with wire(broker.amqp) as client:
        assert bodies(drain(client, "q")) == [b"%d" % number for number in range(100)]


def test_a_stop_says_goodbye(broker: Broker):
    with wire(broker.amqp) as client:
        assert broker.stop() == 0
        text = "CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'"
        client.expect_close(320, text, at=(0, 0))
        client.send_method(0, "connection.close-ok")
        with pytest.raises(Disconnected):
            client.read_frame()
