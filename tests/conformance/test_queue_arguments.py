"""Arguments of queues: which are taken, and which are equal to others (174-184)."""

import pytest

from tests.conformance.helpers import (
    declare,
    inequivalent,
    queue_text,
)
from tests.support.encoding import Typed

CLASSIC, QUORUM, STREAM = "rabbit_classic_queue", "rabbit_quorum_queue", "rabbit_stream_queue"


# Arguments: equivalence


def declared_with(client, queue, **arguments):
    keys = {key.replace("_", "-"): value for key, value in arguments.items()}
    client.send_method(1, "queue.declare", queue=queue, exclusive=True, arguments=keys)


@pytest.mark.checklist(174, 175)
@pytest.mark.parametrize("key", ["x_message_ttl", "x_expires"])
def test_integers_of_any_width_are_equivalent(client, name, key):
    queue = name("q")
    for tag in "Ilsui":
        declared_with(client, queue, **{key: Typed(tag, 10000)})
        client.expect("queue.declare-ok", 1)


@pytest.mark.checklist(175)
def test_bytes_are_equivalent_to_longs(client, name):
    queue = name("q")
    for tag in "bBIlL":
        declared_with(client, queue, x_max_length=Typed(tag, 100))
        client.expect("queue.declare-ok", 1)


@pytest.mark.checklist(174)
@pytest.mark.parametrize(
    ("old", "new", "difference"),
    [
        (1000, 2000, "received '2000' but current is '1000'"),
        (1000, "1000", "received '1000' but current is '1000'"),
        (1000, None, "received none but current is the value '1000' of type 'signedint'"),
        (
            Typed("l", 1000),
            None,
            "received none but current is the value '1000' of type 'long'",
        ),
        (None, 1000, "received the value '1000' of type 'signedint' but current is none"),
    ],
    ids=["value", "string", "absent", "absent-long", "new"],
)
def test_other_ttl_is_not_equivalent(client, name, old, new, difference):
    queue = name("q")
    declared_with(client, queue, **({"x_message_ttl": old} if old else {}))
    client.expect("queue.declare-ok", 1)
    declared_with(client, queue, **({"x_message_ttl": new} if new else {}))
    reply = inequivalent("x-message-ttl", queue, difference)
    client.expect_close(406, reply, channel=1, at=(50, 10))


@pytest.mark.checklist(176)
def test_unknown_arguments_are_not_compared(channel, name):
    queue = name("q")
    declare(channel, queue, arguments={"x-nonsense": 1})
    declare(channel, queue, arguments={"x-nonsense": "two", "other": 3})
    declare(channel, queue)


@pytest.mark.checklist(179)
def test_queue_type_classic_is_the_default(connection, name):
    queue = name("q")
    channel = connection.channel()
    channel.queue_declare(queue, durable=True)
    channel.queue_declare(queue, durable=True, arguments={"x-queue-type": "classic"})
    with pytest.raises(Exception, match="inequivalent arg 'x-queue-type'"):
        channel.queue_declare(queue, durable=True, arguments={"x-queue-type": "quorum"})


# Arguments: validation

