"""Frames and contents, whole and broken (checklist 43-61)."""

import struct

import pytest

from tests.support.encoding import METHODS, Table, Typed, encode_shortstr, encode_table
from tests.support.eventually import eventually
from tests.support.wire import (
    BODY,
    HEARTBEAT,
    METHOD,
    Disconnected,
    body_frame,
    encode_method,
    encode_properties,
    frame,
    header_frame,
    method_frame,
    publish_frames,
)

NOT_BODY = "UNEXPECTED_FRAME - expected content body, got non content body frame instead"
NOT_HEADER = (
    "UNEXPECTED_FRAME - expected content header for class 60, got non content header frame instead"
)
NOT_METHOD = "UNEXPECTED_FRAME - expected method frame, got non method frame instead"
PUBLISH = method_frame(1, "basic.publish", routing_key="nowhere")


def declared(client):
    return client.call(1, "queue.declare", exclusive=True).arguments["queue"]


def got(client, queue):
    return eventually(lambda: client.get(queue, no_ack=True))


@pytest.mark.checklist(43)
def test_heartbeat_on_a_channel(client):
    client.send(frame(HEARTBEAT, 1, b""))
    client.expect_close(505, "UNEXPECTED_FRAME - type 8, all octets = <<>>", at=(0, 0))


@pytest.mark.checklist(44)
def test_heartbeat_with_payload(client):
    client.send(frame(HEARTBEAT, 0, b"x"))
    client.expect_close(501, "FRAME_ERROR - type 8, *", at=(0, 0))


@pytest.mark.checklist(45)
def test_wrong_frame_end(client):
    client.send(frame(HEARTBEAT, 0, b"", end=0))
    text = "FRAME_ERROR - type 8, all octets = <<>>: {invalid_frame_end_marker,0}"
    client.expect_close(501, text, at=(0, 0))


@pytest.mark.checklist(46)
def test_frame_of_exactly_frame_max_payload(wire):
    client = wire(frame_max=4096)
    queue = declared(client)
    body = b"x" * 4096
    client.send(
        method_frame(1, "basic.publish", routing_key=queue),
        header_frame(1, len(body)),
        body_frame(1, body),
    )
    assert got(client, queue).bodies == [4088, 8]


@pytest.mark.checklist(47)
def test_oversized_frame_is_refused_at_its_header(wire):
    client = wire(frame_max=4096)
    client.send(struct.pack(">BHI", BODY, 1, 4097))
    text = "FRAME_ERROR - type 3, all octets = <<>>: {frame_too_large,4097,4088}"
    client.expect_close(501, text, at=(0, 0))


@pytest.mark.checklist(48)
@pytest.mark.parametrize("kind", [0, 4, 9, 255])
def test_unknown_frame_type(client, kind):
    client.send(frame(kind, 0, b""))
    client.expect_close(
        501, f"FRAME_ERROR - type {kind}, all octets = <<>>: unknown_frame", at=(0, 0)
    )


@pytest.mark.checklist(48)
def test_unknown_frame_type_on_a_channel(client):
    client.send(frame(4, 1, b"abc"))
    client.expect_close(501, "FRAME_ERROR - type 4, *", at=(0, 0))


@pytest.mark.checklist(48)
@pytest.mark.parametrize("payload", [b"", b"\0", b"\0\x14\0"])
def test_method_frame_without_a_method(client, payload):
    client.send(frame(METHOD, 1, payload))
    client.expect_close(501, "FRAME_ERROR - type 1, *", at=(0, 0))


@pytest.mark.checklist(49)
@pytest.mark.parametrize(
    "instead",
    [
        method_frame(1, "basic.qos"),
        body_frame(1, b"x"),
        header_frame(1, 1, weight=1),
    ],
    ids=["method", "body", "weight"],
)
def test_no_header_after_publish(client, instead):
    client.send(PUBLISH, instead)
    client.expect_close(505, NOT_HEADER, at=(60, 40))


@pytest.mark.checklist(50)
@pytest.mark.parametrize("stray", [header_frame(1, 0), body_frame(1, b"x")], ids=["header", "body"])
def test_content_without_publish(client, stray):
    client.send(stray)
    client.expect_close(505, NOT_METHOD, at=(0, 0))


