"""Exchange types that RabbitMQ has in plug-ins (checklist 150-157)."""

from collections import Counter

import pytest

from tests.conformance.helpers import (
    TRANSIENT,
    bound,
    declare,
    publish,
    ready,
    refused,
    take,
    until_ready,
)
from tests.support.wire import wire

HASH, MODULUS, RANDOM = "x-consistent-hash", "x-modulus-hash", "x-random"
LOCAL_RANDOM, HISTORY = "x-local-random", "x-recent-history"


@pytest.fixture
def exchange(channel, name):
    """Declares an exchange of a type; keyword arguments are its arguments, `_` for `-`."""

    def make(kind, **arguments):
        made = name("x")
        options = {key.replace("_", "-"): value for key, value in arguments.items()}
        channel.exchange_declare(made, kind, arguments=options)
        return made

    return make


@pytest.fixture
def publisher(connection):
    """A channel that waits for the confirm of each publish: what is published is in its queue."""
    publisher = connection.channel()
    publisher.confirm_delivery()
    return publisher


def shares(channel, queues):
    """What is in each of the queues, which are empty afterwards."""
    return [take(channel, queue) for queue in queues]


def owners(channel, queues):
    """Which queue holds which body; no body may be in two."""
    found = {}
    for queue, bodies in zip(queues, shares(channel, queues), strict=True):
        for body in bodies:
            assert body not in found, f"{body} in two queues"
            found[body] = queue
    return found


def spread(client, source, keys):
    """Publish one message for each key, with the key as its body."""
    client.confirm_delivery()
    for key in keys:
        publish(client, source, key, key)


KEYS = [f"key-{number}" for number in range(120)]


# -- x-consistent-hash ---------------------------------------------------------------------------


@pytest.mark.checklist(150)
@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("x", 'The binding key must be an integer: <<"x">>'),
        ("", "The binding key must be an integer: <<>>"),
        ("0", "The binding key must be greater than 0"),
        ("-1", "The binding key must be greater than 0"),
        pytest.param(
            "10001",
            "The binding key must not exceed 10000",
            marks=pytest.mark.differs("takes any weight for a consistent-hash binding"),
        ),
    ],
)
def test_a_binding_key_is_a_weight(channel, exchange, key, text):
    source, queue = exchange(HASH), declare(channel)
    with refused(406, f"PRECONDITION_FAILED - {text}"):
        channel.queue_bind(queue, source, key)


@pytest.mark.checklist(151)
def test_one_key_goes_to_one_queue(channel, publisher, exchange):
    source = exchange(HASH)
    queues = [bound(channel, source, "10") for _ in range(3)]
    for _ in range(2):
        spread(publisher, source, KEYS[:40])
    once = [Counter(bodies) for bodies in shares(channel, queues)]
    assert sum(len(each) for each in once) == 40
    assert all(count == 2 for each in once for count in each.values())


@pytest.mark.checklist(151)
def test_weights_are_shares(channel, exchange):
    source = exchange(HASH)
    light, heavy = bound(channel, source, "100"), bound(channel, source, "200")
    for number in range(1500):
        publish(channel, source, str(number), "m")
    counts = [channel.queue_purge(queue).method.message_count for queue in (light, heavy)]
    assert sum(counts) == 1500
    assert 0.23 < counts[0] / 1500 < 0.43


@pytest.mark.checklist(151)
@pytest.mark.parametrize(
    ("arguments", "properties"),
    [
        ({"hash_header": "h"}, lambda key: {"headers": {"h": key}}),
        ({"hash_property": "message_id"}, lambda key: {"message_id": key}),
        ({"hash_property": "correlation_id"}, lambda key: {"correlation_id": key}),
        ({"hash_property": "timestamp"}, lambda key: {"timestamp": int(key[4:])}),
    ],
    ids=["header", "message_id", "correlation_id", "timestamp"],
)
def test_what_else_may_be_hashed(channel, publisher, exchange, arguments, properties):
    source = exchange(HASH, **arguments)
    queues = [bound(channel, source, "10") for _ in range(3)]
    for routing_key in ("a", "b"):
        for key in KEYS[:40]:
            publish(publisher, source, routing_key, key, **properties(key))
    bodies = [Counter(each) for each in shares(channel, queues)]
    assert all(count == 2 for each in bodies for count in each.values())
    assert sum(bool(each) for each in bodies) > 1


