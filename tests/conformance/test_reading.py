"""What cannot be read: which mistake counts where there are several, and what the reply says.

The arguments of a method are read before anything is asked of its channel; their lengths come
before what is in them (spec 1.2, 1.5, 2.7).
"""

import struct

import pytest

from tests.support.encoding import METHODS, Typed, encode_shortstr
from tests.support.wire import (
    HEADER,
    METHOD,
    body_frame,
    encode_method,
    frame,
    header_frame,
    method_frame,
)

PUBLISH = method_frame(1, "basic.publish", routing_key="nowhere")
NOT_UTF8 = b"\xff\xfe"
MALFORMED = "FRAME_ERROR - Malformed UTF-8 in shortstr"
UNREADABLE = "FRAME_ERROR - cannot decode <<*"
CLIENT_METHODS = (
    "channel.open",
    "channel.flow",
    "channel.close",
    "exchange.declare",
    "queue.declare",
    "queue.bind",
    "basic.qos",
    "basic.publish",
    "basic.ack",
    "basic.nack",
    "confirm.select",
)


@pytest.mark.checklist(57, 69)
@pytest.mark.parametrize("method", [*CLIENT_METHODS, "queue.declare-ok", "connection.open"])
@pytest.mark.parametrize("channel", [1, 7], ids=["open", "not-open"])
def test_arguments_are_read_before_the_channel_is_looked_at(client, channel, method):
    at = METHODS[method][:2]
    client.send(frame(METHOD, channel, struct.pack(">HH", *at)))
    client.expect_close(501, "FRAME_ERROR - cannot decode <<>>", at=at)


@pytest.mark.checklist(57)
@pytest.mark.parametrize("method", ["connection.close", "connection.open", "queue.declare"])
def test_arguments_that_do_not_fit_on_channel_zero(client, method):
    client.send(frame(METHOD, 0, encode_method(method) + b"\0"))
    client.expect_close(541, "INTERNAL_ERROR", at=(0, 0))


@pytest.mark.checklist(58)
@pytest.mark.parametrize(
    ("channel", "method", "argument", "at"),
    [
        (0, "connection.close", "reply_text", (10, 50)),
        (0, "queue.declare", "queue", (50, 10)),
        (7, "queue.declare", "queue", (0, 0)),
    ],
)
def test_where_a_name_is_not_utf8(client, channel, method, argument, at):
    client.send_method(channel, method, **{argument: NOT_UTF8})
    client.expect_close(501, MALFORMED, at=at)


@pytest.mark.checklist(57, 58)
@pytest.mark.parametrize("change", ["truncated", "trailing"])
def test_lengths_count_before_names(client, change):
    payload = encode_method("queue.declare", queue=NOT_UTF8)
    client.send(frame(METHOD, 1, {"truncated": payload[:-2], "trailing": payload + b"\0"}[change]))
    client.expect_close(501, UNREADABLE, at=(50, 10))


@pytest.mark.checklist(57)
@pytest.mark.parametrize("length", [2, 9], ids=["less than there is", "more than there is"])
def test_a_table_with_a_wrong_length(client, length):
    table = struct.pack(">I", length) + b"\x01at\x01"
    payload = struct.pack(">HHH", 50, 10, 0) + encode_shortstr("q") + b"\0" + table
    client.send(frame(METHOD, 1, payload))
    shown = ",".join(map(str, payload[4:]))
    client.expect_close(501, f"FRAME_ERROR - cannot decode <<{shown}>>", at=(50, 10))


@pytest.mark.checklist(57)
@pytest.mark.parametrize("change", ["truncated", "trailing", "empty"])
def test_a_publish_is_read_before_its_content_comes(client, change):
    payload = encode_method("basic.publish")
    broken = {"truncated": payload[:-1], "trailing": payload + b"\0", "empty": payload[:4]}
    client.send(frame(METHOD, 1, broken[change]))
    client.expect_close(501, UNREADABLE, at=(60, 40))


@pytest.mark.checklist(48)
@pytest.mark.parametrize("before", [b"", PUBLISH], ids=["alone", "after a publish"])
@pytest.mark.parametrize("length", [0, 1, 11])
@pytest.mark.parametrize("channel", [0, 1])
def test_a_header_frame_too_short_for_a_header(client, channel, length, before):
    octets = (b"\0\x3c" + bytes(9))[:length]
    client.send(before, frame(HEADER, channel, octets))
    shown = ",".join(map(str, octets))
    text = f"FRAME_ERROR - type 2, all octets = <<{shown}>>: unknown_frame"
    client.expect_close(501, text, at=(0, 0))