@pytest.mark.checklist(50)
@pytest.mark.parametrize(
    ("stray", "kind"), [(header_frame(0, 0), 2), (body_frame(0, b"x"), 3)], ids=["header", "body"]
)
def test_content_on_channel_zero(client, stray, kind):
    client.send(stray)
    client.expect_close(505, f"UNEXPECTED_FRAME - type {kind}, all octets = *", at=(0, 0))


@pytest.mark.checklist(51, 53)
@pytest.mark.parametrize(
    "instead",
    [
        method_frame(1, "basic.qos"),
        header_frame(1, 5),
        method_frame(1, "channel.close", reply_code=200),
        PUBLISH,
    ],
    ids=["method", "header", "channel.close", "publish"],
)
def test_no_body_after_header(client, instead):
    client.send(PUBLISH, header_frame(1, 5), instead)
    client.expect_close(505, NOT_BODY, at=(60, 40))


@pytest.mark.checklist(51)
def test_method_in_the_middle_of_a_body(client):
    client.send(PUBLISH, header_frame(1, 5), body_frame(1, b"ab"), method_frame(1, "basic.qos"))
    client.expect_close(505, NOT_BODY, at=(60, 40))


@pytest.mark.checklist(52)
def test_header_of_another_class(client):
    client.send(PUBLISH, header_frame(1, 0, class_id=50))
    client.expect_close(
        505,
        "UNEXPECTED_FRAME - expected content header for class 60, got one for class 50 instead",
        at=(60, 40),
    )


@pytest.mark.checklist(54)
@pytest.mark.differs("tolerates more body than announced")
def test_body_longer_than_announced(client):
    client.send(PUBLISH, header_frame(1, 3), body_frame(1, b"abcd"))
    client.expect_close(
        501, "FRAME_ERROR - content body frame exceeds remaining content size", at=(60, 40)
    )


@pytest.mark.checklist(54)
@pytest.mark.differs("accepts any announced size")
def test_announced_size_over_the_hard_cap(client):
    client.send(PUBLISH, header_frame(1, 536870913))
    client.expect_close(
        501,
        "FRAME_ERROR - content body size 536870913 exceeds maximum allowed size 536870912",
        at=(60, 40),
    )


@pytest.mark.checklist(55)
def test_empty_body_frames_in_between(client):
    queue = declared(client)
    pieces = [b"", b"ab", b"", b"", b"c"]
    client.send(
        method_frame(1, "basic.publish", routing_key=queue),
        header_frame(1, 3),
        *(body_frame(1, piece) for piece in pieces),
    )
    assert got(client, queue).body == b"abc"


@pytest.mark.checklist(56)
def test_contents_interleaved_on_two_channels(wire):
    client = wire(channels=(1, 2))
    queue = declared(client)
    client.send(
        method_frame(1, "basic.publish", routing_key=queue),
        method_frame(2, "basic.publish", routing_key=queue),
        header_frame(2, 4),
        header_frame(1, 6),
        body_frame(1, b"one"),
        body_frame(2, b"TW"),
        body_frame(1, b"one"),
        method_frame(3, "channel.open"),
        body_frame(2, b"WO"),
    )
    client.expect("channel.open-ok", 3)
    assert {got(client, queue).body, got(client, queue).body} == {b"oneone", b"TWWO"}


@pytest.mark.checklist(55)
def test_any_cutting_into_segments(client):
    queue = declared(client)
    stream = publish_frames(1, "", queue, b"body", headers={"k": "v"}) * 3
    for index in range(len(stream)):
        client.send(stream[index : index + 1])
    client.call(1, "basic.qos")
    assert [got(client, queue).body for _ in range(3)] == [b"body"] * 3


@pytest.mark.checklist(57)
@pytest.mark.parametrize("change", ["truncated", "trailing", "empty"])
def test_arguments_that_do_not_fit(client, change):
    payload = encode_method("queue.declare", queue="q")
    broken = {"truncated": payload[:-2], "trailing": payload + b"\0", "empty": payload[:4]}
    client.send(frame(METHOD, 1, broken[change]))
    client.expect_close(501, "FRAME_ERROR - cannot decode *", at=(50, 10))


@pytest.mark.checklist(58)
@pytest.mark.parametrize(
    ("method", "argument"),
    [
        ("queue.declare", "queue"),
        ("exchange.declare", "exchange"),
        ("queue.bind", "queue"),
        ("basic.consume", "consumer_tag"),
    ],
)
def test_name_that_is_not_utf8(client, method, argument):
    client.send_method(1, method, **{argument: b"\xff\xfe"})
    client.expect_close(501, "FRAME_ERROR - Malformed UTF-8 in shortstr", at=(0, 0))


