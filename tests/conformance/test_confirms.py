"""Publisher confirms: when, which tags, and never twice (checklist 269-277)."""

import asyncio

import aio_pika
import pytest

from tests.conformance.helpers import declare, refused, take, until_ready
from tests.support.eventually import eventually
from tests.support.wire import publish_frames


@pytest.fixture
def confirming(client):
    """A raw client whose channel 1 confirms."""
    client.call(1, "confirm.select")
    return client


def declared(client, **options):
    return client.call(1, "queue.declare", exclusive=True, **options).arguments["queue"]


class Ledger:
    """Which tags were confirmed, and how."""

    def __init__(self, client):
        self.client = client
        self.acked = []
        self.nacked = []
        self.open = set()

    def publish(self, count):
        start = len(self.acked) + len(self.nacked) + len(self.open)
        self.open |= set(range(start + 1, start + count + 1))

    def wait(self):
        """Take confirms until none is open; every tag must be open when it is confirmed."""
        while self.open:
            confirm = self.client.read_method()
            assert confirm.name in {"basic.ack", "basic.nack"}, confirm
            tag = confirm.arguments["delivery_tag"]
            covered = {tag}
            if confirm.arguments["multiple"]:
                covered = {each for each in self.open if each <= tag}
            assert tag in covered
            assert covered <= self.open, f"confirmed twice: {confirm}"
            self.open -= covered
            (self.acked if confirm.name == "basic.ack" else self.nacked).extend(sorted(covered))


@pytest.mark.checklist(269)
def test_select_twice(client):
    for _ in range(2):
        client.call(1, "confirm.select")


@pytest.mark.checklist(269)
def test_first_tag_is_of_the_first_publish_after_select(client):
    queue = declared(client)
    client.publish("", queue, b"before")
    client.call(1, "confirm.select")
    client.publish("", queue, b"after")
    client.expect("basic.ack", 1, delivery_tag=1)
    client.call(1, "confirm.select")
    client.publish("", queue, b"more")
    client.expect("basic.ack", 1, delivery_tag=2)


@pytest.mark.checklist(269)
def test_sequences_belong_to_channels(wire):
    client = wire(channels=(1, 2))
    for channel in (1, 2):
        client.call(channel, "confirm.select")
        client.publish("", "nowhere", b"m", channel=channel)
        client.expect("basic.ack", channel, delivery_tag=1)


@pytest.mark.checklist(270)
def test_unroutable_is_acked(confirming):
    confirming.publish("amq.direct", "nowhere", b"m")
    confirming.expect("basic.ack", 1, delivery_tag=1, multiple=False)


@pytest.mark.checklist(271)
def test_unroutable_and_mandatory_is_returned_then_acked(confirming):
    for tag in (1, 2):
        confirming.publish("amq.direct", "nowhere", b"m", mandatory=True)
        confirming.expect_content("basic.return", reply_code=312)
        confirming.expect("basic.ack", 1, delivery_tag=tag)


@pytest.mark.checklist(271)
def test_returns_and_acks_in_a_burst(confirming):
    queue = declared(confirming)
    burst = []
    for index in range(20):
        key = queue if index % 2 else "nowhere"
        burst.append(publish_frames(1, "", key, str(index).encode(), mandatory=True))
    confirming.send(*burst)
    returned: list[int] = []
    acked: set[int] = set()
    while len(acked) < 20:
        frame = confirming.read_payload_frame()
        confirming.received[:0] = rebuilt(frame)
        if frame.payload[:4] == b"\x00\x3c\x00\x32":
            returned.append(int(confirming.expect_content("basic.return").body))
            assert returned[-1] + 1 not in acked, "acked before it was returned"
            continue
        arguments = confirming.expect("basic.ack", 1).arguments
        first = 1 if arguments["multiple"] else arguments["delivery_tag"]
        acked |= set(range(first, arguments["delivery_tag"] + 1))
    assert returned == list(range(0, 20, 2))


def rebuilt(frame):
    size = len(frame.payload).to_bytes(4, "big")
    head = bytes([frame.kind]) + frame.channel.to_bytes(2, "big") + size
    return head + frame.payload + b"\xce"


@pytest.mark.checklist(272)
@pytest.mark.parametrize("mode", [1, 2])
@pytest.mark.parametrize("mandatory", [True, False])
def test_every_combination_is_acked_once(confirming, name, mode, mandatory):
    exchange = name("x")
    confirming.call(1, "exchange.declare", exchange=exchange, type="fanout")
    for durable in (True, False):
        queue = name("q")
        confirming.call(1, "queue.declare", queue=queue, durable=durable)
        confirming.call(1, "queue.bind", queue=queue, exchange=exchange)
    ledger = Ledger(confirming)
    ledger.publish(50)
    for _ in range(50):
        confirming.publish(exchange, "", b"m", delivery_mode=mode, mandatory=mandatory)
    ledger.wait()
    assert sorted(ledger.acked) == list(range(1, 51))
    confirming.expect_nothing_more()


