"""Declaring, comparing, deleting queues; exclusive, auto-delete and expiring ones (165-206)."""

import re

import pytest

from tests.conformance.helpers import (
    Inbox,
    consumers,
    declare,
    exists,
    get,
    publish,
    ready,
    refused,
    take,
    until_ready,
)
from tests.support.encoding import Table, Typed
from tests.support.eventually import eventually, stays
from tests.support.wire import CAPABLE

CLASSIC, QUORUM, STREAM = "rabbit_classic_queue", "rabbit_quorum_queue", "rabbit_stream_queue"


def text(queue):
    return f"queue '{queue}' in vhost '/'"


def locked(queue):
    return (
        f"RESOURCE_LOCKED - cannot obtain exclusive access to locked {text(queue)}. "
        "It could be originally declared on another connection or the exclusive property value "
        "does not match that of the original declaration."
    )


def inequivalent(argument, queue, difference):
    return f"PRECONDITION_FAILED - inequivalent arg '{argument}' for {text(queue)}: {difference}"


# Names


@pytest.mark.checklist(165)
def test_server_named_queue(channel):
    declared = channel.queue_declare("", exclusive=True).method
    assert re.fullmatch(r"amq\.gen-[A-Za-z0-9_-]{22}", declared.queue)
    assert (declared.message_count, declared.consumer_count) == (0, 0)
    assert declare(channel) != declared.queue


@pytest.mark.checklist(168)
def test_server_given_name_cannot_be_redeclared(channel):
    queue = declare(channel)
    reply = f"ACCESS_REFUSED - queue name '{queue}' contains reserved prefix 'amq.*'"
    with refused(403, reply):
        declare(channel, queue)


@pytest.mark.checklist(169)
def test_reserved_prefix(connection):
    with refused(403, "ACCESS_REFUSED - queue name 'amq.foo' contains reserved prefix 'amq.*'"):
        connection.channel().queue_declare("amq.foo")
    with refused(404, "NOT_FOUND - no queue 'amq.foo' in vhost '/'"):
        connection.channel().queue_declare("amq.foo", passive=True)


@pytest.mark.checklist(170)
def test_line_ends_are_stripped_from_names(client, name):
    queue = name("q")
    client.send_method(1, "queue.declare", queue=f"{queue[:3]}\r\n{queue[3:]}", exclusive=True)
    client.expect("queue.declare-ok", 1, queue=queue)
    client.call(1, "queue.delete", queue=queue + "\n")
    client.send_method(1, "queue.declare", queue=queue, passive=True)
    client.expect_close(404, channel=1)


@pytest.mark.checklist(171)
def test_longest_name(channel, name):
    queue = name("q").ljust(251, "x") + "öö"
    assert declare(channel, queue) == queue
    publish(channel, "", queue, "m")
    until_ready(channel, queue, 1)


# Redeclaring


@pytest.mark.checklist(166, 172)
def test_redeclare_answers_with_live_counts(channel, name):
    queue = name("q")
    declare(channel, queue)
    publish(channel, "", queue, "1", "2", "3")
    until_ready(channel, queue, 3)
    get(channel, queue)
    inbox = Inbox(channel.connection.channel(), queue, arguments={"x-priority": 1})
    inbox.wait(2)
    declared = channel.queue_declare(queue, exclusive=True).method
    assert (declared.message_count, declared.consumer_count) == (0, 1)
    channel.basic_nack(1)
    inbox.wait(3)
    assert consumers(channel, queue) == 1


@pytest.mark.checklist(172)
def test_unacked_messages_are_not_counted(channel):
    queue = declare(channel)
    publish(channel, "", queue, "1", "2")
    until_ready(channel, queue, 2)
    method, _, _ = get(channel, queue)
    assert method.message_count == 1
    assert ready(channel, queue) == 1
    channel.basic_reject(method.delivery_tag)
    until_ready(channel, queue, 2)


