import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.amqp import errors
from broker.amqp.errors import ProtocolViolation, format_reply_text
from tests.unit.broker.amqp import strategies


def test_name_and_explanation():
    assert format_reply_text("NOT_FOUND", "no queue 'x'") == "NOT_FOUND - no queue 'x'"


def test_no_dash_without_an_explanation():
    assert format_reply_text("INTERNAL_ERROR", "") == "INTERNAL_ERROR"


def test_255_bytes_stay_whole():
    explanation = "x" * (255 - len("NOT_FOUND - "))
    assert format_reply_text("NOT_FOUND", explanation) == f"NOT_FOUND - {explanation}"


def test_256_bytes_become_252_and_dots():
    whole = "NOT_FOUND - " + "x" * 244
    assert format_reply_text("NOT_FOUND", "x" * 244) == whole[:252] + "..."


@pytest.mark.parametrize("shift", range(4))
@pytest.mark.parametrize("character", ["é", "€", "😀"])
def test_the_cut_spares_utf8_sequences(character, shift):
    reply = format_reply_text("N", "x" * shift + character * 200)
    assert reply.endswith(character + "...")
    assert 255 - len(character.encode()) < len(reply.encode()) <= 255


@given(strategies.text(600))
def test_a_reply_text_always_fits(explanation):
    raw = format_reply_text("NOT_FOUND", explanation).encode("utf-8", "surrogateescape")
    whole = b"NOT_FOUND - " + explanation.encode("utf-8", "surrogateescape")
    assert len(raw) <= 255
    assert raw == whole if len(whole) <= 255 and explanation else whole.startswith(raw[:-3])


@given(strategies.utf8(1200))
def test_valid_text_stays_valid(explanation):
    format_reply_text("NOT_FOUND", explanation).encode()


LONG = bytes(range(20))
FIRST_16 = "first 16 octets = <<0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15>>"


@pytest.mark.parametrize(
    ("violation", "code", "name", "text", "method"),
    [
        (
            errors.frame_end(1, b"\x01\x02\x03", 0xCD),
            501,
            "FRAME_ERROR",
            "type 1, all octets = <<1,2,3>>: {invalid_frame_end_marker,205}",
            (0, 0),
        ),
        (
            errors.frame_end(1, LONG, 0),
            501,
            "FRAME_ERROR",
            f"type 1, {FIRST_16}: {{invalid_frame_end_marker,0}}",
            (0, 0),
        ),
        (
            errors.frame_too_large(3, 131073, 131064),
            501,
            "FRAME_ERROR",
            "type 3, all octets = <<>>: {frame_too_large,131073,131064}",
            (0, 0),
        ),
        (
            errors.unknown_frame(9, b"\xff"),
            501,
            "FRAME_ERROR",
            "type 9, all octets = <<255>>: unknown_frame",
            (0, 0),
        ),
        (
            errors.unknown_frame(9, b'a"\n\xc3\xa9'),
            501,
            "FRAME_ERROR",
            r'type 9, all octets = <<"a\"\né">>: unknown_frame',
            (0, 0),
        ),
        (
            errors.unknown_frame(9, b"a\xe9"),
            501,
            "FRAME_ERROR",
            "type 9, all octets = <<97,233>>: unknown_frame",
            (0, 0),
        ),
        (
            errors.heartbeat_on_channel(),
            505,
            "UNEXPECTED_FRAME",
            "type 8, all octets = <<>>",
            (0, 0),
        ),
        (
            errors.content_on_channel_zero(2, b"\x00\x3c"),
            505,
            "UNEXPECTED_FRAME",
            "type 2, all octets = <<0,60>>",
            (0, 0),
        ),
        (
            errors.expected_method(),
            505,
            "UNEXPECTED_FRAME",
            "expected method frame, got non method frame instead",
            (0, 0),
        ),
        (
            errors.expected_header(),
            505,
            "UNEXPECTED_FRAME",
            "expected content header for class 60, got non content header frame instead",
            (60, 40),
        ),
        (
            errors.wrong_header_class(61),
            505,
            "UNEXPECTED_FRAME",
            "expected content header for class 60, got one for class 61 instead",
            (60, 40),
        ),
        (
            errors.expected_body(),
            505,
            "UNEXPECTED_FRAME",
            "expected content body, got non content body frame instead",
            (60, 40),
        ),
        (
            errors.body_exceeds_announced(),
            501,
            "FRAME_ERROR",
            "content body frame exceeds remaining content size",
            (60, 40),
        ),
        (
            errors.body_too_large(536870913, 536870912),
            501,
            "FRAME_ERROR",
            "content body size 536870913 exceeds maximum allowed size 536870912",
            (60, 40),
        ),
        (errors.malformed_properties(), 541, "INTERNAL_ERROR", "", (0, 0)),
        (
            errors.cannot_decode(b"\x00\x07", 0x0032000A),
            501,
            "FRAME_ERROR",
            "cannot decode <<0,7>>",
            (50, 10),
        ),
        (
            errors.cannot_decode_table(0x0032000A),
            501,
            "FRAME_ERROR",
            "cannot decode table",
            (50, 10),
        ),
        (errors.malformed_utf8(), 501, "FRAME_ERROR", "Malformed UTF-8 in shortstr", (0, 0)),
        (
            errors.unimplemented_method(0x003C003C),
            503,
            "COMMAND_INVALID",
            "unimplemented method",
            (60, 60),
        ),
        (
            errors.unexpected_method(0x0032000A),
            504,
            "CHANNEL_ERROR",
            "unexpected method in connection state running",
            (50, 10),
        ),
        (
            errors.channel_not_open(0x00140028),
            504,
            "CHANNEL_ERROR",
            "expected 'channel.open'",
            (20, 40),
        ),
        (
            errors.second_channel_open(),
            504,
            "CHANNEL_ERROR",
            "second 'channel.open' seen",
            (20, 10),
        ),
    ],
)
def test_each_violation_as_the_specification_words_it(violation, code, name, text, method):
    assert isinstance(violation, ProtocolViolation)
    assert (violation.code, violation.name, violation.text) == (code, name, text)
    assert (violation.class_id, violation.method_id) == method


@given(st.binary(max_size=5000))
def test_undecodable_arguments_of_any_length_give_a_short_text(arguments):
    violation = errors.cannot_decode(arguments, 0x0032000A)
    reply = format_reply_text(violation.name, violation.text)
    assert reply.startswith("FRAME_ERROR - cannot decode <<")
    assert len(reply) <= 255
