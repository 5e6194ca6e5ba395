"""The end of queues and of what is in them: delete, purge, expiry (196-206)."""

import pytest

from tests.conformance.helpers import (
    Inbox,
    declare,
    exists,
    get,
    publish,
    queue_text,
    ready,
    refused,
    take,
    until_ready,
)
from tests.support.encoding import Table
from tests.support.eventually import eventually, stays
from tests.support.wire import CAPABLE

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
    with refused(406, f"PRECONDITION_FAILED - {queue_text(queue)} not empty"):
        channel.queue_delete(queue, if_empty=True)
    channel = connection.channel()
    get(channel, queue)
    channel.queue_delete(queue, if_empty=True)


@pytest.mark.checklist(198)
def test_delete_if_unused(connection, channel):
    queue = declare(channel)
    tag = channel.basic_consume(queue, print)
    with refused(406, f"PRECONDITION_FAILED - {queue_text(queue)} in use"):
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
    with refused(406, f"PRECONDITION_FAILED - {queue_text(queue)} not empty"):
        connection.channel().queue_delete(queue, if_unused=True, if_empty=True)


@pytest.mark.checklist(199)
@pytest.mark.differs("answers 540")
def test_delete_if_unused_of_a_quorum_queue(connection, name):
    queue, channel = name("q"), connection.channel()
    channel.queue_declare(queue, durable=True, arguments={"x-queue-type": "quorum"})
    publish(channel, "", queue, "m")
    until_ready(channel, queue, 1)
    with refused(406, f"PRECONDITION_FAILED - {queue_text(queue)} not empty"):
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
    client.expect_close(404, f"NOT_FOUND - no {queue_text(short)}", channel=1)


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