@pytest.mark.checklist(59)
@pytest.mark.parametrize("length", [12, 13])
def test_a_header_without_its_flags(client, length):
    client.send(PUBLISH, frame(HEADER, 1, (b"\0\x3c" + bytes(12))[:length]))
    client.expect_close(541, "INTERNAL_ERROR", at=(0, 0))


@pytest.mark.checklist(59)
def test_a_header_without_its_flags_is_judged_with_its_body(client):
    client.send(PUBLISH, frame(HEADER, 1, struct.pack(">HHQ", 60, 0, 3)), body_frame(1, b"abc"))
    client.expect_close(541, "INTERNAL_ERROR", at=(0, 0))


@pytest.mark.checklist(59)
@pytest.mark.parametrize("bits", [1, 2, 3])
def test_the_last_bits_of_the_flags_mean_nothing(client, bits):
    client.send(PUBLISH, header_frame(1, 0, struct.pack(">H", bits)))
    client.expect_nothing_more()


@pytest.mark.checklist(48)
@pytest.mark.parametrize(
    ("octets", "shown"),
    [
        (b"hello", '"hello"'),
        (b'a\n"b\\', r'"a\n\"b\\"'),
        (b"\t\r\v\b\f\x1b", r'"\t\r\v\b\f\e"'),
        ("é".encode(), '"é"'),
        (b"a\0", "97,0"),
        (b"a\x7f", "97,127"),
        (b"", ""),
    ],
)
def test_octets_are_shown_as_text_where_they_are_text(client, octets, shown):
    client.send(frame(9, 0, octets))
    client.expect_close(501, f"FRAME_ERROR - type 9, all octets = <<{shown}>>: unknown_frame")


@pytest.mark.checklist(61)
def test_close_ok_of_an_open_channel(client):
    client.send_method(1, "channel.close-ok")
    client.expect_close(503, "COMMAND_INVALID - unimplemented method", at=(20, 41))


@pytest.mark.checklist(37)
def test_access_request_on_channel_zero(client):
    client.send_method(0, "access.request", realm="/data")
    text = "CHANNEL_ERROR - unexpected method in connection state running"
    client.expect_close(504, text, at=(30, 10))


@pytest.mark.checklist(39)
def test_the_socket_is_closed_when_both_have_said_close_ok(client):
    client.call(0, "connection.close", reply_code=200, reply_text="bye")
    client.call(0, "connection.close", reply_code=200, reply_text="bye")
    client.send_method(0, "connection.close-ok")
    client.expect_disconnect(5)


@pytest.mark.checklist(57)
@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Typed("d", 1000.0), "'1.0e3'"),
        (Typed("d", 123456.5), "'123456.5'"),
        (Typed("d", -0.00001), "'-1.0e-5'"),
        (Typed("f", 0.5), "'0.5'"),
        (Typed("V", None), "none"),
        (b"octets", "'octets'"),
        ({"a": 1}, "'[{<<\"a\">>,signedint,1}]'"),
        ([1, "a"], "'[{signedint,1},{longstr,<<\"a\">>}]'"),
        ({}, "'[]'"),
    ],
)
def test_values_in_texts(client, name, value, shown):
    queue = name("q")
    client.call(1, "queue.declare", queue=queue, exclusive=True, arguments={"x-message-ttl": 5})
    again = {"x-message-ttl": value}
    client.send_method(1, "queue.declare", queue=queue, exclusive=True, arguments=again)
    start = f"PRECONDITION_FAILED - inequivalent arg 'x-message-ttl' for queue '{queue}' in "
    client.expect_close(406, f"{start}vhost '/': received {shown} but current is '5'", channel=1)


@pytest.mark.checklist(57)
def test_a_timestamp_is_an_integer_to_a_redeclaration(client, name):
    queue = name("q")
    client.call(1, "queue.declare", queue=queue, exclusive=True, arguments={"x-message-ttl": 5})
    again = {"x-message-ttl": Typed("T", 5)}
    client.call(1, "queue.declare", queue=queue, exclusive=True, arguments=again)


