"""Declaring and deleting exchanges, their life time and who may publish (86-111 and 119)."""

import pytest

from tests.conformance.helpers import (
    bound,
    declare,
    exchange_exists,
    get,
    publish,
    refused,
    take,
    until_ready,
)
from tests.support.encoding import Typed
from tests.support.eventually import eventually

DEFAULT_EXCHANGE = "ACCESS_REFUSED - operation not permitted on the default exchange"


def text(exchange):
    return f"exchange '{exchange}' in vhost '/'"


def inequivalent(argument, exchange, received, current):
    return (
        f"PRECONDITION_FAILED - inequivalent arg '{argument}' for {text(exchange)}: "
        f"received '{received}' but current is '{current}'"
    )


@pytest.mark.checklist(86)
@pytest.mark.parametrize("kind", ["direct", "fanout", "topic", "headers"])
def test_redeclared_the_same(channel, name, kind):
    exchange = name("x")
    for _ in range(2):
        channel.exchange_declare(exchange, kind, durable=True)


@pytest.mark.checklist(87)
def test_redeclared_with_another_type(channel, name):
    exchange = name("x")
    channel.exchange_declare(exchange, "direct")
    with refused(406, inequivalent("type", exchange, "fanout", "direct")):
        channel.exchange_declare(exchange, "fanout", durable=True)


@pytest.mark.checklist(88)
@pytest.mark.parametrize("argument", ["durable", "auto_delete", "internal"])
@pytest.mark.parametrize("new", [True, False])
def test_redeclared_with_another_property(channel, name, argument, new):
    exchange = name("x")
    channel.exchange_declare(exchange, "direct", **{argument: not new})
    received, current = str(new).lower(), str(not new).lower()
    with refused(406, inequivalent(argument, exchange, received, current)):
        channel.exchange_declare(exchange, "direct", **{argument: new})


@pytest.mark.checklist(88)
def test_properties_are_compared_in_order(channel, name):
    exchange = name("x")
    channel.exchange_declare(exchange, "direct")
    with refused(406, inequivalent("durable", exchange, "true", "false")):
        channel.exchange_declare(exchange, "direct", durable=True, auto_delete=True, internal=True)


@pytest.mark.checklist(89)
def test_redeclared_with_other_unknown_arguments(channel, name):
    exchange = name("x")
    channel.exchange_declare(exchange, "direct", arguments={"x-nonsense": 1})
    channel.exchange_declare(exchange, "direct", arguments={"x-nonsense": "two", "more": 3})
    channel.exchange_declare(exchange, "direct")


@pytest.mark.checklist(90)
@pytest.mark.parametrize(
    ("old", "new", "difference"),
    [
        ("ae", "other", "received 'other' but current is 'ae'"),
        (None, "ae", "received the value 'ae' of type 'longstr' but current is none"),
        ("ae", None, "received none but current is the value 'ae' of type 'longstr'"),
    ],
    ids=["other", "new", "absent"],
)
def test_redeclared_with_another_alternate_exchange(channel, name, old, new, difference):
    exchange = name("x")

    def declared(alternate):
        arguments = {"alternate-exchange": alternate} if alternate else {}
        channel.exchange_declare(exchange, "direct", arguments=arguments)

    declared(old)
    declared(old)
    start = f"PRECONDITION_FAILED - inequivalent arg 'alternate-exchange' for {text(exchange)}: "
    with refused(406, start + difference):
        declared(new)


@pytest.mark.checklist(91)
@pytest.mark.parametrize(
    ("value", "kind"), [(Typed("I", 1), "signedint"), (Typed("t", True), "bool")]
)
def test_alternate_exchange_that_is_no_string(client, name, value, kind):
    exchange = name("x")
    client.send_method(
        1,
        "exchange.declare",
        exchange=exchange,
        type="direct",
        arguments={"alternate-exchange": value},
    )
    client.expect_close(
        406,
        f"PRECONDITION_FAILED - invalid type '{kind}' for arg 'alternate-exchange' "
        f"in {text(exchange)}",
        channel=1,
        at=(40, 10),
    )


@pytest.mark.checklist(92)
@pytest.mark.differs("answers 503 on the connection")
@pytest.mark.parametrize(("kind", "word"), [("foo", "unknown"), ("Direct", "unknown")])
def test_unknown_type(client, name, kind, word):
    client.send_method(1, "exchange.declare", exchange=name("x"), type=kind)
    reply = f"PRECONDITION_FAILED - {word} exchange type '{kind}'"
    client.expect_close(406, reply, channel=1, at=(40, 10))


@pytest.mark.checklist(93)
def test_passive_declare_ignores_everything_but_the_name(channel, name):
    exchange = name("x")
    channel.exchange_declare(exchange, "direct", durable=True)
    channel.exchange_declare(exchange, "fanout", passive=True, auto_delete=True)
    channel.exchange_declare(exchange, "no-such-type", passive=True)


