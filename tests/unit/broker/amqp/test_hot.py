"""What is encoded by hand says the same as the frames that the tests encode."""

import pytest

from broker.amqp import hot
from broker.message import Route
from tests.support import wire
from tests.support.wire import method_frame

ROUTE = Route("x", "key").raw


def test_ids_of_methods():
    for name in ("publish", "return", "deliver", "get-ok", "ack", "reject", "nack"):
        class_id, method_id, _ = wire.METHODS[f"basic.{name}"]
        constant = "BASIC_" + name.upper().replace("-", "_")
        assert getattr(hot, constant) == class_id << 16 | method_id


@pytest.mark.parametrize("redelivered", [False, True])
@pytest.mark.parametrize("tag", [1, 1 << 40])
def test_deliver(tag, redelivered):
    made = hot.deliver_prefix(3, b"ctag", ROUTE) + hot.pack_tag(tag, redelivered) + ROUTE
    assert made + hot.FRAME_END == method_frame(
        3,
        "basic.deliver",
        consumer_tag="ctag",
        delivery_tag=tag,
        redelivered=redelivered,
        exchange="x",
        routing_key="key",
    )


@pytest.mark.parametrize("redelivered", [False, True])
def test_get_ok(redelivered):
    assert hot.get_ok_method(2, 9, redelivered, ROUTE, 70_000) == method_frame(
        2,
        "basic.get-ok",
        delivery_tag=9,
        redelivered=redelivered,
        exchange="x",
        routing_key="key",
        message_count=70_000,
    )


def test_return():
    assert hot.return_method(1, 312, b"NO_ROUTE", ROUTE) == method_frame(
        1, "basic.return", reply_code=312, reply_text="NO_ROUTE", exchange="x", routing_key="key"
    )


@pytest.mark.parametrize("multiple", [False, True])
def test_confirm(multiple):
    ack = method_frame(1, "basic.ack", delivery_tag=5, multiple=multiple)
    assert hot.confirm(1, 5, multiple) == ack


def test_refuse_sets_requeue():
    assert hot.refuse(1, 5) == method_frame(1, "basic.nack", delivery_tag=5, requeue=True)


def test_content_frames():
    payload = b"\0\x3c\0\0" + bytes(10)
    assert hot.header_frame(4, payload) == wire.frame(wire.HEADER, 4, payload)
    assert hot.body_frame_start(4, 3) + b"abc" + hot.FRAME_END == wire.body_frame(4, b"abc")
    assert wire.frame(wire.HEARTBEAT, 0, b"") == hot.HEARTBEAT_FRAME


@pytest.mark.parametrize("as_list", [False, True])
@pytest.mark.parametrize(
    ("size", "frame_max", "pieces"),
    [
        (0, 4096, []),
        (0, 0, []),
        (1, 4096, [1]),
        (4088, 4096, [4088]),
        (4089, 4096, [4088, 1]),
        (9000, 4096, [4088, 4088, 824]),
        (9000, 0, [9000]),
    ],
)
def test_body_frames(size, frame_max, pieces, as_list):
    body = bytes(range(256)) * 40
    body = body[:size]
    chunks = [body[:7], body[7:]] if as_list else body
    made = b"".join(hot.body_frames(1, chunks, frame_max))
    at, expected = 0, b""
    for piece in pieces:
        expected += wire.body_frame(1, body[at : at + piece])
        at += piece
    assert made == expected


def test_short_strings_end_at_255():
    assert hot.short_string(b"x" * 300) == b"\xff" + b"x" * 255
    assert hot.short_string(b"") == b"\0"