@pytest.mark.checklist(98)
@pytest.mark.parametrize("method", ["basic.get", "basic.consume", "queue.purge"])
def test_line_ends_count_where_a_queue_is_used(client, name, method):
    queue = name("q")
    client.call(1, "queue.declare", queue=f"{queue}\r\n", exclusive=True)
    client.call(1, "queue.declare", queue=f"\n{queue}", passive=True)
    client.send_method(1, method, queue=f"{queue}\n")
    text = f"NOT_FOUND - no queue '{queue}\n' in vhost '/'"
    client.expect_close(404, text, at=METHODS[method][:2], channel=1)


@pytest.mark.checklist(317)
@pytest.mark.parametrize(
    ("queue_type", "arguments", "text"),
    [
        ("classic", {"x-max-age": "x"}, "'x-max-age' for {} of queue type rabbit_classic_queue"),
        ("stream", {"x-max-length": -1}, "'x-max-length' for {} of queue type rabbit_stream_queue"),
        (
            "stream",
            {"x-expires": 5, "x-max-length": 5},
            "'x-expires' for {} of queue type rabbit_stream_queue",
        ),
        (
            "classic",
            {"x-delivery-limit": 1, "x-expires": 0},
            "'x-expires' for {}: {{value_zero,0}}",
        ),
        (
            "classic",
            {"x-message-ttl": -1, "x-expires": 0},
            "'x-expires' for {}: {{value_zero,0}}",
        ),
        (
            "nope",
            {"x-expires": 0},
            "'x-queue-type' for {}: \"unsupported queue type 'nope'\"",
        ),
    ],
)
def test_which_of_several_bad_arguments_counts(client, queue_type, arguments, text):
    arguments = {"x-queue-type": queue_type, **arguments}
    client.send_method(1, "queue.declare", queue="q", durable=True, arguments=arguments)
    text = "PRECONDITION_FAILED - invalid arg " + text.format("queue 'q' in vhost '/'")
    client.expect_close(406, text, at=(50, 10), channel=1)


@pytest.mark.checklist(57)
@pytest.mark.differs("fails with 541")
def test_a_decimal_in_a_redeclaration(client, name):
    queue = name("q")
    client.call(1, "queue.declare", queue=queue, exclusive=True, arguments={"x-message-ttl": 5})
    again = {"x-message-ttl": Typed("D", (1, 50))}
    client.send_method(1, "queue.declare", queue=queue, exclusive=True, arguments=again)
    start = f"PRECONDITION_FAILED - inequivalent arg 'x-message-ttl' for queue '{queue}' in "
    client.expect_close(406, f"{start}vhost '/': received '{{1,50}}' but current is '5'", channel=1)


@pytest.mark.checklist(58)
@pytest.mark.differs("takes surrogates, and what is beyond Unicode")
@pytest.mark.parametrize("octets", [b"\xed\xa0\x80", b"\xf4\x90\x80\x80"])
def test_what_only_looks_like_utf8(client, octets):
    client.send_method(1, "queue.declare", queue=octets, exclusive=True)
    client.expect_close(501, MALFORMED, at=(0, 0))


@pytest.mark.checklist(69)
@pytest.mark.differs("answers 404 where the name of the queue is empty")
@pytest.mark.parametrize("method", ["queue.bind", "queue.purge", "queue.delete", "basic.get"])
def test_no_queue_named_on_a_channel_that_is_not_open(client, method):
    client.send_method(7, method)
    at = METHODS[method][:2]
    client.expect_close(504, "CHANNEL_ERROR - expected 'channel.open'", at=at)


@pytest.mark.checklist(71)
@pytest.mark.differs("505 on the connection")
def test_parts_of_a_content_on_a_channel_that_an_error_has_closed(client):
    client.send_method(1, "queue.declare", queue="nope", passive=True)
    client.expect_close(404, channel=1)
    client.send(body_frame(1, b"m"), header_frame(1, 1), method_frame(1, "channel.close-ok"))
    client.call(1, "channel.open")


@pytest.mark.checklist(17)
@pytest.mark.differs("takes 4096 octets at most before tune-ok")
def test_frames_before_tune_ok_may_have_8192_octets(tcp):
    client = tcp()
    client.login(client_properties={"token": "x" * 8000})


@pytest.mark.checklist(39)
@pytest.mark.differs("answers 504")
def test_a_client_that_closes_before_it_opens(tcp):
    client = tcp()
    client.login()
    client.tune_ok()
    client.call(0, "connection.close", reply_code=200, reply_text="bye")
