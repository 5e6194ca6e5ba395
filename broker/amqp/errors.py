"""Violations of the protocol, with the reply code and text that answer them (spec 0.3, 0.4, 2.7).

Here: what a peer can do wrong on the wire, one function for each.  Not here:
refusals of well-formed requests (vhosts/errors.py), and what is done about
either (connection.py).
"""

MAX_REPLY_TEXT = 255
_OCTETS_SHOWN = 16

# Names by reply code: every code that this broker sends (spec 0.4).
REPLY_NAMES = {
    312: "NO_ROUTE",
    320: "CONNECTION_FORCED",
    403: "ACCESS_REFUSED",
    404: "NOT_FOUND",
    405: "RESOURCE_LOCKED",
    406: "PRECONDITION_FAILED",
    501: "FRAME_ERROR",
    502: "SYNTAX_ERROR",
    503: "COMMAND_INVALID",
    504: "CHANNEL_ERROR",
    505: "UNEXPECTED_FRAME",
    506: "RESOURCE_ERROR",
    530: "NOT_ALLOWED",
    540: "NOT_IMPLEMENTED",
    541: "INTERNAL_ERROR",
}

_BASIC, _PUBLISH = 60, 0x003C0028
_ESCAPES = {8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r", 27: "\\e"}
_ESCAPES |= {ord('"'): '\\"', ord("\\"): "\\\\"}


class ProtocolViolation(Exception):
    """What a peer did wrong; `text` is the explanation without `NAME - ` in front.

    `class_id` and `method_id` belong into the close method, 0 and 0 for errors
    of the frame layer.
    """

    def __init__(self, code: int, text: str, method: int = 0) -> None:
        super().__init__(text)
        self.code = code
        self.name = REPLY_NAMES[code]
        self.text = text
        self.class_id = method >> 16
        self.method_id = method & 0xFFFF


def format_reply_text(name: str, explanation: str) -> str:
    """`NAME - explanation` as it fits a short string: at most 255 bytes (spec 0.3)."""
    text = f"{name} - {explanation}" if explanation else name
    raw = text.encode("utf-8", "surrogateescape")
    if len(raw) <= MAX_REPLY_TEXT:
        return text
    end = MAX_REPLY_TEXT - 3
    # Not through a UTF-8 sequence, which has at most three bytes after its first.
    for _ in range(3):
        if raw[end] & 0xC0 == 0x80:
            end -= 1
    return raw[:end].decode("utf-8", "surrogateescape") + "..."


def _octets(payload: bytes) -> str:
    shown = _binary(payload[:_OCTETS_SHOWN])
    which = "all" if len(payload) <= _OCTETS_SHOWN else f"first {_OCTETS_SHOWN}"
    return f"{which} octets = <<{shown}>>"


def _binary(octets: bytes) -> str:
    # As Erlang prints them: text where all of them can be printed, else numbers.
    if octets and all(32 <= each < 127 or each >= 160 or each in _ESCAPES for each in octets):
        try:
            return f'"{octets.decode().translate(_ESCAPES)}"'
        except UnicodeDecodeError:
            pass  # the reply has to be UTF-8
    return ",".join(map(str, octets))


# -- frames --------------------------------------------------------------------------------


def frame_end(kind: int, payload: bytes, octet: int) -> ProtocolViolation:
    return ProtocolViolation(
        501, f"type {kind}, {_octets(payload)}: {{invalid_frame_end_marker,{octet}}}"
    )


def frame_too_large(kind: int, size: int, limit: int) -> ProtocolViolation:
    """`limit` is the largest payload, 8 octets below frame_max."""
    return ProtocolViolation(
        501, f"type {kind}, {_octets(b'')}: {{frame_too_large,{size},{limit}}}"
    )


def unknown_frame(kind: int, payload: bytes) -> ProtocolViolation:
    """An unknown type, a heartbeat with a payload, a method frame without a method."""
    return ProtocolViolation(501, f"type {kind}, {_octets(payload)}: unknown_frame")


def heartbeat_on_channel() -> ProtocolViolation:
    return ProtocolViolation(505, f"type 8, {_octets(b'')}")


def content_on_channel_zero(kind: int, payload: bytes) -> ProtocolViolation:
    return ProtocolViolation(505, f"type {kind}, {_octets(payload)}")


# -- contents ------------------------------------------------------------------------------


def expected_method() -> ProtocolViolation:
    return ProtocolViolation(505, "expected method frame, got non method frame instead")


def expected_header() -> ProtocolViolation:
    return ProtocolViolation(
        505,
        f"expected content header for class {_BASIC}, got non content header frame instead",
        _PUBLISH,
    )


def wrong_header_class(class_id: int) -> ProtocolViolation:
    return ProtocolViolation(
        505,
        f"expected content header for class {_BASIC}, got one for class {class_id} instead",
        _PUBLISH,
    )


def expected_body() -> ProtocolViolation:
    return ProtocolViolation(
        505, "expected content body, got non content body frame instead", _PUBLISH
    )


def body_exceeds_announced() -> ProtocolViolation:
    return ProtocolViolation(501, "content body frame exceeds remaining content size", _PUBLISH)


def body_too_large(size: int, limit: int) -> ProtocolViolation:
    return ProtocolViolation(
        501, f"content body size {size} exceeds maximum allowed size {limit}", _PUBLISH
    )


def malformed_properties() -> ProtocolViolation:
    """A property list that does not fill its content header exactly (spec 1.4)."""
    return ProtocolViolation(541, "")


# -- methods; `method` is the id, class << 16 | method ---------------------------------------


def cannot_decode(arguments: bytes, method: int) -> ProtocolViolation:
    """Arguments that are cut short, or more than there should be."""
    # Twice the reply text's room, which cuts the rest.
    shown = ",".join(map(str, arguments[:MAX_REPLY_TEXT]))
    return ProtocolViolation(501, f"cannot decode <<{shown}>>", method)


def cannot_decode_table(method: int) -> ProtocolViolation:
    """A table among the arguments with an unknown type tag, wrong lengths or too many levels."""
    return ProtocolViolation(501, "cannot decode table", method)


def on_channel_zero(violation: ProtocolViolation, method: int) -> ProtocolViolation:
    """The same mistake in the arguments of a method on channel 0, where RabbitMQ is less exact."""
    if violation.code == 501 and violation.class_id:
        return ProtocolViolation(541, "")
    return ProtocolViolation(violation.code, violation.text, method)


def malformed_utf8() -> ProtocolViolation:
    return ProtocolViolation(501, "Malformed UTF-8 in shortstr")


def unimplemented_method(method: int) -> ProtocolViolation:
    """A method that is unknown, or that no client may send on a channel."""
    return ProtocolViolation(503, "unimplemented method", method)


def unexpected_method(method: int, state: str = "running") -> ProtocolViolation:
    """A method of another class on channel 0, or connection.* at the wrong time."""
    return ProtocolViolation(504, f"unexpected method in connection state {state}", method)


def channel_not_open(method: int) -> ProtocolViolation:
    return ProtocolViolation(504, "expected 'channel.open'", method)


def second_channel_open() -> ProtocolViolation:
    return ProtocolViolation(504, "second 'channel.open' seen", 0x0014000A)
