"""Declaring queues, and declaring them again; exclusive and auto-delete ones (165-195)."""

import re

import pytest

from tests.conformance.helpers import (
    Inbox,
    consumers,
    declare,
    exists,
    get,
    inequivalent,
    locked,
    publish,
    ready,
    refused,
    until_ready,
)
from tests.support.eventually import eventually

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
