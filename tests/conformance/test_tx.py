"""Transactions (checklist 278-288)."""

import pytest

from tests.conformance.helpers import declare, get, publish, ready, refused, take, until_ready
from tests.support.eventually import eventually

NOT_TRANSACTIONAL = "PRECONDITION_FAILED - channel is not transactional"


@pytest.fixture
def tx(connection):
    """A channel in a transaction."""
    channel = connection.channel()
    channel.tx_select()
    return channel


@pytest.mark.checklist(278)
def test_messages_are_visible_after_commit(tx, channel):
    queue = declare(channel)
    publish(tx, "", queue, "1", "2")
    assert ready(tx, queue) == 0
    tx.tx_commit()
    assert ready(channel, queue) == 2
    assert take(channel, queue) == [b"1", b"2"]


@pytest.mark.checklist(279)
def test_rollback_discards_publishes(tx, channel):
    queue = declare(channel)
    publish(tx, "", queue, "gone")
    tx.tx_rollback()
    publish(tx, "", queue, "kept")
    tx.tx_commit()
    assert take(channel, queue) == [b"kept"]


@pytest.mark.checklist(279)
def test_channel_close_discards_publishes(tx, channel):
    queue = declare(channel)
    publish(tx, "", queue, "gone")
    tx.close()
    assert take(channel, queue) == []


@pytest.mark.checklist(280)
def test_rollback_brings_back_the_same_tags(tx, channel):
    queue = declare(channel)
    publish(channel, "", queue, "1", "2")
    tags = [get(tx, queue)[0].delivery_tag for _ in range(2)]
    for tag in tags:
        tx.basic_ack(tag)
    tx.tx_rollback()
    assert ready(channel, queue) == 0
    for tag in tags:
        tx.basic_ack(tag)
    tx.tx_commit()
    tx.close()
    assert ready(channel, queue) == 0


@pytest.mark.checklist(280)
def test_uncommitted_ack_cannot_be_repeated(tx, channel):
    queue = declare(channel)
    publish(channel, "", queue, "1")
    tag = get(tx, queue)[0].delivery_tag
    tx.basic_ack(tag)
    with refused(406, f"PRECONDITION_FAILED - unknown delivery tag {tag}"):
        tx.basic_ack(tag)
        ready(tx, queue)


@pytest.mark.checklist(281)
@pytest.mark.parametrize("settle", ["basic_nack", "basic_reject"])
def test_requeue_is_applied_at_commit(tx, channel, settle):
    queue = declare(channel)
    publish(channel, "", queue, "1")
    getattr(tx, settle)(get(tx, queue)[0].delivery_tag)
    assert ready(tx, queue) == 0
    tx.tx_commit()
    until_ready(channel, queue, 1)
    assert get(channel, queue)[0].redelivered


@pytest.mark.checklist(282)
def test_uncommitted_acks_come_back_when_the_channel_closes(tx, channel):
    queue = declare(channel)
    publish(channel, "", queue, "1", "2")
    for _ in range(2):
        tx.basic_ack(get(tx, queue)[0].delivery_tag)
    tx.close()
    until_ready(channel, queue, 2)
    method, _, body = get(channel, queue)
    assert (method.redelivered, body) == (True, b"1")


@pytest.mark.checklist(278)
def test_committed_acks_stay(tx, channel):
    queue = declare(channel)
    publish(channel, "", queue, "1", "2", "3")
    until_ready(channel, queue, 3)
    for _ in range(2):
        get(tx, queue)
    tx.basic_ack(2, multiple=True)
    tx.tx_commit()
    tx.close()
    assert take(channel, queue) == [b"3"]


@pytest.mark.checklist(283)
def test_return_comes_at_commit_before_commit_ok(client):
    client.call(1, "tx.select")
    client.publish("amq.direct", "nowhere", b"m", mandatory=True)
    client.call(1, "basic.qos")
    client.send_method(1, "tx.commit")
    assert client.expect_content("basic.return", reply_code=312).body == b"m"
    client.expect("tx.commit-ok", 1)


@pytest.mark.checklist(283)
def test_no_return_after_rollback(client):
    client.call(1, "tx.select")
    client.publish("amq.direct", "nowhere", b"m", mandatory=True)
    client.call(1, "tx.rollback")
    client.call(1, "tx.commit")


@pytest.mark.checklist(284)
def test_publish_to_a_missing_exchange_fails_at_once(client):
    client.call(1, "tx.select")
    client.publish("missing", "k", b"m")
    client.expect_close(
        404, "NOT_FOUND - no exchange 'missing' in vhost '/'", channel=1, at=(60, 40)
    )


@pytest.mark.checklist(285)
def test_commit_with_a_refused_publish(client):
    queue = client.call(
        1,
        "queue.declare",
        exclusive=True,
        arguments={"x-max-length": 0, "x-overflow": "reject-publish"},
    ).arguments["queue"]
    client.call(1, "tx.select")
    client.publish("", queue, b"m")
    client.send_method(1, "tx.commit")
    text = "PRECONDITION_FAILED - partial tx completion"
    client.expect_close(406, text, channel=1, at=(90, 20))


@pytest.mark.checklist(286)
def test_commit_after_the_queue_was_deleted(tx, channel):
    queue = declare(channel)
    publish(tx, "", queue, "m")
    tx.basic_qos()
    channel.queue_delete(queue)
    tx.tx_commit()


@pytest.mark.checklist(278)
def test_routing_happens_at_publish(tx, channel):
    queue = declare(channel)
    publish(tx, "amq.direct", queue, "too early")
    tx.basic_qos()
    channel.queue_bind(queue, "amq.direct", queue)
    tx.tx_commit()
    assert take(channel, queue) == []


@pytest.mark.checklist(287)
@pytest.mark.parametrize(("method", "at"), [("tx.commit", (90, 20)), ("tx.rollback", (90, 30))])
def test_end_without_begin(client, method, at):
    client.send_method(1, method)
    client.expect_close(406, NOT_TRANSACTIONAL, channel=1, at=at)


@pytest.mark.checklist(287)
def test_select_twice_and_empty_commits(tx):
    tx.tx_select()
    tx.tx_commit()
    tx.tx_rollback()


@pytest.mark.checklist(288)
def test_commit_over_several_queues(tx, channel):
    queues = [declare(channel) for _ in range(5)]
    for queue in queues:
        publish(tx, "", queue, queue, queue, delivery_mode=2)
    tx.tx_commit()
    for queue in queues:
        assert take(channel, queue) == [queue.encode()] * 2


@pytest.mark.checklist(288)
def test_commit_of_persistent_messages(tx, channel, name):
    queue = name("q")
    channel.queue_declare(queue, durable=True)
    publish(tx, "", queue, *"123", delivery_mode=2)
    tx.tx_commit()
    eventually(lambda: take(channel, queue) == [b"1", b"2", b"3"])
