"""Whether what a broker answered is what AMQP and the reference allow it to say."""

import struct

from tests.support.encoding import Method, decode_method, decode_properties
from tests.support.wire import BODY, FRAME_END, HEADER, HEARTBEAT, METHOD, PROTOCOL_HEADER

CONNECTION_CODES = {
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
    530: "NOT_ALLOWED",
    540: "NOT_IMPLEMENTED",
    541: "INTERNAL_ERROR",
}
CHANNEL_CODES = {code: CONNECTION_CODES[code] for code in (403, 404, 405, 406)}
WITH_CONTENT = {"basic.deliver", "basic.return", "basic.get-ok"}
FROM_SERVER = WITH_CONTENT | {
    "basic.ack",
    "basic.nack",
    "basic.cancel",
    "basic.get-empty",
    "channel.close",
    "connection.close",
    "connection.start",
    "connection.tune",
    "channel.flow",
}


def check(data: bytes, *, whole: bool) -> list[Method]:
    """The methods in all that a server sent; AssertionError for anything undocumented.

    Without `whole` the last frame may be cut: the connection was reset, not ended.
    """
    if data == PROTOCOL_HEADER:
        return []
    methods: list[Method] = []
    # Channel -> octets of body to come, None while the header is.
    contents: dict[int, int | None] = {}
    position = 0
    while position < len(data):
        if len(data) - position < 7 and not whole:
            break
        kind, channel, size = struct.unpack_from(">BHI", data, position)
        end = position + 7 + size
        if end >= len(data) and not whole:
            break
        assert end < len(data), f"cut frame at the end of {data!r}"
        assert data[end] == FRAME_END, f"no frame end at {end} in {data!r}"
        payload = data[position + 7 : end]
        if kind == METHOD:
            methods.append(_method(channel, payload, contents))
        elif kind == HEARTBEAT:
            assert (channel, size) == (0, 0)
        else:
            _content(kind, channel, payload, contents)
        position = end + 1
    return methods


def _method(channel: int, payload: bytes, contents: dict[int, int | None]) -> Method:
    method = decode_method(channel, payload)
    name = method.name
    assert channel not in contents, f"{method} within a content"
    assert name in FROM_SERVER or name.endswith("-ok"), f"{method} from a server"
    assert (channel == 0) == name.startswith("connection."), method
    if name in WITH_CONTENT:
        contents[channel] = None
    elif name == "connection.close":
        _close(method, CONNECTION_CODES)
    elif name == "channel.close":
        _close(method, CHANNEL_CODES)
    return method


def _close(method: Method, codes: dict[int, str]) -> None:
    code, text = method.arguments["reply_code"], method.arguments["reply_text"]
    assert code in codes, f"undocumented code: {method}"
    name = codes[code]
    assert text == name == "INTERNAL_ERROR" or text.startswith(name + " - "), method
    assert len(text.encode("utf-8", "surrogateescape")) <= 255, method


def _content(kind: int, channel: int, payload: bytes, contents: dict[int, int | None]) -> None:
    assert channel in contents, f"frame of type {kind} without a method"
    left = contents[channel]
    if kind == HEADER:
        assert left is None, "two headers"
        left = int(struct.unpack_from(">Q", payload, 4)[0])
        decode_properties(payload[12:])
    else:
        assert kind == BODY, f"frame of type {kind}"
        assert left is not None, "a body before its header"
        left -= len(payload)
    assert left >= 0, "more body than announced"
    contents[channel] = left
    if not left:
        del contents[channel]