@pytest.mark.checklist(94)
def test_passive_declare_of_a_missing_exchange(channel):
    with refused(404, f"NOT_FOUND - no {text('missing')}"):
        channel.exchange_declare("missing", passive=True)


@pytest.mark.checklist(95)
@pytest.mark.parametrize("passive", [True, False])
def test_declare_of_the_default_exchange(channel, passive):
    with refused(403, DEFAULT_EXCHANGE):
        channel.exchange_declare("", "direct", passive=passive, durable=True)


@pytest.mark.checklist(96)
def test_reserved_prefix(connection):
    with refused(403, "ACCESS_REFUSED - exchange name 'amq.foo' contains reserved prefix 'amq.*'"):
        connection.channel().exchange_declare("amq.foo", "direct")
    with refused(404, f"NOT_FOUND - no {text('amq.foo')}"):
        connection.channel().exchange_declare("amq.foo", passive=True)


@pytest.mark.checklist(97)
@pytest.mark.parametrize(
    ("exchange", "kind"),
    [
        ("amq.direct", "direct"),
        ("amq.fanout", "fanout"),
        ("amq.topic", "topic"),
        ("amq.match", "headers"),
        ("amq.headers", "headers"),
    ],
)
def test_predeclared_exchanges(channel, exchange, kind):
    channel.exchange_declare(exchange, kind, durable=True)
    with refused(406, inequivalent("durable", exchange, "false", "true")):
        channel.exchange_declare(exchange, kind)


@pytest.mark.checklist(97)
def test_predeclared_trace_exchange_is_internal(channel):
    channel.exchange_declare("amq.rabbitmq.trace", "topic", durable=True, internal=True)


@pytest.mark.checklist(98)
def test_line_ends_are_stripped_from_names(channel, name):
    exchange = name("x")
    channel.exchange_declare(f"{exchange[:3]}\r\n{exchange[3:]}", "fanout")
    channel.exchange_declare(exchange, passive=True)


@pytest.mark.checklist(99)
def test_delete_of_a_missing_exchange(channel, name):
    channel.exchange_delete(name("missing"))
    exchange = name("x")
    channel.exchange_declare(exchange)
    channel.exchange_delete(exchange)
    channel.exchange_delete(exchange, if_unused=True)


@pytest.mark.checklist(100)
@pytest.mark.parametrize("exchange", ["amq.direct", "amq.rabbitmq.trace", "amq.zzz"])
def test_delete_of_a_system_exchange(channel, exchange):
    with refused(
        403, f"ACCESS_REFUSED - deletion of system exchange '{exchange}' in vhost '/' not allowed"
    ):
        channel.exchange_delete(exchange)


@pytest.mark.checklist(100)
def test_delete_of_the_default_exchange(channel):
    with refused(403, DEFAULT_EXCHANGE):
        channel.exchange_delete("")


@pytest.mark.checklist(101)
def test_delete_if_unused(connection, name):
    exchange = name("x")
    channel = connection.channel()
    channel.exchange_declare(exchange, "direct")
    queue = bound(channel, exchange, "k")
    with refused(406, f"PRECONDITION_FAILED - {text(exchange)} in use"):
        channel.exchange_delete(exchange, if_unused=True)
    channel = connection.channel()
    channel.queue_unbind(queue, exchange, "k")
    channel.exchange_delete(exchange, if_unused=True)
    assert not exchange_exists(connection, exchange)


@pytest.mark.checklist(102)
def test_delete_if_unused_does_not_count_being_a_destination(connection, name):
    source, destination = name("x"), name("y")
    channel = connection.channel()
    for exchange in (source, destination):
        channel.exchange_declare(exchange, "fanout")
    channel.exchange_bind(destination, source)
    channel.exchange_delete(destination, if_unused=True)
    channel.exchange_delete(source, if_unused=True)


@pytest.mark.checklist(103)
def test_publish_to_an_internal_exchange(client, name):
    exchange = name("x")
    client.call(1, "exchange.declare", exchange=exchange, type="fanout", internal=True)
    client.publish(exchange, "", b"m")
    client.expect_close(
        403,
        f"ACCESS_REFUSED - cannot publish to internal {text(exchange)}",
        channel=1,
        at=(60, 40),
    )


@pytest.mark.checklist(103)
def test_publish_to_the_trace_exchange(client):
    client.publish("amq.rabbitmq.trace", "", b"m")
    reply = f"ACCESS_REFUSED - cannot publish to internal {text('amq.rabbitmq.trace')}"
    client.expect_close(403, reply, channel=1, at=(60, 40))


@pytest.mark.checklist(104)
def test_internal_exchange_is_reached_by_binding(channel, name):
    outer, inner = name("outer"), name("inner")
    channel.exchange_declare(outer, "fanout")
    channel.exchange_declare(inner, "fanout", internal=True)
    channel.exchange_bind(inner, outer)
    queue = bound(channel, inner)
    publish(channel, outer, "k", "m")
    method, _, body = get(channel, queue)
    assert (method.exchange, method.routing_key, body) == (outer, "k", b"m")