BAD_ARGUMENTS = [
    ("x-message-ttl", "1000", '"expected integer, got longstr"'),
    ("x-message-ttl", -1, "{value_negative,-1}"),
    ("x-message-ttl", Typed("l", 315360000001), "{value_too_large,315360000001}"),
    ("x-message-ttl", Typed("d", 1.5), '"expected integer, got double"'),
    ("x-message-ttl", Typed("D", (0, 5)), '"expected integer, got decimal"'),
    ("x-message-ttl", Typed("T", 5), '"expected integer, got timestamp"'),
    ("x-message-ttl", True, '"expected integer, got bool"'),
    ("x-expires", 0, "{value_zero,0}"),
    ("x-expires", -1, "{value_negative,-1}"),
    ("x-expires", "1000", '"expected integer, got longstr"'),
    ("x-expires", Typed("l", 315360000001), "{value_too_large,315360000001}"),
    ("x-max-length", -1, "{value_negative,-1}"),
    ("x-max-length", "1", '"expected integer, got longstr"'),
    ("x-max-length-bytes", -1, "{value_negative,-1}"),
    ("x-max-priority", 256, "{max_value_exceeded,256}"),
    ("x-max-priority", -1, "{value_negative,-1}"),
    ("x-max-priority", "5", '"expected integer, got longstr"'),
    ("x-overflow", "foo", "invalid_overflow"),
    ("x-overflow", 1, "{unacceptable_type,signedint}"),
    ("x-dead-letter-routing-key", "k", "routing_key_but_no_dlx_defined"),
    ("x-dead-letter-routing-key", 5, "{unacceptable_type,signedint}"),
    ("x-single-active-consumer", "true", "{unacceptable_type,longstr}"),
    ("x-queue-mode", "foo", "\"unsupported queue mode 'foo'\""),
    ("x-queue-version", 3, "\"unsupported queue version '3'\""),
    ("x-queue-version", "2", '"expected integer, got longstr"'),
    ("x-queue-type", "foo", "\"unsupported queue type 'foo'\""),
    ("x-queue-type", 1, "{unacceptable_type,signedint}"),
]


@pytest.mark.checklist(174, 175, 177, 178, 179)
@pytest.mark.parametrize(
    ("key", "value", "reason"),
    BAD_ARGUMENTS,
    ids=[f"{row[0]}-{row[1]}" for row in BAD_ARGUMENTS],
)
def test_bad_argument(client, name, key, value, reason):
    queue = name("q")
    client.send_method(1, "queue.declare", queue=queue, arguments={key: value})
    reply = f"PRECONDITION_FAILED - invalid arg '{key}' for {queue_text(queue)}: {reason}"
    client.expect_close(406, reply, channel=1, at=(50, 10))


@pytest.mark.checklist(177)
def test_dead_letter_exchange_that_is_no_string(client, name):
    queue = name("q")
    client.send_method(1, "queue.declare", queue=queue, arguments={"x-dead-letter-exchange": 1})
    client.expect_close(
        406,
        "PRECONDITION_FAILED - invalid type 'signedint' for arg 'x-dead-letter-exchange' "
        f"in {queue_text(queue)}",
        channel=1,
        at=(50, 10),
    )


GOOD_ARGUMENTS = [
    {"x-message-ttl": 0},
    {"x-message-ttl": Typed("l", 315360000000)},
    {"x-expires": Typed("l", 315360000000)},
    {"x-max-length": 0},
    {"x-max-length-bytes": 0},
    {"x-max-priority": 0},
    {"x-max-priority": 255},
    {"x-overflow": "drop-head"},
    {"x-overflow": "reject-publish"},
    {"x-overflow": "reject-publish-dlx"},
    {"x-dead-letter-exchange": ""},
    {"x-dead-letter-exchange": "missing", "x-dead-letter-routing-key": ""},
    {"x-single-active-consumer": True},
    {"x-queue-mode": "lazy"},
    {"x-queue-mode": "default"},
    {"x-queue-version": 1},
    {"x-queue-version": 2},
    {"x-queue-type": "classic"},
    {"x-queue-master-locator": "client-local"},
    {"x-nonsense": {"deep": [1, None]}},
]


@pytest.mark.checklist(174, 175, 176, 177)
@pytest.mark.parametrize("arguments", GOOD_ARGUMENTS, ids=str)
def test_good_arguments(client, name, arguments):
    queue = name("q")
    for _ in range(2):
        client.call(1, "queue.declare", queue=queue, arguments=arguments)


@pytest.mark.checklist(177)
@pytest.mark.differs("ends the connection with 541")
def test_unknown_master_locator_is_ignored(client, name):
    arguments = {"x-queue-master-locator": "whatever"}
    client.call(1, "queue.declare", queue=name("q"), arguments=arguments)


