import pytest

from broker.amqp import content
from broker.message import (
    Message,
    QueuedMessage,
    Routable,
    Route,
    decode_name,
    encode_name,
    headers_of,
)
from tests.support.encoding import encode_properties


def header(**properties):
    return content.parse(b"\0\x3c\0\0" + bytes(8) + encode_properties(**properties))


@pytest.mark.parametrize("raw", [b"", b"q", "é€".encode(), b"\xff\xfe\x80"])
def test_names_survive_the_way_there_and_back(raw):
    assert encode_name(decode_name(raw)) == raw


def test_a_route_as_it_stands_on_the_wire():
    assert Route("x", "kéy").raw == b"\x01x\x04k\xc3\xa9y"
    assert Route("", "").raw == b"\0\0"


def test_persistent():
    route = Route("", "q")
    assert Message(route, header(delivery_mode=2), b"").persistent
    assert not Message(route, header(), b"").persistent


def test_headers():
    assert headers_of(header()) == {}
    assert headers_of(header(headers={})) == {}
    assert headers_of(header(content_type="a", headers={"k": 1})) == {"k": ("I", 1)}


def test_what_an_exchange_sees():
    routable = Routable(["a", "b"], header(headers={"k": "v"}, message_id="m", timestamp=5))
    assert routable.routing_keys == ("a", "b")
    assert routable.headers == {"k": ("S", "v")}
    assert routable.headers is routable.headers
    assert (routable.property("message_id"), routable.property("timestamp")) == ("m", 5)
    assert routable.property("correlation_id") is None


def test_a_message_enters_a_queue_unmarked(client):
    queue = client.declare("q")
    entry = QueuedMessage(Message(Route("", "q"), header(), b""), queue, 7)
    assert (entry.position, entry.deadline, entry.batch, entry.returns) == (7, None, None, 0)
