import pytest

from tests.support.wire import method_frame, publish_frames


@pytest.fixture
def tx(client):
    client.call(1, "tx.select")
    return client


def bodies(queue):
    return [each.message.body for each in queue.ready]


def test_publishes_wait_for_the_commit(tx):
    queue = tx.declare("q")
    for body in (b"1", b"2"):
        tx.publish("", "q", body)
    tx.engine.run()
    assert queue.message_count == 0
    tx.call(1, "tx.commit")
    assert bodies(queue) == [b"1", b"2"]
    tx.call(1, "tx.commit")
    assert queue.message_count == 2


def test_rollback_forgets_them(tx):
    queue = tx.declare("q")
    tx.publish("", "q", b"1")
    tx.call(1, "tx.rollback")
    tx.call(1, "tx.commit")
    assert queue.message_count == 0


def test_settlements_wait_for_the_commit(engine, tx):
    queue = tx.declare("q")
    other = engine.connect()
    for body in (b"1", b"2", b"3"):
        other.publish("", "q", body)
    tx.consume("q")
    tx.deliveries()
    tx.ack(1)
    tx.nack(2)
    tx.send_method(1, "basic.reject", delivery_tag=3)
    assert tx.silent
    assert queue.unacked == 3
    tx.send_method(1, "tx.commit")
    names = tx.names()
    assert sorted(names) == ["basic.deliver", "tx.commit-ok"]
    assert (queue.unacked, queue.message_count, queue.acked) == (1, 0, 1)


def test_a_settled_tag_is_gone_before_the_commit(tx):
    tx.declare("q")
    tx.publish("", "q", b"1")
    tx.call(1, "tx.commit")
    tx.consume("q")
    tx.deliveries()
    tx.ack(1)
    tx.ack(1)
    tx.expect_close(406, "PRECONDITION_FAILED - unknown delivery tag 1", channel=1)


def test_rollback_gives_the_same_tags_back(engine, tx):
    queue = tx.declare("q")
    other = engine.connect()
    for body in (b"1", b"2", b"3"):
        other.publish("", "q", body)
    tx.consume("q", prefetch=3)
    tx.deliveries()
    tx.ack(2)
    tx.nack(1)
    tx.call(1, "tx.rollback")
    assert tx.silent, "no redelivery"
    assert queue.unacked == 3
    tx.ack(1)
    tx.ack(2)
    tx.call(1, "tx.commit")
    assert (queue.unacked, queue.acked) == (1, 2)
    tx.ack(3, multiple=True)
    tx.call(1, "tx.commit")
    assert queue.unacked == 0


def test_prefetch_is_free_again_only_with_the_commit(engine, tx):
    tx.declare("q")
    other = engine.connect()
    for body in (b"1", b"2"):
        other.publish("", "q", body)
    tx.consume("q", prefetch=1)
    assert tx.bodies() == [b"1"]
    tx.ack(1)
    assert tx.silent
    tx.send_method(1, "tx.commit")
    assert sorted(tx.names()) == ["basic.deliver", "tx.commit-ok"]


def test_what_waits_for_the_commit_counts_in_a_shared_limit(engine, tx):
    tx.declare("q")
    other = engine.connect()
    for _ in range(10):
        other.publish("", "q", b"m")
    tx.consume("q", prefetch=3)
    assert len(tx.deliveries()) == 3
    tx.ack(3, multiple=True)
    tx.call(1, "basic.qos", prefetch_count=2, global_=True)
    assert tx.silent
    tx.send_method(1, "tx.commit")
    assert tx.names().count("basic.deliver") == 2


def test_the_end_of_the_channel_is_a_rollback(engine, tx):
    queue = tx.declare("q")
    other = engine.connect()
    for body in (b"1", b"2"):
        other.publish("", "q", body)
    tx.consume("q")
    tx.deliveries()
    tx.ack(1)
    tx.publish("", "q", b"never")
    tx.call(1, "channel.close")
    assert bodies(queue) == [b"1", b"2"]
    assert other.get("q").method.arguments["redelivered"]


def test_commit_ok_waits_for_the_disk(engine, tx):
    tx.declare("q")
    engine.run()
    with engine.disk_held() as disk:
        tx.publish("", "q", b"1", delivery_mode=2)
        tx.send_method(1, "tx.commit")
        assert tx.silent
        disk.write()
        tx.expect("tx.commit-ok")


@pytest.mark.parametrize("how", ["ack", "drop"])
def test_so_does_the_settlement_of_what_is_on_it(engine, tx, how):
    tx.declare("q")
    engine.connect().publish("", "q", b"1", delivery_mode=2)
    engine.run()
    tx.get("q")
    with engine.disk_held() as disk:
        tx.ack(1) if how == "ack" else tx.nack(1, requeue=False)
        tx.send_method(1, "tx.commit")
        assert tx.silent
        disk.write()
        tx.expect("tx.commit-ok")
    engine.crash()
    assert engine.queue("q").message_count == 0


def test_transient_commits_do_not_wait(engine, tx):
    tx.declare("q")
    engine.run()
    with engine.disk_held():
        tx.publish("", "q", b"1")
        tx.call(1, "tx.commit")


def test_returns_come_before_commit_ok(tx):
    tx.publish("", "nowhere", b"m", mandatory=True)
    assert tx.silent
    tx.send_method(1, "tx.commit")
    assert tx.names() == ["basic.return", "tx.commit-ok"]


def test_errors_come_at_once(tx):
    tx.publish("missing", "k", b"m")
    tx.expect_close(404, channel=1)


def test_a_refused_message_makes_it_partial(tx):
    tx.declare("full", {"x-max-length": 0, "x-overflow": "reject-publish"})
    queue = tx.declare("q")
    for key in ("q", "full"):
        tx.publish("", key, b"m")
    tx.send_method(1, "tx.commit")
    tx.expect_close(406, "PRECONDITION_FAILED - partial tx completion", (90, 20), channel=1)
    assert queue.message_count == 1


def test_a_queue_deleted_meanwhile(tx):
    tx.declare("q")
    tx.publish("", "q", b"m", delivery_mode=2)
    tx.call(1, "queue.delete", queue="q")
    tx.call(1, "tx.commit")


def test_all_in_one_read(client):
    queue = client.declare("q")
    client.send(
        method_frame(1, "tx.select"),
        publish_frames(1, "", "q", b"1", delivery_mode=2),
        method_frame(1, "tx.commit"),
        publish_frames(1, "", "q", b"2"),
        method_frame(1, "tx.rollback"),
    )
    assert client.names() == ["tx.select-ok", "tx.commit-ok", "tx.rollback-ok"]
    assert bodies(queue) == [b"1"]