REPLICATED_ARGUMENTS = [
    ("quorum", {"x-message-ttl": 1000}),
    ("quorum", {"x-expires": 100000}),
    ("quorum", {"x-max-length": 5, "x-max-length-bytes": 5, "x-overflow": "reject-publish"}),
    ("quorum", {"x-dead-letter-exchange": "", "x-dead-letter-strategy": "at-least-once"}),
    ("quorum", {"x-single-active-consumer": True}),
    ("quorum", {"x-delivery-limit": 5}),
    ("quorum", {"x-quorum-initial-group-size": 1}),
    ("quorum", {"x-max-in-memory-length": 1, "x-max-in-memory-bytes": 1}),
    ("quorum", {"x-queue-leader-locator": "client-local"}),
    ("stream", {"x-max-length-bytes": 100000}),
    ("stream", {"x-max-age": "7D"}),
    ("stream", {"x-stream-max-segment-size-bytes": 100000}),
    ("stream", {"x-initial-cluster-size": 1}),
    ("stream", {"x-queue-leader-locator": "client-local"}),
]


@pytest.mark.checklist(177)
@pytest.mark.parametrize(("queue_type", "arguments"), REPLICATED_ARGUMENTS, ids=str)
def test_good_arguments_of_replicated_queues(client, name, queue_type, arguments):
    queue = name("q")
    arguments = {"x-queue-type": queue_type, **arguments}
    for _ in range(2):
        client.call(1, "queue.declare", queue=queue, durable=True, arguments=arguments)


@pytest.mark.checklist(180, 181)
@pytest.mark.parametrize(
    ("queue_type", "module", "key", "value"),
    [
        ("classic", CLASSIC, "x-delivery-limit", 5),
        ("classic", CLASSIC, "x-max-age", "1h"),
        ("classic", CLASSIC, "x-dead-letter-strategy", "at-most-once"),
        ("classic", CLASSIC, "x-quorum-initial-group-size", 1),
        ("quorum", QUORUM, "x-max-priority", 5),
        ("quorum", QUORUM, "x-queue-mode", "lazy"),
        ("stream", STREAM, "x-message-ttl", 1000),
        ("stream", STREAM, "x-max-length", 5),
        ("stream", STREAM, "x-dead-letter-exchange", "x"),
        ("stream", STREAM, "x-expires", 1000),
        ("stream", STREAM, "x-single-active-consumer", True),
        ("stream", STREAM, "x-overflow", "drop-head"),
    ],
)
def test_argument_of_another_queue_type(client, name, queue_type, module, key, value):
    queue = name("q")
    client.send_method(
        1,
        "queue.declare",
        queue=queue,
        durable=True,
        arguments={"x-queue-type": queue_type, key: value},
    )
    client.expect_close(
        406,
        f"PRECONDITION_FAILED - invalid arg '{key}' for {queue_text(queue)} of queue type {module}",
        channel=1,
        at=(50, 10),
    )


@pytest.mark.checklist(182)
@pytest.mark.parametrize("queue_type", ["quorum", "stream"])
@pytest.mark.parametrize(
    ("properties", "complaint"),
    [
        ({}, "non-durable"),
        ({"durable": True, "exclusive": True}, "exclusive-owner"),
        ({"durable": True, "auto_delete": True}, "auto-delete"),
        ({"exclusive": True, "auto_delete": True}, "auto-delete"),
        ({"exclusive": True}, "exclusive-owner"),
    ],
)
def test_property_that_a_replicated_queue_cannot_have(
    client, name, queue_type, properties, complaint
):
    queue = name("q")
    arguments = {"x-queue-type": queue_type}
    client.send_method(1, "queue.declare", queue=queue, arguments=arguments, **properties)
    reply = f"PRECONDITION_FAILED - invalid property '{complaint}' for {queue_text(queue)}"
    client.expect_close(406, reply, channel=1, at=(50, 10))


@pytest.mark.checklist(182)
@pytest.mark.parametrize(("queue_type", "module"), [("quorum", QUORUM), ("stream", STREAM)])
def test_replicated_queue_needs_a_name(client, queue_type, module):
    arguments = {"x-queue-type": queue_type}
    client.send_method(1, "queue.declare", durable=True, arguments=arguments)
    reply = f"PRECONDITION_FAILED - Cannot declare a server-named queue for type {module}"
    client.expect_close(406, reply, channel=1, at=(50, 10))
