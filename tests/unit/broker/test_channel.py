import pytest

from tests.support.wire import body_frame, header_frame, method_frame, publish_frames

UNKNOWN = "PRECONDITION_FAILED - unknown delivery tag {}"


@pytest.fixture
def loaded(engine):
    """A client that holds ten deliveries, tags 1 to 10, of a queue "q" with nothing else in it."""
    client = engine.connect()
    client.declare("q")
    client.send(*(publish_frames(1, "", "q", b"%d" % number) for number in range(1, 11)))
    client.consume("q", prefetch=10)
    assert len(client.deliveries()) == 10
    return client


def outstanding(client):
    client.engine.run()
    return sorted(client.connection.channels[1].unacked)


# -- settlements


def test_acks(loaded):
    queue = loaded.engine.queue("q")
    loaded.ack(3)
    assert outstanding(loaded) == [1, 2, 4, 5, 6, 7, 8, 9, 10]
    loaded.ack(5, multiple=True)
    assert outstanding(loaded) == [6, 7, 8, 9, 10]
    loaded.send(b"".join(method_frame(1, "basic.ack", delivery_tag=tag) for tag in (7, 8, 9)))
    assert outstanding(loaded) == [6, 10]
    loaded.ack(0, multiple=True)
    assert outstanding(loaded) == []
    loaded.ack(0, multiple=True)
    assert (queue.unacked, queue.acked) == (0, 10)
    assert loaded.silent


@pytest.mark.parametrize(
    ("method", "arguments", "at"),
    [
        ("basic.ack", {"delivery_tag": 11}, (60, 80)),
        ("basic.ack", {"delivery_tag": 0}, (60, 80)),
        ("basic.ack", {"delivery_tag": 1}, (60, 80)),
        ("basic.ack", {"delivery_tag": 11, "multiple": True}, (60, 80)),
        ("basic.ack", {"delivery_tag": 1, "multiple": True}, (60, 80)),
        ("basic.nack", {"delivery_tag": 11}, (60, 120)),
        ("basic.nack", {"delivery_tag": 1, "multiple": True, "requeue": True}, (60, 120)),
        ("basic.nack", {"delivery_tag": 0}, (60, 120)),
        ("basic.reject", {"delivery_tag": 1 << 63}, (60, 90)),
    ],
)
def test_unknown_tags(loaded, method, arguments, at):
    loaded.ack(1)
    loaded.send_method(1, method, **arguments)
    text = UNKNOWN.format(arguments["delivery_tag"])
    loaded.expect_close(406, text, at, channel=1)
    queue = loaded.engine.queue("q")
    assert (queue.unacked, queue.message_count, queue.acked) == (0, 9, 1)


def test_the_acks_before_a_wrong_one_count(loaded):
    loaded.ack(2)
    loaded.send(b"".join(method_frame(1, "basic.ack", delivery_tag=tag) for tag in (1, 2, 3)))
    loaded.expect_close(406, UNKNOWN.format(2), channel=1)
    assert loaded.engine.queue("q").acked == 2


def test_nacks(loaded):
    queue = loaded.engine.queue("q")
    loaded.nack(2, requeue=False)
    loaded.nack(4, multiple=True, requeue=False)
    assert outstanding(loaded) == [5, 6, 7, 8, 9, 10]
    loaded.call(1, "basic.cancel", consumer_tag="c")
    loaded.send_method(1, "basic.reject", delivery_tag=6, requeue=True)
    loaded.send_method(1, "basic.reject", delivery_tag=5)
    loaded.nack(0, multiple=True)
    assert outstanding(loaded) == []
    assert [each.message.body for each in queue.ready] == [b"6", b"7", b"8", b"9", b"10"]


def test_recover(loaded):
    loaded.ack(1)
    loaded.call(1, "basic.recover", requeue=True)
    assert [each.body for each in loaded.deliveries()] == [b"%d" % n for n in range(2, 11)]
    assert outstanding(loaded) == list(range(11, 20))


def test_tags_of_one_channel_mean_nothing_to_another(loaded):
    loaded.call(2, "channel.open")
    loaded.ack(1, channel=2)
    loaded.expect_close(406, UNKNOWN.format(1), channel=2)
    assert len(outstanding(loaded)) == 10


# -- the shared limit


def test_a_limit_for_all_consumers_of_the_channel(loaded):
    loaded.call(1, "basic.qos", prefetch_count=12, global_=True)
    loaded.consume("q", "d", prefetch=None)
    loaded.send(*(publish_frames(1, "", "q", b"m") for _ in range(10)))
    assert len(loaded.deliveries()) == 2
    loaded.ack(5, multiple=True)
    assert len(loaded.deliveries()) == 5
    loaded.call(1, "basic.qos", prefetch_count=13, global_=True)
    assert len(loaded.deliveries()) == 1
    loaded.call(1, "basic.qos", prefetch_count=0, global_=True)
    assert len(loaded.deliveries()) == 2


def test_a_get_before_the_limit_counts_and_one_behind_it_does_not(engine, client):
    client.declare("q")
    client.send(*(publish_frames(1, "", "q", b"m") for _ in range(10)))
    client.get("q")
    client.call(1, "basic.qos", prefetch_count=3, global_=True)
    client.get("q")
    client.consume("q")
    assert len(client.deliveries()) == 2
    client.ack(2)
    assert client.silent
    client.ack(1)
    assert len(client.deliveries()) == 1


# -- the end of a channel


def test_close_gives_everything_back(loaded):
    queue = loaded.engine.queue("q")
    loaded.call(1, "channel.close")
    assert (queue.unacked, queue.consumer_count, queue.message_count) == (0, 0, 10)
    assert [each.message.body for each in queue.ready] == [b"%d" % n for n in range(1, 11)]
    assert all(each.returns for each in queue.ready)
    assert loaded.connection.channels == {}


