"""What is done once a turn: deliveries, confirms, one write a connection, one commit for all."""

from broker.amqp.hot import FRAME_END
from broker.queue import Queue
from tests.support.wire import method_frame, publish_frames


def test_output_is_flushed_once_a_turn(engine):
    client = engine.connect()
    client.declare("q")
    client.consume("q")
    client.call(1, "confirm.select")
    before = len(client.wire.writes)
    client.send(*(publish_frames(1, "", "q", b"%d" % number) for number in range(50)))
    client.send_method(1, "basic.qos")
    assert len(client.wire.writes) == before, "nothing before the end of the turn"
    engine.run()
    assert len(client.wire.writes) == before + 1
    assert len(client.read_all()) == 50 + 1 + 1


def test_one_write_to_a_consumer_for_many_publishers(engine):
    consumer = engine.connect()
    consumer.declare("q")
    consumer.consume("q")
    publishers = [engine.connect() for _ in range(5)]
    before = len(consumer.wire.writes)
    for publisher in publishers:
        publisher.publish("", "q", b"m")
    engine.run()
    assert len(consumer.wire.writes) == before + 1
    assert len(consumer.deliveries()) == 5


def test_one_commit_for_many_publishers(engine):
    publishers = [engine.connect() for _ in range(5)]
    publishers[0].declare("q")
    for publisher in publishers:
        publisher.call(1, "confirm.select")
    engine.advance(1)
    before = engine.disk.commits
    for publisher in publishers:
        publisher.publish("", "q", b"m", delivery_mode=2)
    engine.run()
    assert engine.disk.commits == before + 1
    for publisher in publishers:
        publisher.expect("basic.ack", delivery_tag=1)


def test_no_confirm_before_the_commit_and_then_in_one_frame(engine, client):
    client.declare("q")
    client.call(1, "confirm.select")
    engine.run()
    with engine.disk_held() as disk:
        for _ in range(3):
            client.publish("", "q", b"m", delivery_mode=2)
        assert client.silent
        client.publish("", "q", b"later", delivery_mode=2)
        client.publish("", "q", b"transient")
        assert client.silent
        disk.write()
        client.expect("basic.ack", delivery_tag=3, multiple=True)
        assert client.silent
        disk.write()
        client.expect("basic.ack", delivery_tag=5, multiple=True)


def test_a_delivery_does_not_wait_for_the_disk(engine):
    client, consumer = engine.connect(), engine.connect()
    client.declare("q")
    consumer.consume("q")
    engine.run()
    with engine.disk_held():
        client.publish("", "q", b"m", delivery_mode=2)
        assert consumer.bodies() == [b"m"]


def test_a_disk_that_refuses_is_tried_again_and_nothing_is_confirmed(engine, client, caplog):
    client.declare("q")
    client.call(1, "confirm.select")
    engine.run()
    engine.disk.failing_with = OSError("disk full")
    client.publish("", "q", b"m", delivery_mode=2)
    assert client.silent
    engine.advance(2)
    assert client.silent
    engine.disk.failing_with = None
    engine.advance(5)
    client.expect("basic.ack", delivery_tag=1)
    assert "disk full" in caplog.text
    caplog.clear()
    engine.crash()
    assert engine.queue("q").message_count == 1


def test_chains_of_queues_are_worked_off_in_one_turn(engine, client):
    client.declare("last")
    client.declare("q", {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "last"})
    client.publish("", "q", b"m")
    client.consume("last")
    got = client.get("q")
    client.nack(got.method.arguments["delivery_tag"], requeue=False)
    engine.step()
    assert client.wire.writes[-1].endswith(b"m" + FRAME_END)


def fail(*arguments):
    raise RuntimeError("a fault of ours")


def test_a_queue_at_fault_does_not_stop_the_others(engine, monkeypatch, caplog):
    bad, good = engine.connect(), engine.connect()
    for client, queue in ((bad, "bad"), (good, "good")):
        client.declare(queue)
        client.consume(queue)
    assert bad.silent
    deliver = Queue.deliver
    monkeypatch.setattr(Queue, "deliver", lambda q: fail() if q.name == "bad" else deliver(q))
    bad.publish("", "bad", b"m")
    good.publish("", "good", b"m")
    assert good.bodies() == [b"m"]
    assert "queue 'bad' in vhost '/'" in caplog.text
    caplog.clear()


def test_a_socket_at_fault_does_not_stop_the_others(engine, monkeypatch, caplog):
    bad, good = engine.connect(), engine.connect()
    monkeypatch.setattr(bad.wire, "write", fail)
    for client in (bad, good):
        client.send_method(1, "basic.qos")
    good.expect("basic.qos-ok")
    assert "cannot write" in caplog.text
    caplog.clear()


def test_large_outputs_are_written_before_the_turn_ends(engine, client):
    client.declare("q")
    for _ in range(30):
        client.publish("", "q", b"x" * 100_000)
    engine.run()
    before = len(client.wire.writes)
    client.consume("q")
    assert len(client.deliveries()) == 30
    assert max(map(len, client.wire.writes[before:])) < 2_500_000


def test_one_time_for_all_of_a_turn(engine):
    turn = engine.turn
    begin = turn.now()
    engine.stall(5)
    assert turn.now() == begin
    turn.schedule()
    engine.run()
    assert turn.now() == begin + 5000


def test_it_is_scheduled_once(engine):
    for _ in range(3):
        engine.turn.schedule()
    number = engine.turn.number
    engine.run()
    assert engine.turn.number == number + 1


def test_idle_means_idle(engine, client):
    client.declare("q")
    client.publish("", "q", b"m", delivery_mode=2)
    engine.advance(1)
    turns, commits = engine.turn.number, engine.disk.commits
    engine.advance(100)
    assert (engine.turn.number, engine.disk.commits) == (turns, commits)


def test_pipelined_requests_are_answered_in_order(client):
    client.send(
        method_frame(1, "queue.declare", queue="q", durable=True),
        publish_frames(1, "", "q", b"m"),
        method_frame(1, "basic.get", queue="q"),
        method_frame(1, "queue.delete", queue="q"),
        method_frame(1, "basic.qos"),
    )
    assert client.names() == [
        "queue.declare-ok",
        "basic.get-ok",
        "queue.delete-ok",
        "basic.qos-ok",
    ]