@pytest.mark.checklist(151)
def test_without_the_header_all_go_together(channel, publisher, exchange):
    source = exchange(HASH, hash_header="h")
    queues = [bound(channel, source, "10") for _ in range(3)]
    spread(publisher, source, KEYS[:20])
    assert sorted(ready(channel, queue) for queue in queues) == [0, 0, 20]


@pytest.mark.checklist(152)
@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            {"hash_header": "h", "hash_property": "message_id"},
            "hash-header and hash-property are mutually exclusive",
        ),
        ({"hash_property": "app_id"}, "Unsupported property: app_id"),
    ],
    ids=["both", "unknown"],
)
def test_what_may_not_be_hashed(exchange, arguments, text):
    with refused(406, f"PRECONDITION_FAILED - {text}"):
        exchange(HASH, **arguments)


@pytest.mark.checklist(153)
def test_a_queue_that_comes_takes_only_its_share(channel, publisher, exchange):
    source = exchange(HASH)
    queues = [bound(channel, source, "10") for _ in range(3)]
    spread(publisher, source, KEYS)
    before = owners(channel, queues)
    queues.append(bound(channel, source, "10"))
    spread(publisher, source, KEYS)
    after = owners(channel, queues)
    moved = {key: after[key] for key in before if after[key] != before[key]}
    assert 0 < len(moved) < 60
    assert set(moved.values()) == {queues[3]}


@pytest.mark.checklist(153)
@pytest.mark.differs("numbers the buckets of a consistent-hash exchange in the order of binding")
def test_a_queue_that_goes_and_comes_back_moves_no_others(channel, publisher, exchange, name):
    source, queues = exchange(HASH), [name("q") for _ in range(3)]
    for queue in queues:
        declare(channel, queue)
        channel.queue_bind(queue, source, "10")
    spread(publisher, source, KEYS)
    before = owners(channel, queues)
    gone = queues[0]
    channel.queue_delete(gone)
    spread(publisher, source, KEYS)
    between = owners(channel, queues[1:])
    assert all(between[key] == queue for key, queue in before.items() if queue != gone)
    declare(channel, gone)
    channel.queue_bind(gone, source, "10")
    spread(publisher, source, KEYS)
    assert owners(channel, queues) == before


# -- x-modulus-hash ------------------------------------------------------------------------------


@pytest.mark.checklist(154)
@pytest.mark.parametrize("kind", [HASH, MODULUS, RANDOM])
def test_without_bindings_nothing_is_routed(client, name, kind):
    source = name("x")
    client.call(1, "exchange.declare", exchange=source, type=kind)
    client.publish(source, "k", b"m", mandatory=True)
    client.expect_content("basic.return", reply_code=312)


@pytest.mark.checklist(154)
def test_modulus_hash_finds_one_queue_and_always_the_same(channel, publisher, exchange):
    source = exchange(MODULUS)
    queues = [bound(channel, source, f"binding-{number}") for number in range(3)]
    spread(publisher, source, KEYS)
    before = owners(channel, queues)
    assert len(before) == len(KEYS)
    assert set(before.values()) == set(queues)
    spread(publisher, source, KEYS)
    assert owners(channel, queues) == before


@pytest.mark.checklist(153, 154)
@pytest.mark.parametrize("kind", [HASH, MODULUS])
def test_hashes_are_the_same_after_a_restart(leveret, kind):
    broker = leveret()
    queues = ["a", "b", "c"]

    def found(client):
        client.call(1, "confirm.select")
        for key in KEYS:
            client.publish("x", key, key.encode(), delivery_mode=TRANSIENT)
            client.expect("basic.ack", 1)
        by_key = {}
        for queue in queues:
            while (got := client.get(queue, no_ack=True)) is not None:
                by_key[got.body] = queue
        return by_key

    with wire(broker.amqp) as client:
        client.call(1, "exchange.declare", exchange="x", type=kind, durable=True)
        for queue in reversed(queues):
            client.call(1, "queue.declare", queue=queue, durable=True)
            client.call(1, "queue.bind", queue=queue, exchange="x", routing_key="10")
        before = found(client)
    assert set(before.values()) == set(queues)
    broker.restart()
    with wire(broker.amqp) as client:
        assert found(client) == before


# -- x-random and x-local-random -----------------------------------------------------------------