@pytest.mark.checklist(167)
@pytest.mark.parametrize("argument", ["durable", "auto_delete"])
@pytest.mark.parametrize("new", [True, False])
def test_redeclared_with_another_property(channel, name, argument, new):
    queue = name("q")
    channel.queue_declare(queue, **{argument: not new})
    difference = f"received '{str(new).lower()}' but current is '{str(not new).lower()}'"
    with refused(406, inequivalent(argument, queue, difference)):
        channel.queue_declare(queue, **{argument: new})


@pytest.mark.checklist(167)
@pytest.mark.parametrize("exclusive", [True, False])
def test_redeclared_with_other_exclusiveness(channel, name, exclusive):
    queue = name("q")
    channel.queue_declare(queue, exclusive=not exclusive)
    with refused(405, locked(queue)):
        channel.queue_declare(queue, exclusive=exclusive, durable=True, auto_delete=True)


@pytest.mark.checklist(173)
def test_passive_declare_ignores_everything_but_the_name(channel, name):
    queue = name("q")
    channel.queue_declare(queue, arguments={"x-message-ttl": 100000})
    channel.queue_declare(
        queue, passive=True, durable=True, auto_delete=True, arguments={"x-max-length": -1}
    )


@pytest.mark.checklist(169)
def test_passive_declare_of_a_missing_queue(channel):
    with refused(404, "NOT_FOUND - no queue 'missing' in vhost '/'"):
        channel.queue_declare("missing", passive=True)


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
    reply = f"PRECONDITION_FAILED - invalid arg '{key}' for {text(queue)}: {reason}"
    client.expect_close(406, reply, channel=1, at=(50, 10))


