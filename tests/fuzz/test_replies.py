import pytest

from tests.fuzz.replies import check
from tests.fuzz.streams import stream
from tests.support.wire import PROTOCOL_HEADER, content_frames, frame, method_frame

DELIVER = method_frame(1, "basic.deliver", consumer_tag="c", delivery_tag=1)


def close(code: int, text: str, channel: int = 0) -> bytes:
    name = "channel.close" if channel else "connection.close"
    return method_frame(channel, name, reply_code=code, reply_text=text)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        PROTOCOL_HEADER,
        close(501, "FRAME_ERROR - x"),
        close(541, "INTERNAL_ERROR"),
        close(404, "NOT_FOUND - x", channel=1),
        DELIVER + content_frames(1, b"body"),
        DELIVER + content_frames(1, b""),
        frame(8, 0, b""),
    ],
)
def test_documented(data: bytes):
    check(data, whole=True)


@pytest.mark.parametrize(
    "data",
    [
        b"Traceback",
        close(500, "OOPS - x"),
        close(501, "oops"),
        close(501, "FRAME_ERROR - x", channel=1),
        DELIVER + DELIVER,
        content_frames(1, b"body"),
        method_frame(1, "basic.publish"),
        frame(8, 1, b""),
        close(501, "FRAME_ERROR - x")[:-1],
    ],
)
def test_undocumented(data: bytes):
    with pytest.raises((AssertionError, KeyError, Exception)):
        check(data, whole=True)


def test_a_reset_may_cut_the_last_frame():
    data = close(501, "FRAME_ERROR - x")
    for size in range(len(data)):
        check(data[:size], whole=False)


def test_a_seed_is_a_stream():
    assert [stream(n) for n in range(200)] == [stream(n) for n in range(200)]
    assert len({b"".join(stream(n).pieces) for n in range(200)}) > 150
