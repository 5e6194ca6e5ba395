import pytest

from tests.support.encoding import Typed
from tests.support.wire import publish_frames

NO_QUEUE = "NOT_FOUND - no queue 'missing' in vhost '/'"
PSEUDO = "amq.rabbitmq.reply-to"


@pytest.mark.parametrize(
    ("method", "at"),
    [("basic.consume", (60, 20)), ("basic.get", (60, 70)), ("queue.purge", (50, 30))],
)
def test_a_queue_that_is_not_there(client, method, at):
    client.send_method(1, method, queue="missing")
    client.expect_close(404, NO_QUEUE, at, channel=1)


@pytest.mark.parametrize("method", ["basic.consume", "basic.get", "queue.purge"])
def test_without_permission_to_read(engine, client, method):
    client.declare("q")
    engine.vhosts.permissions.set("guest", "/", ".*", ".*", "^other$")
    client.send_method(1, method, queue="q")
    client.expect_close(403, "ACCESS_REFUSED - *", channel=1)


# -- qos


def test_prefetch_is_for_consumers_to_come(client):
    client.declare("q")
    client.consume("q", "a", prefetch=2)
    client.consume("q", "b", prefetch=1)
    client.send(*(publish_frames(1, "", "q", b"m") for _ in range(6)))
    tags = [each.method.arguments["consumer_tag"] for each in client.deliveries()]
    assert sorted(tags) == ["a", "a", "b"]


def test_qos_without_global_removes_the_shared_limit(client):
    client.declare("q")
    client.call(1, "basic.qos", prefetch_count=1, global_=True)
    client.consume("q")
    client.send(*(publish_frames(1, "", "q", b"m") for _ in range(4)))
    assert len(client.deliveries()) == 1
    client.call(1, "basic.qos", prefetch_count=5)
    assert len(client.deliveries()) == 3


def test_prefetch_in_octets_is_refused(client):
    client.send_method(1, "basic.qos", prefetch_size=5)
    client.expect_close(540, "NOT_IMPLEMENTED - prefetch_size!=0 (5)", (60, 10))


# -- consume and cancel


def test_a_tag_of_the_brokers_making(client):
    client.declare("q")
    tags = [client.call(1, "basic.consume", queue="q").arguments["consumer_tag"] for _ in range(2)]
    assert len(set(tags)) == 2
    assert all(tag.startswith("amq.ctag-") and len(tag) == 31 for tag in tags)


def test_a_tag_that_is_taken(client):
    client.declare("q")
    client.consume("q", "c")
    client.send_method(1, "basic.consume", queue="q", consumer_tag="c")
    client.expect_close(530, "NOT_ALLOWED - attempt to reuse consumer tag 'c'", (60, 20))


def test_a_tag_can_be_used_again_and_on_other_channels(client):
    client.declare("q")
    client.call(2, "channel.open")
    client.consume("q", "c")
    client.consume("q", "c", channel=2)
    client.call(1, "basic.cancel", consumer_tag="c")
    client.consume("q", "c")


def test_consume_without_waiting(client):
    client.declare("q")
    client.publish("", "q", b"m")
    client.send_method(1, "basic.consume", queue="q", consumer_tag="c", nowait=True)
    assert client.bodies() == [b"m"]
    client.send_method(1, "basic.cancel", consumer_tag="c", nowait=True)
    client.publish("", "q", b"m")
    assert client.silent


def test_bad_arguments(client):
    client.declare("q")
    client.send_method(1, "basic.consume", queue="q", arguments={"x-priority": "high"})
    client.expect_close(
        406, "PRECONDITION_FAILED - invalid arg 'x-priority' for queue 'q'*", channel=1
    )


@pytest.mark.parametrize("priority", [Typed("b", -5), Typed("l", 1 << 40)])
def test_any_integer_is_a_priority(client, priority):
    client.declare("q")
    client.consume("q", arguments={"x-priority": priority})


def test_cancel_of_an_unknown_tag_is_fine(client):
    ok = client.call(1, "basic.cancel", consumer_tag="unknown")
    assert ok.arguments["consumer_tag"] == "unknown"


def test_cancel_ok_of_a_client_is_taken_in_silence(client):
    client.send_method(1, "basic.cancel-ok", consumer_tag="c")
    assert client.silent


# -- get


def test_get(client):
    client.declare("q")
    assert client.get("q") is None
    client.send(publish_frames(1, "", "q", b"1"), publish_frames(1, "", "q", b"2", priority=1))
    got = client.get("q")
    assert got.method.arguments == {
        "delivery_tag": 1,
        "redelivered": False,
        "exchange": "",
        "routing_key": "q",
        "message_count": 1,
    }
    got = client.get("q", no_ack=True)
    assert (got.body, got.properties) == (b"2", {"priority": 1})
    assert sorted(client.connection.channels[1].unacked) == [1]


def test_get_of_a_long_body(engine):
    client = engine.connect(frame_max=4096)
    client.declare("q")
    client.publish("", "q", b"x" * 10_000, frame_max=4096)
    assert client.get("q").bodies == [4088, 4088, 1824]


def test_a_get_is_not_forgotten_by_a_crash(engine, client):
    client.declare("q")
    client.publish("", "q", b"m", delivery_mode=2)
    engine.run()
    with engine.disk_held() as disk:
        client.send_method(1, "basic.get", queue="q")
        assert client.silent
        disk.write()
        client.expect_content("basic.get-ok", redelivered=False)
    engine.crash()
    assert engine.connect().get("q").method.arguments["redelivered"]


def test_a_get_with_no_ack_settles(engine, client):
    queue = client.declare("q")
    client.publish("", "q", b"m", delivery_mode=2)
    client.get("q", no_ack=True)
    assert (queue.unacked, queue.message_count) == (0, 0)
    engine.restart()
    assert engine.queue("q").message_count == 0


# -- recover


@pytest.mark.parametrize(
    ("method", "at"), [("basic.recover", (60, 110)), ("basic.recover-async", (60, 100))]
)
def test_recover_without_requeue_is_refused(client, method, at):
    client.send_method(1, method)
    client.expect_close(540, "NOT_IMPLEMENTED - requeue=false", at)


def test_recover_async_has_no_reply(client):
    client.declare("q")
    client.publish("", "q", b"m")
    client.get("q")
    client.send_method(1, "basic.recover-async", requeue=True)
    assert client.silent
    assert client.get("q").method.arguments["redelivered"]


# -- the pseudo queue of direct reply-to


def test_reply_consumers_acknowledge_nothing(client):
    client.send_method(1, "basic.consume", queue=PSEUDO)
    text = "PRECONDITION_FAILED - reply consumer cannot acknowledge"
    client.expect_close(406, text, (60, 20), channel=1)


def test_one_reply_consumer_a_channel(client):
    client.consume(PSEUDO, "a", no_ack=True)
    client.send_method(1, "basic.consume", queue=PSEUDO, consumer_tag="b", no_ack=True)
    client.expect_close(406, "PRECONDITION_FAILED - reply consumer already set", channel=1)


def test_it_may_be_set_again(client):
    client.consume(PSEUDO, "a", no_ack=True)
    client.call(1, "basic.cancel", consumer_tag="a")
    client.consume(PSEUDO, "a", no_ack=True)


def test_its_tag_is_taken(client):
    client.declare("q")
    client.consume(PSEUDO, "a", no_ack=True)
    client.send_method(1, "basic.consume", queue="q", consumer_tag="a")
    client.expect_close(530)
