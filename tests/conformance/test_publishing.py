"""Publishing: returns, bodies of all sizes, properties untouched, refusals (checklist 256-268)."""

import hashlib

import aio_pika
import pika
import pytest
from pika.exceptions import ChannelClosedByBroker

from tests.conformance.helpers import bound, declare, get, publish, refused, take, until_ready
from tests.support.encoding import Typed
from tests.support.eventually import eventually
from tests.support.wire import content_frames, encode_properties, method_frame

MEBIBYTE = 1 << 20


def declared(client):
    return client.call(1, "queue.declare", exclusive=True).arguments["queue"]


@pytest.mark.checklist(256)
def test_mandatory_unroutable_is_returned(client):
    headers = {"CC": ["nowhere-either"], "BCC": ["nor-here"], "k": "v"}
    client.publish(
        "amq.direct", "nowhere", b"body", mandatory=True, headers=headers, message_id="id"
    )
    returned = client.expect_content("basic.return")
    assert returned.method.arguments == {
        "reply_code": 312,
        "reply_text": "NO_ROUTE",
        "exchange": "amq.direct",
        "routing_key": "nowhere",
    }
    assert returned.body == b"body"
    assert set(returned.properties) == {"headers", "message_id"}
    assert set(returned.properties["headers"]) == {"CC", "k"}


@pytest.mark.checklist(260)
def test_mandatory_to_the_empty_key_is_returned(client):
    client.publish("", "", b"", mandatory=True)
    assert client.expect_content("basic.return", exchange="", routing_key="").body == b""


@pytest.mark.checklist(257)
def test_mandatory_routable_is_not_returned(client):
    queue = declared(client)
    client.publish("", queue, b"1", mandatory=True)
    client.publish("", "nowhere", b"2", mandatory=True, headers={"CC": [queue]})
    client.publish("", "nowhere", b"3", mandatory=True, headers={"BCC": [queue]})
    client.expect_nothing_more()
    assert [eventually(lambda: client.get(queue)).body for _ in range(3)] == [b"1", b"2", b"3"]


@pytest.mark.checklist(256)
def test_unroutable_without_mandatory_is_dropped(client):
    client.publish("amq.direct", "nowhere", b"body")
    client.expect_nothing_more()


@pytest.mark.checklist(258)
def test_expired_at_once_is_not_returned(client):
    queue = client.call(
        1, "queue.declare", exclusive=True, arguments={"x-message-ttl": 0}
    ).arguments["queue"]
    client.call(1, "confirm.select")
    client.publish("", queue, b"m", mandatory=True)
    client.expect("basic.ack", 1, delivery_tag=1)
    assert client.get(queue) is None


@pytest.mark.checklist(259)
def test_immediate_is_not_implemented(client):
    client.publish("", declared(client), b"m", immediate=True)
    client.expect_close(540, "NOT_IMPLEMENTED - immediate=true", at=(60, 40))


@pytest.mark.checklist(261)
def test_message_over_the_limit(client):
    size = 16 * MEBIBYTE + 1
    client.publish("", declared(client), bytes(size))
    client.expect_close(
        406,
        f"PRECONDITION_FAILED - message size {size} is larger than "
        f"configured max size {16 * MEBIBYTE}",
        channel=1,
        at=(60, 40),
        timeout=15,
    )