@pytest.mark.checklist(276)
def test_mixed_burst_confirms_every_tag_exactly_once(confirming, name):
    durable, transient = name("d"), name("t")
    confirming.call(1, "queue.declare", queue=durable, durable=True)
    confirming.call(1, "queue.declare", queue=transient)
    limited = declared(confirming, arguments={"x-max-length": 0, "x-overflow": "reject-publish"})
    targets = [(durable, 2), (transient, 1), ("nowhere", 1), (limited, 2), (durable, 1)]
    ledger = Ledger(confirming)
    ledger.publish(200)
    confirming.send(
        *(publish_frames(1, "", queue, b"m", delivery_mode=mode) for queue, mode in targets * 40)
    )
    ledger.wait()
    confirming.expect_nothing_more()
    assert sorted(ledger.nacked) == [tag for tag in range(1, 201) if tag % 5 == 4]
    assert len(ledger.acked) == 160


@pytest.mark.checklist(273)
@pytest.mark.parametrize("how", ["deleted", "purged", "expired", "rejected", "acked"])
def test_message_that_is_gone_meanwhile_is_acked(confirming, wire, name, how):
    queue, other = name("q"), wire()
    arguments = {"x-message-ttl": 1} if how == "expired" else {}
    confirming.call(1, "queue.declare", queue=queue, durable=True, arguments=arguments)
    if how in {"rejected", "acked"}:
        other.call(1, "basic.consume", queue=queue)
    ledger = Ledger(confirming)
    ledger.publish(20)
    for _ in range(20):
        confirming.publish("", queue, b"m", delivery_mode=2)
    if how == "deleted":
        other.call(1, "queue.delete", queue=queue)
    elif how == "purged":
        other.call(1, "queue.purge", queue=queue)
    elif how in {"rejected", "acked"}:
        for tag in range(1, 21):
            other.expect_content("basic.deliver")
            if how == "acked":
                other.send_method(1, "basic.ack", delivery_tag=tag)
            else:
                other.send_method(1, "basic.reject", delivery_tag=tag)
    ledger.wait()
    assert ledger.nacked == []


LIMITED = {"x-max-length": 1, "x-overflow": "reject-publish"}


@pytest.mark.checklist(274)
def test_refused_by_a_full_queue_is_nacked(confirming):
    queue = declared(confirming, arguments=LIMITED)
    for tag in (1, 2, 3):
        confirming.publish("", queue, b"m")
        confirming.expect("basic.ack" if tag == 1 else "basic.nack", 1, delivery_tag=tag)
    confirming.call(1, "queue.purge", queue=queue)
    confirming.publish("", queue, b"m")
    confirming.expect("basic.ack", 1, delivery_tag=4)


@pytest.mark.checklist(274)
def test_refused_by_policy_is_nacked_until_the_policy_goes(confirming, admin, name):
    queue, policy = name("q"), name("policy")
    confirming.call(1, "queue.declare", queue=queue)
    definition = {"max-length": 1, "overflow": "reject-publish"}
    body = {"pattern": f"^{queue}$", "definition": definition, "apply-to": "queues"}
    admin.put(f"policies/%2F/{policy}", body)

    def confirmed_with(expected):
        confirming.publish("", queue, b"m")
        return confirming.read_method().name == expected

    eventually(lambda: confirmed_with("basic.nack"))
    admin.delete(f"policies/%2F/{policy}")
    eventually(lambda: confirmed_with("basic.ack"))


@pytest.mark.checklist(275)
def test_one_of_two_queues_refuses(confirming, channel, name):
    exchange = name("x")
    confirming.call(1, "exchange.declare", exchange=exchange, type="fanout")
    full = declared(confirming, arguments=LIMITED)
    confirming.publish("", full, b"filler")
    confirming.expect("basic.ack", 1, delivery_tag=1)
    room = declare(channel)
    confirming.call(1, "queue.bind", queue=full, exchange=exchange)
    channel.queue_bind(room, exchange)
    confirming.publish(exchange, "", b"m")
    confirming.expect("basic.nack", 1, delivery_tag=2)
    until_ready(channel, room, 1)
    assert take(channel, room) == [b"m"]


@pytest.mark.checklist(275)
def test_nack_has_the_requeue_bit(confirming):
    queue = declared(confirming, arguments={"x-max-length": 0, "x-overflow": "reject-publish"})
    confirming.publish("", queue, b"m")
    confirming.expect("basic.nack", 1, delivery_tag=1, requeue=True)


@pytest.mark.checklist(277)
def test_confirm_and_tx_do_not_mix(connection):
    channel = connection.channel()
    channel.tx_select()
    text = "PRECONDITION_FAILED - cannot switch from tx to confirm mode"
    with refused(406, text):
        channel.confirm_delivery()
    channel = connection.channel()
    channel.confirm_delivery()
    with refused(406, "PRECONDITION_FAILED - cannot switch from confirm to tx mode"):
        channel.tx_select()


@pytest.mark.checklist(277)
def test_where_the_mode_switches_are_refused(wire):
    client = wire(channels=(1, 2))
    client.call(1, "tx.select")
    client.send_method(1, "confirm.select")
    client.expect_close(406, channel=1, at=(85, 10))
    client.call(2, "confirm.select")
    client.send_method(2, "tx.select")
    client.expect_close(406, channel=2, at=(90, 10))


@pytest.mark.checklist(272)
async def test_many_confirms_with_aio_pika(target, name):
    async with await aio_pika.connect(target.url) as connection:
        channel = await connection.channel(publisher_confirms=True)
        queue = await channel.declare_queue(name("q"), durable=True)
        message = aio_pika.Message(b"m", delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
        publish = channel.default_exchange.publish
        await asyncio.gather(*(publish(message, queue.name) for _ in range(200)))
        assert (await queue.purge()).message_count == 200