@pytest.mark.checklist(177)
def test_dead_letter_exchange_that_is_no_string(client, name):
    queue = name("q")
    client.send_method(1, "queue.declare", queue=queue, arguments={"x-dead-letter-exchange": 1})
    client.expect_close(
        406,
        "PRECONDITION_FAILED - invalid type 'signedint' for arg 'x-dead-letter-exchange' "
        f"in {text(queue)}",
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
        f"PRECONDITION_FAILED - invalid arg '{key}' for {text(queue)} of queue type {module}",
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
    reply = f"PRECONDITION_FAILED - invalid property '{complaint}' for {text(queue)}"
    client.expect_close(406, reply, channel=1, at=(50, 10))


@pytest.mark.checklist(182)
@pytest.mark.parametrize(("queue_type", "module"), [("quorum", QUORUM), ("stream", STREAM)])
def test_replicated_queue_needs_a_name(client, queue_type, module):
    arguments = {"x-queue-type": queue_type}
    client.send_method(1, "queue.declare", durable=True, arguments=arguments)
    reply = f"PRECONDITION_FAILED - Cannot declare a server-named queue for type {module}"
    client.expect_close(406, reply, channel=1, at=(50, 10))


# Exclusive


@pytest.mark.checklist(186)
@pytest.mark.parametrize(
    ("method", "at"),
    [
        ("queue.declare", (50, 10)),
        ("queue.bind", (50, 20)),
        ("queue.purge", (50, 30)),
        ("queue.delete", (50, 40)),
        ("basic.consume", (60, 20)),
        ("basic.get", (60, 70)),
    ],
)
def test_exclusive_queue_is_locked_for_others(channel, client, name, method, at):
    queue = declare(channel, name("q"))
    options = {"exchange": "amq.direct"} if method == "queue.bind" else {}
    client.send_method(1, method, queue=queue, **options)
    client.expect_close(405, locked(queue), channel=1, at=at)


@pytest.mark.checklist(186)
@pytest.mark.parametrize("options", [{"passive": True}, {"exclusive": True}])
def test_exclusive_queue_is_locked_for_declares(channel, client, options):
    queue = declare(channel)
    if not options.get("passive"):
        queue = declare(channel, "locked-" + queue[8:])
    client.send_method(1, "queue.declare", queue=queue, **options)
    client.expect_close(405, locked(queue), channel=1, at=(50, 10))


@pytest.mark.checklist(117)
def test_unbind_of_a_foreign_exclusive_queue_without_a_binding(channel, client):
    client.call(1, "queue.unbind", queue=declare(channel), exchange="amq.direct", routing_key="k")


@pytest.mark.checklist(187)
def test_anyone_may_publish_to_an_exclusive_queue(channel, connect):
    queue = declare(channel)
    publish(connect().channel(), "", queue, "m")
    until_ready(channel, queue, 1)


@pytest.mark.checklist(188)
def test_exclusive_queue_is_open_to_all_channels_of_its_connection(connection, channel):
    queue = declare(channel)
    other = connection.channel()
    other.queue_bind(queue, "amq.direct", queue)
    publish(other, "amq.direct", queue, "m")
    until_ready(other, queue, 1)
    other.queue_purge(queue)
    Inbox(other, queue)
    other.queue_delete(queue)


@pytest.mark.checklist(189)
@pytest.mark.parametrize("how", ["close", "abort"])
def test_exclusive_queue_goes_with_its_connection(wire, connection, name, how):
    queue, owner = name("q"), wire()
    owner.call(1, "queue.declare", queue=queue, exclusive=True)
    getattr(owner, how)()
    if how == "close":
        assert not exists(connection, queue)
    eventually(lambda: _declarable(connection, queue))


def _declarable(connection, queue):
    try:
        connection.channel().queue_declare(queue, exclusive=True)
    except Exception as error:
        raise AssertionError(error) from None
    return True


@pytest.mark.checklist(190)
def test_exclusive_queue_is_never_durable(channel, name):
    queue = name("q")
    declare(channel, queue, durable=True)
    declare(channel, queue)
    declare(channel, queue, durable=True)


@pytest.mark.checklist(191)
def test_exclusive_queue_stays_without_consumers(connection, channel):
    queue = declare(channel)
    channel.basic_cancel(channel.basic_consume(queue, print))
    assert exists(connection, queue)


@pytest.mark.checklist(185)
def test_transient_queue_is_allowed(channel, name):
    channel.queue_declare(name("q"))


# Auto-delete


@pytest.mark.checklist(192)
def test_auto_delete_queue_without_consumers_stays(connect, name):
    queue, first = name("q"), connect()
    first.channel().queue_declare(queue, auto_delete=True)
    first.close()
    assert exists(connect(), queue)


@pytest.mark.checklist(193)
def test_auto_delete_queue_goes_before_cancel_ok(connection, channel, name):
    queue = name("q")
    channel.queue_declare(queue, auto_delete=True)
    publish(channel, "", queue, "m")
    get(channel, queue, auto_ack=True)
    assert exists(connection, queue)
    channel.basic_cancel(channel.basic_consume(queue, print))
    assert not exists(connection, queue)


@pytest.mark.checklist(194)
def test_auto_delete_queue_goes_before_channel_close_ok(connection, name):
    queue, channel = name("q"), connection.channel()
    channel.queue_declare(queue, auto_delete=True)
    channel.basic_consume(queue, print)
    channel.close()
    assert not exists(connection, queue)


@pytest.mark.checklist(194)
def test_auto_delete_queue_goes_with_a_lost_connection(connection, wire, name):
    queue, client = name("q"), wire()
    client.call(1, "queue.declare", queue=queue, auto_delete=True)
    client.call(1, "basic.consume", queue=queue)
    client.abort()
    eventually(lambda: not exists(connection, queue))


@pytest.mark.checklist(195)
def test_auto_delete_queue_stays_with_another_consumer(connection, channel, name):
    queue = name("q")
    channel.queue_declare(queue, auto_delete=True)
    first, second = (channel.basic_consume(queue, print) for _ in range(2))
    channel.basic_cancel(first)
    assert exists(connection, queue)
    channel.basic_cancel(second)
    assert not exists(connection, queue)


# Delete and purge


@pytest.mark.checklist(196)
@pytest.mark.parametrize("options", [{}, {"if_unused": True}, {"if_empty": True}])
def test_delete_of_a_missing_queue(channel, options):
    assert channel.queue_delete("missing", **options).method.message_count == 0


@pytest.mark.checklist(197)
def test_purge_keeps_unacked_messages(channel):
    queue = declare(channel)
    publish(channel, "", queue, "1", "2", "3")
    until_ready(channel, queue, 3)
    method, _, _ = get(channel, queue)
    assert channel.queue_purge(queue).method.message_count == 2
    assert ready(channel, queue) == 0
    channel.basic_nack(method.delivery_tag)
    until_ready(channel, queue, 1)
    assert take(channel, queue) == [b"1"]


@pytest.mark.checklist(197)
def test_delete_answers_with_the_ready_messages(channel):
    queue = declare(channel)
    publish(channel, "", queue, "1", "2", "3")
    until_ready(channel, queue, 3)
    get(channel, queue)
    assert channel.queue_delete(queue).method.message_count == 2


@pytest.mark.checklist(197)
def test_purge_of_a_missing_queue(channel):
    with refused(404, "NOT_FOUND - no queue 'missing' in vhost '/'"):
        channel.queue_purge("missing")


@pytest.mark.checklist(198)
def test_delete_if_empty(connection, channel):
    queue = declare(channel)
    publish(channel, "", queue, "m")
    until_ready(channel, queue, 1)
    with refused(406, f"PRECONDITION_FAILED - {text(queue)} not empty"):
        channel.queue_delete(queue, if_empty=True)
    channel = connection.channel()
    get(channel, queue)
    channel.queue_delete(queue, if_empty=True)


@pytest.mark.checklist(198)
def test_delete_if_unused(connection, channel):
    queue = declare(channel)
    tag = channel.basic_consume(queue, print)
    with refused(406, f"PRECONDITION_FAILED - {text(queue)} in use"):
        connection.channel().queue_delete(queue, if_unused=True)
    channel.basic_cancel(tag)
    channel.queue_delete(queue, if_unused=True)


@pytest.mark.checklist(198)
def test_delete_with_both_flags_looks_at_emptiness_first(connection, channel):
    queue = declare(channel)
    channel.basic_qos(prefetch_count=1)
    Inbox(channel, queue)
    publish(channel, "", queue, "1", "2")
    until_ready(channel, queue, 1)
    with refused(406, f"PRECONDITION_FAILED - {text(queue)} not empty"):
        connection.channel().queue_delete(queue, if_unused=True, if_empty=True)


@pytest.mark.checklist(199)
@pytest.mark.differs("answers 540")
def test_delete_if_unused_of_a_quorum_queue(connection, name):
    queue, channel = name("q"), connection.channel()
    channel.queue_declare(queue, durable=True, arguments={"x-queue-type": "quorum"})
    publish(channel, "", queue, "m")
    until_ready(channel, queue, 1)
    with refused(406, f"PRECONDITION_FAILED - {text(queue)} not empty"):
        channel.queue_delete(queue, if_empty=True)
    connection.channel().queue_delete(queue, if_unused=True)


@pytest.mark.checklist(200)
def test_delete_cancels_consumers_after_delete_ok(client, wire):
    other = wire()
    queue = client.call(1, "queue.declare", queue="").arguments["queue"]
    client.call(1, "basic.consume", queue=queue, consumer_tag="own")
    other.call(1, "basic.consume", queue=queue, consumer_tag="other")
    client.call(1, "queue.delete", queue=queue)
    client.expect("basic.cancel", 1, consumer_tag="own", nowait=True)
    other.expect("basic.cancel", 1, consumer_tag="other", nowait=True)


@pytest.mark.checklist(201)
def test_delete_does_not_cancel_consumers_of_clients_that_cannot(wire, client):
    capabilities = {**CAPABLE["capabilities"], "consumer_cancel_notify": False}
    other = wire(client_properties={"capabilities": capabilities})
    queue = client.call(1, "queue.declare", queue="").arguments["queue"]
    other.call(1, "basic.consume", queue=queue)
    client.call(1, "queue.delete", queue=queue)
    other.send_method(1, "queue.declare", queue=queue, passive=True)
    other.expect_close(404, channel=1)


@pytest.mark.checklist(202)
@pytest.mark.parametrize("settle", ["basic_ack", "basic_nack", "basic_reject"])
def test_settling_deliveries_of_a_deleted_queue(channel, settle):
    queue = declare(channel)
    publish(channel, "", queue, "m")
    tag = get(channel, queue)[0].delivery_tag
    channel.queue_delete(queue)
    getattr(channel, settle)(tag)
    declare(channel)


# Expiry


@pytest.mark.checklist(203)
@pytest.mark.parametrize("renewal", ["declare", "passive", "get"])
def test_use_renews_the_lease(connection, channel, name, renewal):
    queue = name("q")
    arguments = {"x-expires": 200}
    channel.queue_declare(queue, arguments=arguments)
    use = {
        "declare": lambda: channel.queue_declare(queue, arguments=arguments),
        "passive": lambda: channel.queue_declare(queue, passive=True),
        "get": lambda: channel.basic_get(queue),
    }[renewal]
    stays(use, 0.7)


def published_to(client, queue):
    """Publish; whether the queue took it (it is gone when the message comes back)."""
    client.publish("", queue, b"m", mandatory=True)
    if client.read_method().name == "basic.ack":
        return True
    client.read_frame()
    client.read_frame()
    client.expect("basic.ack", 1)
    return False


@pytest.mark.checklist(203, 206)
def test_publishing_does_not_renew_the_lease(client, name):
    short, long = name("q"), name("q")
    client.call(1, "queue.declare", queue=short, arguments={"x-expires": 200})
    client.call(1, "queue.declare", queue=long, arguments={"x-expires": 60000})
    client.call(1, "confirm.select")
    assert published_to(client, short)
    eventually(lambda: not published_to(client, short))
    assert published_to(client, long)
    client.send_method(1, "queue.declare", queue=short, passive=True)
    client.expect_close(404, f"NOT_FOUND - no {text(short)}", channel=1)


@pytest.mark.checklist(204)
def test_queue_with_a_consumer_does_not_expire(wire, name):
    queue, consumer, publisher = name("q"), wire(), wire()
    consumer.call(1, "queue.declare", queue=queue, arguments={"x-expires": 200})
    consumer.call(1, "basic.consume", queue=queue, consumer_tag="c")
    publisher.call(1, "confirm.select")
    stays(lambda: published_to(publisher, queue), 0.6)
    consumer.send_method(1, "basic.cancel", consumer_tag="c", nowait=True)
    assert published_to(publisher, queue)
    eventually(lambda: not published_to(publisher, queue))


@pytest.mark.checklist(205)
@pytest.mark.parametrize("how", ["delete", "purge", "expiry", "auto-delete"])
def test_end_of_a_queue_does_not_dead_letter(connection, channel, name, how):
    dead = declare(channel)
    arguments: Table = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead}
    if how == "expiry":
        arguments["x-expires"] = 100
    queue = name("q")
    channel.queue_declare(queue, auto_delete=True, arguments=arguments)
    publish(channel, "", queue, "m")
    if how == "delete":
        channel.queue_delete(queue)
    elif how == "purge":
        until_ready(channel, queue, 1)
        channel.queue_purge(queue)
    elif how == "auto-delete":
        channel.basic_cancel(Inbox(channel, queue).tag)
        assert not exists(connection, queue)
    else:
        client_sees_the_end(channel, queue)
    assert take(channel, dead) == []


def client_sees_the_end(channel, queue):
    """Wait for the queue's expiry without touching it."""
    returned = []
    channel.add_on_return_callback(lambda *_: returned.append(1))

    def gone():
        channel.basic_publish("", queue, b"m", mandatory=True)
        channel.connection.process_data_events(0.01)
        return returned

    eventually(gone)


@pytest.mark.checklist(184)
def test_queue_limit_of_a_vhost(tcp, admin):
    vhost = admin.vhost()
    admin.put(f"vhost-limits/{vhost}/max-queues", {"value": 1})
    client = tcp().connect(vhost=vhost)
    client.call(1, "queue.declare", queue="one")
    client.call(1, "queue.declare", queue="one")
    client.send_method(1, "queue.declare", queue="two")
    client.expect_close(
        406,
        "PRECONDITION_FAILED - cannot declare queue 'two': "
        f"queue limit in vhost '{vhost}' (1) is reached",
        channel=1,
        at=(50, 10),
    )
    client.send_method(1, "channel.close-ok")
    client.call(1, "channel.open")
    client.call(1, "queue.delete", queue="one")
    client.call(1, "queue.declare", queue="two")