@pytest.mark.checklist(262)
@pytest.mark.parametrize(
    "size", [1, 131063, 131064, 131065, 262128, 3 * MEBIBYTE, 16 * MEBIBYTE], ids=str
)
def test_large_bodies_come_through(channel, size):
    body = (hashlib.sha512(str(size).encode()).digest() * (size // 64 + 1))[:size]
    queues = [declare(channel) for _ in range(2)]
    for queue in queues:
        channel.queue_bind(queue, "amq.direct", queues[0])
    publish(channel, "amq.direct", queues[0], body)
    for queue in queues:
        assert get(channel, queue, auto_ack=True)[2] == body


@pytest.mark.checklist(262)
async def test_large_body_with_aio_pika(target):
    async with await aio_pika.connect(target.url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(exclusive=True)
        body = bytes(range(256)) * 4096
        await channel.default_exchange.publish(aio_pika.Message(body), queue.name)
        message = await queue.get()
        assert message.body == body
        await message.ack()


@pytest.mark.checklist(263)
def test_empty_body_has_no_body_frame(client):
    queue = declared(client)
    client.publish("", queue, b"")
    got = eventually(lambda: client.get(queue))
    assert (got.body, got.bodies) == (b"", [])
    client.expect_nothing_more()


FIELDS = {
    "t": True,
    "b": -5,
    "B": 250,
    "s": -300,
    "u": 65000,
    "I": -70000,
    "i": 4000000000,
    "l": -(2**62),
    "f": 1.5,
    "d": 3.14159,
    "D": (2, 314),
    "S": "strüng",
    "x": b"\0\xff",
    "T": 2**63 + 5,
    "V": None,
}


@pytest.mark.checklist(264)
def test_all_field_types_come_through(client):
    queue = declared(client)
    headers = {tag: Typed(tag, value) for tag, value in FIELDS.items()}
    headers["F"] = Typed("F", dict(headers))
    headers["A"] = Typed("A", list(headers["F"].value.values()))
    properties = {
        "content_type": "text/plain",
        "content_encoding": "utf-8",
        "headers": headers,
        "delivery_mode": 2,
        "priority": 9,
        "correlation_id": "c",
        "reply_to": "r",
        "expiration": "100000",
        "message_id": "m",
        "timestamp": 2**64 - 1,
        "type": "t",
        "user_id": "guest",
        "app_id": "a",
        "cluster_id": "x",
    }
    client.publish("", queue, b"body", **properties)
    assert eventually(lambda: client.get(queue)).properties == properties


@pytest.mark.checklist(264)
def test_header_bytes_come_through_unchanged(client):
    queue = declared(client)
    pairs = [("z", 1), ("a", "x"), ("z", 2), ("", None)]
    raw = encode_properties(headers=pairs, content_type="")
    client.publish("", queue, b"body", headers=pairs, content_type="")
    assert eventually(lambda: client.get(queue)).header[12:] == raw


@pytest.mark.checklist(264)
def test_empty_headers_stay(client):
    queue = declared(client)
    raw = b"\x20\x00\x00\x00\x00\x00"
    client.send(method_frame(1, "basic.publish", routing_key=queue))
    header_and_body = content_frames(1, b"x")
    client.send(header_and_body[:3] + bytes(3) + bytes([12 + len(raw)]) + header_and_body[7:19])
    client.send(raw, header_and_body[21:])
    assert eventually(lambda: client.get(queue)).header[12:] == raw


@pytest.mark.checklist(264)
@pytest.mark.differs("keeps L, which many clients cannot read")
def test_unsigned_long_is_rewritten(client):
    queue = declared(client)
    client.publish("", queue, b"", headers={"k": Typed("L", 5)})
    assert eventually(lambda: client.get(queue)).properties["headers"] == {"k": Typed("l", 5)}


@pytest.mark.checklist(265)
def test_bytes_that_are_not_utf8_come_through(client):
    queue = declared(client)
    key = b"\xff\xfe\0k"
    client.send_method(1, "queue.bind", queue=queue, exchange="amq.topic", routing_key="#")
    client.expect("queue.bind-ok", 1)
    client.publish("amq.topic", key, b"m", correlation_id=b"\xf0\x28", type=b"\x80")
    got = eventually(lambda: client.get(queue))
    assert got.method.arguments["routing_key"].encode(errors="surrogateescape") == key
    assert got.properties["correlation_id"].encode(errors="surrogateescape") == b"\xf0\x28"


@pytest.mark.checklist(265)
def test_key_that_is_not_utf8_to_a_missing_exchange(client):
    client.publish(b"\xff", b"\xff", b"m")
    close = client.read_frame()
    assert b"NOT_FOUND - no exchange '\xff' in vhost '/'" in close.payload


@pytest.mark.checklist(266)
@pytest.mark.differs("answers 406")
@pytest.mark.parametrize("mode", [0, 3, 255])
def test_unknown_delivery_mode_is_transient(client, mode):
    queue = declared(client)
    client.publish("", queue, b"m", delivery_mode=mode)
    assert eventually(lambda: client.get(queue)).properties == {"delivery_mode": mode}


@pytest.mark.checklist(267)
@pytest.mark.parametrize(
    ("expiration", "reason"),
    [
        ("abc", "no_integer"),
        ("", "no_integer"),
        (" 10", "no_integer"),
        ("-1", "{value_negative,-1}"),
        ("10x", '{leftover_string,"x"}'),
        ("1.5", '{leftover_string,".5"}'),
        ("10 ", '{leftover_string," "}'),
        ("315360000001", "{value_too_large,315360000001}"),
    ],
)
def test_bad_expiration(client, expiration, reason):
    client.publish("", "nowhere", b"m", expiration=expiration)
    client.expect_close(
        406,
        f"PRECONDITION_FAILED - invalid expiration '{expiration}': {reason}",
        channel=1,
        at=(60, 40),
    )


@pytest.mark.checklist(267)
@pytest.mark.parametrize("expiration", ["0", "+60000", "0060000", "315360000000"])
def test_good_expiration(channel, expiration):
    queue = declare(channel)
    publish(channel, "", queue, "m", expiration=expiration)
    publish(channel, "", queue, "fence")
    until_ready(channel, queue, 1 if expiration == "0" else 2)
    assert take(channel, queue)[-1] == b"fence"


@pytest.mark.checklist(267)
def test_expiration_stays_on_the_message(channel):
    queue = declare(channel)
    publish(channel, "", queue, "m", expiration="60000")
    assert get(channel, queue)[1].expiration == "60000"


@pytest.mark.checklist(268)
def test_user_id(channel):
    queue = declare(channel)
    publish(channel, "", queue, "m", user_id="guest")
    assert get(channel, queue)[1].user_id == "guest"
    with refused(
        406,
        "PRECONDITION_FAILED - user_id property set to 'other' but authenticated user was 'guest'",
    ):
        publish(channel, "", queue, "m", user_id="other")
        declare(channel)


@pytest.mark.checklist(268)
def test_impersonator_may_set_any_user_id(connect, admin):
    user = admin.user(tags="impersonator")
    admin.permit(user)
    channel = connect(credentials=pika.PlainCredentials(user, user)).channel()
    queue = declare(channel)
    publish(channel, "", queue, "m", user_id="other")
    assert get(channel, queue)[1].user_id == "other"


@pytest.mark.checklist(256)
def test_return_with_pika(channel):
    returned = []
    channel.add_on_return_callback(lambda *arguments: returned.append(arguments))
    channel.confirm_delivery()
    with pytest.raises(pika.exceptions.UnroutableError):
        channel.basic_publish("amq.direct", "nowhere", b"m", mandatory=True)


@pytest.mark.checklist(105)
def test_refused_publish_closes_a_confirming_channel_without_an_answer(client):
    client.call(1, "confirm.select")
    client.publish("missing", "k", b"1")
    client.publish("", "nowhere", b"2")
    client.expect_close(404, channel=1, at=(60, 40))


@pytest.mark.checklist(105)
def test_refused_publish_with_pika(channel):
    channel.confirm_delivery()
    with pytest.raises(ChannelClosedByBroker) as caught:
        channel.basic_publish("missing", "k", b"m")
    assert caught.value.reply_code == 404


@pytest.mark.checklist(262)
def test_one_message_to_many_queues(channel):
    queues = [bound(channel, "amq.fanout") for _ in range(5)]
    body = b"x" * 200000
    publish(channel, "amq.fanout", "", body, message_id="same")
    for queue in queues:
        _, properties, got = get(channel, queue)
        assert (properties.message_id, got) == ("same", body)
