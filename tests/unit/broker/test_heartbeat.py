import pytest

from tests.support.wire import HEARTBEAT, frame, method_frame

BEAT = frame(HEARTBEAT, 0, b"")


@pytest.fixture
def client(engine):
    """Wants a heartbeat every two seconds; all that was sent so far is read."""
    client = engine.connect(heartbeat=2)
    assert client.silent
    return client


def beats(engine, client, seconds, steps=1):
    """How many heartbeat frames came in each of `steps` spans of so many seconds."""
    counts = []
    for _ in range(steps):
        before = len(client.wire.writes)
        engine.advance(seconds)
        counts.append(client.wire.writes[before:].count(BEAT))
    return counts


def test_a_beat_every_half_interval_in_silence(engine, client):
    assert beats(engine, client, 1, steps=4) == [1, 1, 1, 1]


def test_the_first_comes_in_any_case_and_then_only_after_silence(engine, client):
    def talk():
        client.send_method(1, "basic.qos")
        client.expect("basic.qos-ok")

    talk()
    assert beats(engine, client, 1) == [1]
    for _ in range(3):
        talk()
        assert beats(engine, client, 1) == [0]
    assert beats(engine, client, 1, steps=2) == [1, 1]


def test_a_silent_client_is_dropped_without_a_word(engine, client):
    written = len(client.wire.writes)
    engine.advance(5.9)
    assert not client.wire.closed
    engine.advance(0.2)
    assert client.wire.aborted
    assert engine.context.connections == set()
    assert set(client.wire.writes[written:]) == {BEAT}


def test_any_byte_is_a_sign_of_life(engine, client):
    half = method_frame(1, "basic.qos")
    for number in range(10):
        client.send(half[number : number + 1])
        engine.advance(1.9)
    assert not client.wire.closed
    engine.advance(6)
    assert client.wire.aborted


def test_heartbeats_of_the_client_keep_it_alive(engine, client):
    for _ in range(10):
        client.send(BEAT)
        engine.advance(2)
    assert not client.wire.closed


def test_none_wanted(engine):
    quiet = engine.connect(heartbeat=0)
    assert quiet.silent
    engine.advance(100_000)
    assert quiet.silent
    assert not quiet.wire.closed


def test_no_timer_is_left_behind(engine, client):
    client.abort()
    assert engine.clock.pending == 0


def test_no_beats_once_the_connection_closes(engine, client):
    client.send_method(0, "connection.close", reply_code=200, reply_text="")
    client.expect("connection.close-ok")
    assert beats(engine, client, 1) == [0]
