"""What the server does of itself after seconds: drops, delays, heartbeats (checklist 4-24, 41-45).

They are the same on every broker and cannot be made shorter, so these tests wait side by side.
"""

import time

import pytest

from tests.conformance.test_handshake import REFUSED_TUNES
from tests.support.encoding import encode_table_entries
from tests.support.wire import (
    HEARTBEAT,
    PROTOCOL_HEADER,
    Disconnected,
    WireClient,
    frame,
)

pytestmark = pytest.mark.real_time


def ends(client: WireClient, within: float = 10.0) -> float:
    """Wait for the end of the connection, with or without a connection.close; the seconds taken."""
    begin = time.monotonic()
    try:
        while True:
            client.read_frame(within - (time.monotonic() - begin))
    except Disconnected:
        return time.monotonic() - begin


@pytest.mark.checklist(4)
@pytest.mark.parametrize("said", ["nothing", "half a header", "start-ok"])
def test_unfinished_handshake_is_dropped_after_ten_seconds(target, said):
    with WireClient(target.amqp) as client:
        if said == "half a header":
            client.send(PROTOCOL_HEADER[:4])
        elif said == "start-ok":
            client.login()
        assert 8 < ends(client, within=16) < 15


@pytest.mark.checklist(10)
@pytest.mark.parametrize("properties", [{}, {"capabilities": {}}], ids=["none", "empty"])
def test_refused_login_without_the_capability_is_silent(target, properties):
    with WireClient(target.amqp) as client:
        client.start()
        client.send_start_ok(password="wrong", client_properties=properties)
        begin = time.monotonic()
        client.expect_disconnect(timeout=10)
        assert 2 < time.monotonic() - begin < 9


@pytest.mark.checklist(12, 13, 14)
@pytest.mark.parametrize(
    ("mechanism", "response"),
    [
        ("FOO", b"\0guest\0guest"),
        ("plain", b"\0guest\0guest"),
        ("amqplain", encode_table_entries({"LOGIN": "guest", "PASSWORD": "guest"})),
        ("PLAIN", b"x\0guest\0guest"),
        ("PLAIN", b"guest"),
        ("PLAIN", b""),
        ("AMQPLAIN", encode_table_entries({"LOGIN": "guest"})),
        ("AMQPLAIN", encode_table_entries({"PASSWORD": "guest"})),
        ("AMQPLAIN", b"\x05LOG"),
    ],
    ids=[
        "unknown",
        "plain",
        "amqplain",
        "authzid",
        "no-nul",
        "empty",
        "no-password",
        "no-login",
        "malformed",
    ],
)
def test_malformed_login_ends_the_connection(target, mechanism, response):
    with WireClient(target.amqp) as client:
        client.start()
        client.send_start_ok(mechanism=mechanism, response=response)
        assert ends(client) < 9


@pytest.mark.checklist(17)
def test_oversized_start_ok_ends_the_connection(target):
    with WireClient(target.amqp) as client:
        client.start()
        client.send_start_ok(client_properties={"information": "x" * 20000})
        assert ends(client) < 9


@pytest.mark.checklist(19, 20, 22, 23, 24)
@pytest.mark.parametrize(("channel_max", "frame_max", "text"), REFUSED_TUNES)
def test_refused_tune_ends_the_connection(target, channel_max, frame_max, text):
    with WireClient(target.amqp) as client:
        client.login()
        client.tune_ok(channel_max, frame_max)
        client.send_method(0, "connection.open", virtual_host="/")
        assert ends(client) < 9


@pytest.mark.checklist(45)
def test_server_waits_for_close_ok_no_longer_than_its_grace(target):
    with WireClient(target.amqp) as client:
        client.connect()
        client.send(b"\x08\x00\x00\x00\x00\x00\x00\x00")
        client.expect_close(501, at=(0, 0))
        assert ends(client) < 9


@pytest.mark.checklist(41)
def test_silent_client_is_dropped_after_missed_heartbeats(target):
    with WireClient(target.amqp) as client:
        client.connect(heartbeat=2)
        begin, beats = time.monotonic(), []
        try:
            while True:
                assert client.read_frame(timeout=10) == (HEARTBEAT, 0, b"")
                beats.append(time.monotonic() - begin)
        except Disconnected:
            assert 3.5 < time.monotonic() - begin < 9
        assert len(beats) >= 3
        assert beats[0] < 1.9


@pytest.mark.checklist(42)
def test_heartbeats_both_ways_keep_the_connection(target):
    with WireClient(target.amqp) as client:
        client.connect(heartbeat=1)
        begin, beats = time.monotonic(), 0
        while time.monotonic() - begin < 4.5:
            assert client.read_frame(timeout=2) == (HEARTBEAT, 0, b"")
            client.send(frame(HEARTBEAT, 0, b""))
            beats += 1
        assert 4 <= beats <= 10
        client.call(2, "channel.open")