@pytest.mark.checklist(59)
@pytest.mark.parametrize(
    "properties",
    [
        b"\x80\x00",
        b"\x00\x00trailing",
        b"\x80\x00\x10short",
        encode_properties(content_type="a") + b"\0",
        b"\x20\x00\x00\x00\x00\x09\x01kZ",
    ],
    ids=["missing", "left over", "short string", "one more", "unknown field type"],
)
def test_properties_that_do_not_fit_their_flags(client, properties):
    client.send(method_frame(1, "basic.publish", exchange="amq.fanout"))
    client.send(header_frame(1, 0, properties))
    client.expect_close(541, "INTERNAL_ERROR")


@pytest.mark.checklist(59)
def test_missing_exchange_wins_over_broken_properties(client):
    client.send(method_frame(1, "basic.publish", exchange="nope"))
    client.send(header_frame(1, 0, b"\x80\x00"))
    text = "NOT_FOUND - no exchange 'nope' in vhost '/'"
    client.expect_close(404, text, at=(60, 40), channel=1)


@pytest.mark.checklist(60)
@pytest.mark.parametrize("ids", [(50, 99), (77, 10), (0, 0), (60, 65535)])
def test_unknown_method_ends_the_connection(client, ids):
    client.send(frame(METHOD, 1, struct.pack(">HH", *ids)))
    try:
        client.expect_close(503)
    except Disconnected:
        return  # RabbitMQ only resets the connection


@pytest.mark.checklist(60)
@pytest.mark.differs("resets the connection and says nothing")
@pytest.mark.parametrize("ids", [(50, 99), (77, 10)])
def test_unknown_method_is_503(client, ids):
    client.send(frame(METHOD, 1, struct.pack(">HH", *ids)))
    client.expect_close(503, "COMMAND_INVALID - unimplemented method", at=ids)


@pytest.mark.checklist(57)
@pytest.mark.differs("resets the connection and says nothing")
def test_unknown_field_type_in_arguments(client):
    client.send_method(1, "queue.declare", queue="q", arguments={"k": Typed("Z", b"\0")})
    client.expect_close(501, "FRAME_ERROR - cannot decode table", at=(50, 10))


@pytest.mark.checklist(57)
@pytest.mark.differs("nests without a limit")
def test_nesting_is_bounded(client):
    table: Table = {}
    for _ in range(65):
        table = {"k": table}
    client.send_method(1, "queue.declare", queue="q", arguments=table)
    client.expect_close(501, at=(50, 10))


@pytest.mark.checklist(61)
@pytest.mark.parametrize(
    "method",
    [
        "basic.get-empty",
        "basic.qos-ok",
        "basic.consume-ok",
        "queue.declare-ok",
        "channel.open-ok",
        "channel.flow-ok",
        "connection.close",
        "connection.start-ok",
        "confirm.select-ok",
        "tx.select-ok",
    ],
)
def test_method_that_is_not_for_channels_of_a_client(client, method):
    client.send_method(1, method)
    at = METHODS[method][:2]
    client.expect_close(503, "COMMAND_INVALID - unimplemented method", at=at)


@pytest.mark.checklist(61)
@pytest.mark.differs("takes the following frames for its content")
@pytest.mark.parametrize("method", ["basic.deliver", "basic.return", "basic.get-ok"])
def test_content_method_of_a_server(client, method):
    client.send_method(1, method)
    at = METHODS[method][:2]
    client.expect_close(503, "COMMAND_INVALID - unimplemented method", at=at)


@pytest.mark.checklist(61)
@pytest.mark.differs("refuses it with 503")
def test_cancel_ok_of_a_client_is_accepted(client):
    client.send_method(1, "basic.cancel-ok", consumer_tag="x")
    client.expect_nothing_more()


@pytest.mark.checklist(57)
def test_duplicate_keys_and_unused_bits(client, name):
    queue = name("q")
    arguments = [("x-message-ttl", 1000), ("x-message-ttl", 2000)]
    bits = bytes([0b11100100])  # exclusive, and three bits that mean nothing
    payload = struct.pack(">HHH", 50, 10, 0) + encode_shortstr(queue) + bits
    client.send(frame(METHOD, 1, payload + encode_table(arguments)))
    client.expect("queue.declare-ok", 1)
    client.call(1, "queue.declare", queue=queue, exclusive=True, arguments={"x-message-ttl": 1000})