def test_the_number_can_be_used_again_at_once(loaded):
    loaded.send(method_frame(1, "channel.close"), method_frame(1, "channel.open"))
    loaded.send_method(1, "basic.get", queue="q")
    assert loaded.names() == ["channel.close-ok", "channel.open-ok", "basic.get-ok"]
    assert outstanding(loaded) == [1]


def test_a_content_of_the_new_channel_that_is_not_whole_yet(client):
    queue = client.declare("q")
    publish = method_frame(1, "basic.publish", routing_key="q") + header_frame(1, 4)
    client.send(
        method_frame(1, "channel.close"),
        method_frame(1, "channel.open"),
        publish + body_frame(1, b"ab"),
    )
    client.send(body_frame(1, b"cd"))
    assert client.names() == ["channel.close-ok", "channel.open-ok"]
    assert [each.message.body for each in queue.ready] == [[b"ab", b"cd"]]


def test_pending_confirms_die_with_the_channel(engine, client):
    client.declare("q")
    client.call(1, "confirm.select")
    engine.run()
    with engine.disk_held():
        client.publish("", "q", b"m", delivery_mode=2)
        client.call(1, "channel.close")
    assert client.silent


def test_no_confirm_for_and_behind_a_failed_publish(engine, client):
    client.declare("q")
    client.call(1, "confirm.select")
    client.send(
        publish_frames(1, "missing", "", b"m"),
        publish_frames(1, "", "q", b"m"),
    )
    client.expect_close(404, channel=1)
    assert client.silent
    assert engine.queue("q").message_count == 0


# -- what is ignored while the broker waits for close-ok


@pytest.fixture
def closing(loaded):
    """The broker has closed channel 1 and waits for close-ok."""
    loaded.send_method(1, "queue.declare", queue="missing", passive=True)
    loaded.expect_close(404, channel=1)
    return loaded


@pytest.mark.parametrize(
    "ignored",
    [
        method_frame(1, "basic.ack", delivery_tag=1),
        method_frame(1, "basic.ack", delivery_tag=99, multiple=True),
        method_frame(1, "basic.nack", delivery_tag=99),
        method_frame(1, "queue.declare", queue="never"),
        method_frame(1, "queue.declare", queue="missing", passive=True),
        publish_frames(1, "", "q", b"never" * 5000),
        publish_frames(1, "missing", "q", b"never"),
        header_frame(1, 3) + body_frame(1, b"abc"),
        method_frame(1, "basic.consume", queue="q"),
    ],
)
def test_everything_but_the_end(closing, ignored):
    closing.send(ignored)
    assert closing.silent
    assert "never" not in closing.engine.vhost.queues
    assert closing.engine.queue("q").message_count == 10
    closing.send_method(1, "channel.close-ok")
    closing.call(1, "channel.open")
    assert closing.get("q").body == b"1"


def test_a_content_that_the_error_cut_in_two(client):
    queue = client.declare("q")
    publish = publish_frames(1, "", "q", b"x" * 20_000)
    client.send(method_frame(1, "queue.declare", queue="missing", passive=True), publish[:9000])
    client.expect_close(404, channel=1)
    client.send(publish[9000:], method_frame(1, "channel.close-ok"))
    client.call(1, "channel.open")
    client.publish("", "q", b"m")
    assert client.get("q").body == b"m"
    assert queue.message_count == 0


def test_close_crosses_close(closing):
    closing.send_method(1, "channel.close")
    closing.expect("channel.close-ok", 1)
    closing.send_method(1, "channel.close-ok")
    closing.call(1, "channel.open")


def test_open_before_close_ok(closing):
    closing.send_method(1, "channel.open")
    closing.expect_close(504, "CHANNEL_ERROR - second 'channel.open' seen", (20, 10))


def test_the_number_stays_taken(engine):
    client = engine.connect(channel_max=1)
    client.send_method(1, "queue.declare", queue="missing", passive=True)
    client.expect_close(404, channel=1)
    client.send_method(2, "channel.open")
    client.expect_close(530)


@pytest.mark.parametrize(
    "late",
    [
        method_frame(1, "basic.ack", delivery_tag=1),
        method_frame(1, "basic.ack", delivery_tag=1, multiple=True),
        method_frame(1, "basic.nack", delivery_tag=1),
        method_frame(1, "basic.reject", delivery_tag=1),
    ],
)
def test_late_settlements_on_a_closed_channel_are_ignored(loaded, late):
    loaded.call(1, "channel.close")
    loaded.send(late)
    assert loaded.silent
    loaded.call(1, "channel.open")
    loaded.send(late)
    loaded.expect_close(406, channel=1)


def test_on_a_channel_that_was_never_open_they_are_not(loaded):
    loaded.send_method(2, "basic.ack", delivery_tag=1)
    loaded.expect_close(504, "CHANNEL_ERROR - expected 'channel.open'", (60, 80))


# -- exactly what was last declared


def test_the_last_declared_queue(client):
    client.send_method(1, "basic.get")
    text = "NOT_FOUND - no previously declared queue"
    client.expect_close(404, text, (60, 70), channel=1)
    client.send_method(1, "channel.close-ok")
    client.call(1, "channel.open")
    name = client.declare("").name
    client.publish("", name, b"m")
    assert client.get("").body == b"m"
    client.declare("other")
    assert client.get("") is None
    client.call(1, "queue.declare", queue=name, passive=True)
    client.ack(1)
    client.call(1, "queue.delete")
    assert list(client.engine.vhost.queues) == ["other"]
