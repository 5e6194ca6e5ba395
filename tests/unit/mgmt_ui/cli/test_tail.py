"""What `tail` makes of frames, of the firehose, and of peeking."""

from typing import Any

import pytest

from mgmt_ui.cli.commands.tail import Peek
from mgmt_ui.cli.exits import Failure
from mgmt_ui.cli.output import Row
from mgmt_ui.cli.tail import Reader, of_trace
from tests.support.encoding import encode_method, encode_properties
from tests.support.wire import header_frame


def deliver(tag: int = 7, exchange: str = "x", key: str = "k") -> bytes:
    return encode_method(
        "basic.deliver",
        consumer_tag="tail",
        delivery_tag=tag,
        redelivered=True,
        exchange=exchange,
        routing_key=key,
    )


def header(size: int, **properties: Any) -> bytes:
    return header_frame(1, size, encode_properties(**properties))[7:-1]


def read(*bodies: bytes, most: int = 100, **properties: Any) -> Row:
    rows: list[Row] = []
    reader = Reader(rows.append, most)
    reader.frame(1, deliver())
    reader.frame(2, header(sum(map(len, bodies)), **properties))
    for body in bodies:
        assert not rows
        reader.frame(3, body)
    assert reader.last_tag == 7
    return rows[0]


def test_a_message():
    row = read(b"he", "llö".encode(), content_type="text/plain", headers={"n": 1})
    assert row == {
        "exchange": "x",
        "routing_key": "k",
        "redelivered": True,
        "properties": {"content_type": "text/plain", "headers": {"n": 1}},
        "payload": "hellö",
        "payload_encoding": "string",
        "payload_bytes": 6,
        "truncated": False,
    }


def test_an_empty_one():
    assert (read()["payload"], read()["properties"]) == ("", {})


def test_a_long_one_is_cut_in_memory():
    row = read(b"a" * 60, b"b" * 60, most=70)
    assert (len(row["payload"]), row["payload_bytes"], row["truncated"]) == (70, 120, True)


def test_what_is_no_text_is_base64():
    row = read(b"\xff\x00")
    assert (row["payload"], row["payload_encoding"]) == ("/wA=", "base64")


def test_a_cancel_is_noted():
    reader = Reader(lambda row: None, 0)
    reader.frame(1, encode_method("basic.cancel", consumer_tag="tail", nowait=True))
    assert reader.is_cancelled


def traced(key: str, **facts: Any) -> Row:
    return {
        "routing_key": key,
        "properties": {"headers": {"exchange_name": "x", "routing_keys": ["a"], **facts}},
        "payload": "p",
        "payload_bytes": 1,
        "payload_encoding": "string",
        "truncated": False,
    }


def test_traces():
    told = of_trace(traced("publish.x", routed_queues=["q"], user="ann"))
    assert (told["event"], told["queues"], told["user"]) == ("publish", ["q"], "ann")
    told = of_trace(traced("deliver.a.b", redelivered=1))
    assert (told["event"], told["queue"], told["redelivered"]) == ("deliver", "a.b", True)
    assert (told["exchange"], told["routing_key"], told["payload"]) == ("x", "a", "p")


class Api:
    """A queue that can be peeked into."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.places: list[int] = []

    def get(self, where: str, **query: str) -> Row:
        return {"messages": len(self.places)}

    def call(self, method: str, where: str, *, query: Row, accept: Any) -> tuple[int, Any]:
        rows = [{"place": str(each)} for each in self.places[int(query["offset"]) :]]
        return self.status, rows

    def below(self, *names: str) -> str:
        return "/".join(names)

    @property
    def api(self) -> "Api":
        return self


def test_peeking_shows_what_has_come_since():
    api = Api()
    api.places = [1, 2]
    peek = Peek(api, "q", 10)  # type: ignore[arg-type]
    assert list(peek.look()) == []
    api.places += [3, 4]
    assert [row["place"] for row in peek.look()] == ["3", "4"]
    api.places = [3, 5]  # 3 came back
    assert [row["place"] for row in peek.look()] == ["5"]


def test_who_cannot_peek_says_so():
    with pytest.raises(Failure, match="turn tracing on"):
        list(Peek(Api(404), "q", 10).look())  # type: ignore[arg-type]