@pytest.mark.checklist(155)
def test_random_finds_one_queue_and_none_is_left_out(channel, publisher, exchange):
    source = exchange(RANDOM)
    queues = [bound(channel, source, f"binding-{number}") for number in range(3)]
    spread(publisher, source, KEYS)
    found = owners(channel, queues)
    assert len(found) == len(KEYS)
    assert set(found.values()) == set(queues)


@pytest.mark.checklist(156)
@pytest.mark.differs("has no exchange type x-local-random")
def test_local_random_spreads_over_classic_queues(channel, publisher, exchange):
    source = exchange(LOCAL_RANDOM)
    queues = [bound(channel, source) for _ in range(3)]
    spread(publisher, source, KEYS)
    assert set(owners(channel, queues).values()) == set(queues)


@pytest.mark.checklist(156)
@pytest.mark.differs("has no exchange type x-local-random")
def test_local_random_takes_no_key(channel, exchange):
    source, queue = exchange(LOCAL_RANDOM), declare(channel)
    with refused(406, "PRECONDITION_FAILED - Non empty binding 'k' key not permitted"):
        channel.queue_bind(queue, source, "k")


@pytest.mark.checklist(156)
@pytest.mark.differs("has no exchange type x-local-random")
@pytest.mark.parametrize("kind", ["quorum", "stream"])
def test_local_random_takes_only_classic_queues(channel, exchange, name, kind):
    source, queue = exchange(LOCAL_RANDOM), name("q")
    channel.queue_declare(queue, durable=True, arguments={"x-queue-type": kind})
    text = f"Queue type rabbit_{kind}_queue not valid for this exchange type"
    with refused(406, f"PRECONDITION_FAILED - {text}"):
        channel.queue_bind(queue, source, "")


# -- x-recent-history ----------------------------------------------------------------------------


def history(count, first=0):
    return [str(number).encode() for number in range(first, first + count)]


@pytest.mark.checklist(157)
def test_the_last_twenty_are_told(channel, publisher, exchange):
    source = exchange(HISTORY)
    publish(publisher, source, "k", *history(25))
    queue = bound(channel, source, "any")
    until_ready(channel, queue, 20)
    assert take(channel, queue) == history(20, 5)
    publish(publisher, source, "k", "new")
    assert take(channel, queue) == [b"new"]
    late = bound(channel, source)
    until_ready(channel, late, 20)
    assert take(channel, late) == [*history(19, 6), b"new"]


@pytest.mark.checklist(157)
def test_the_length_may_be_given(channel, publisher, exchange):
    source = exchange(HISTORY, x_recent_history_length=3)
    publish(publisher, source, "k", *history(5))
    queue = bound(channel, source)
    until_ready(channel, queue, 3)
    assert take(channel, queue) == history(3, 2)


@pytest.mark.checklist(157)
@pytest.mark.parametrize("length", [0, -1, "x"])
def test_the_length_must_be_positive(exchange, length):
    shown = f'<<"{length}">>' if isinstance(length, str) else length
    with refused(
        406,
        f"PRECONDITION_FAILED - Invalid argument {shown}, "
        "'x-recent-history-length' must be a positive integer",
    ):
        exchange(HISTORY, x_recent_history_length=length)


@pytest.mark.checklist(157)
@pytest.mark.parametrize(("mark", "expected"), [(True, [b"1", b"3"]), (False, [b"1", b"2", b"3"])])
def test_what_is_not_to_be_kept(channel, publisher, exchange, mark, expected):
    source = exchange(HISTORY)
    queue = bound(channel, source)
    for body in ("1", "2", "3"):
        headers = {"x-recent-history-no-store": mark} if body == "2" else {}
        publish(publisher, source, "k", body, headers=headers)
    assert take(channel, queue) == [b"1", b"2", b"3"]
    late = bound(channel, source)
    until_ready(channel, late, len(expected))
    assert take(channel, late) == expected


@pytest.mark.checklist(157)
@pytest.mark.differs("tells a bound exchange of the recent history newest first")
def test_a_bound_exchange_is_told_too(channel, publisher, exchange):
    source, behind = exchange(HISTORY), exchange("fanout")
    queue = bound(channel, behind)
    publish(publisher, source, "k", *history(3))
    channel.exchange_bind(behind, source)
    until_ready(channel, queue, 3)
    assert take(channel, queue) == history(3)