@pytest.mark.checklist(105)
@pytest.mark.parametrize("mandatory", [True, False])
def test_publish_to_a_missing_exchange(client, mandatory):
    client.publish("missing", "k", b"m", mandatory=mandatory)
    client.expect_close(404, f"NOT_FOUND - no {text('missing')}", channel=1, at=(60, 40))


# Auto-delete


@pytest.mark.checklist(106)
def test_auto_delete_exchange_that_was_never_bound_stays(connect, name):
    exchange = name("x")
    first = connect()
    first.channel().exchange_declare(exchange, "fanout", auto_delete=True)
    first.close()
    assert exchange_exists(connect(), exchange)


@pytest.mark.checklist(107, 109)
def test_auto_delete_goes_with_the_last_binding(connection, channel, name):
    exchange = name("x")
    channel.exchange_declare(exchange, "direct", auto_delete=True)
    queue = bound(channel, exchange, "a", "b", "c")
    for key in "ab":
        channel.queue_unbind(queue, exchange, key)
        assert exchange_exists(connection, exchange)
    channel.queue_unbind(queue, exchange, "c")
    assert not exchange_exists(connection, exchange)


@pytest.mark.checklist(108)
def test_auto_delete_goes_with_the_bound_queue(connection, channel, name):
    exchange = name("x")
    channel.exchange_declare(exchange, "fanout", auto_delete=True)
    channel.queue_delete(bound(channel, exchange))
    assert not exchange_exists(connection, exchange)


@pytest.mark.checklist(108)
def test_auto_delete_goes_with_the_owner_of_the_queue(connect, name):
    exchange, owner = name("x"), connect()
    channel = owner.channel()
    channel.exchange_declare(exchange, "fanout", auto_delete=True)
    bound(channel, exchange)
    owner.close()
    assert not exchange_exists(connect(), exchange)


@pytest.mark.checklist(108, 194)
def test_auto_delete_goes_with_an_auto_deleted_queue(connection, channel, name):
    exchange = name("x")
    channel.exchange_declare(exchange, "fanout", auto_delete=True)
    queue = declare(channel, auto_delete=True)
    channel.queue_bind(queue, exchange)
    channel.basic_cancel(channel.basic_consume(queue, print))
    assert not exchange_exists(connection, exchange)


@pytest.mark.checklist(110)
def test_auto_delete_does_not_count_being_a_destination(connection, channel, name):
    source, destination = name("x"), name("y")
    channel.exchange_declare(source, "fanout")
    channel.exchange_declare(destination, "fanout", auto_delete=True)
    channel.exchange_bind(destination, source)
    channel.exchange_unbind(destination, source)
    assert exchange_exists(connection, destination)


@pytest.mark.checklist(110)
def test_auto_delete_goes_with_its_destination_exchange(connection, channel, name):
    source, destination = name("x"), name("y")
    channel.exchange_declare(source, "fanout", auto_delete=True)
    channel.exchange_declare(destination, "fanout")
    channel.exchange_bind(destination, source)
    channel.exchange_delete(destination)
    assert not exchange_exists(connection, source)


@pytest.mark.checklist(111)
def test_auto_delete_cascades_along_a_loop(connection, channel, name):
    ring = [name(f"x{index}") for index in range(3)]
    for exchange in ring:
        channel.exchange_declare(exchange, "fanout", auto_delete=True)
    for source, destination in zip(ring, ring[1:] + ring[:1], strict=True):
        channel.exchange_bind(destination, source)
    assert all(exchange_exists(connection, exchange) for exchange in ring)
    channel.exchange_unbind(ring[1], ring[0])
    assert not any(exchange_exists(connection, exchange) for exchange in ring)


# Durability of definitions, and what exchanges keep


@pytest.mark.checklist(119)
@pytest.mark.parametrize("durable_queue", [True, False])
@pytest.mark.parametrize("durable_exchange", [True, False])
def test_durable_and_transient_bind_in_all_combinations(
    channel, name, durable_queue, durable_exchange
):
    exchange, queue = name("x"), name("q")
    channel.exchange_declare(exchange, "fanout", durable=durable_exchange)
    channel.queue_declare(queue, durable=durable_queue)
    channel.queue_bind(queue, exchange)
    publish(channel, exchange, "", "m")
    until_ready(channel, queue, 1)


@pytest.mark.checklist(149)
def test_deleted_exchange_takes_its_bindings_along(channel, name):
    upstream, middle, downstream = name("x"), name("y"), name("z")
    for exchange in (upstream, middle, downstream):
        channel.exchange_declare(exchange, "fanout")
    channel.exchange_bind(middle, upstream)
    channel.exchange_bind(downstream, middle)
    beside, below = bound(channel, upstream), bound(channel, downstream)
    channel.exchange_delete(middle)
    channel.exchange_declare(middle, "fanout")
    publish(channel, upstream, "", "m")
    until_ready(channel, beside, 1)
    assert take(channel, below) == []
    publish(channel, downstream, "", "m")
    eventually(lambda: take(channel, below) == [b"m"])
