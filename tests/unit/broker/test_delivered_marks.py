"""Deliveries wait for the disk to know of them, unless it refuses."""

import pytest

from broker import delivered_marks


@pytest.fixture
def client(engine):
    """A client with a queue of 20 messages of which none was ever delivered."""
    client = engine.connect()
    client.declare("q")
    for number in range(20):
        client.publish("", "q", b"%d" % number, delivery_mode=2)
    engine.run()
    return client


def test_the_first_deliveries_wait_for_the_disk(engine, client):
    with engine.disk_held():
        client.consume("q")
        assert client.silent
    assert len(client.deliveries()) == 20


def test_but_not_for_one_that_refuses(engine, client, caplog, monkeypatch):
    monkeypatch.setattr(delivered_marks, "RESERVE", 1000)
    engine.disk.failing_with = OSError("disk full")
    client.consume("q")
    assert len(client.deliveries()) == 20
    for number in range(3000):
        client.publish("", "q", b"%d" % number, delivery_mode=2)
    assert len(client.deliveries()) == 3000
    engine.disk.failing_with = None
    engine.advance(2)
    client.publish("", "q", b"last", delivery_mode=2)
    assert client.bodies() == [b"last"]
    on_disk = engine.queue("q").marks.on_disk
    assert on_disk[0] > 3020
    caplog.clear()


def test_nor_does_a_get(engine, client, caplog):
    with engine.disk_held():
        client.send_method(1, "basic.get", queue="q")
        assert client.silent
        engine.disk.failing_with = OSError("disk full")
    assert client.names() == ["basic.get-ok"]
    client.send_method(1, "basic.get", queue="q")
    assert client.names() == ["basic.get-ok"]
    engine.disk.failing_with = None
    engine.advance(2)
    client.send_method(1, "basic.get", queue="q")
    assert client.names() == ["basic.get-ok"]
    caplog.clear()


def test_what_a_crash_finds_was_delivered_is_known(engine, client):
    client.consume("q", prefetch=5)
    assert len(client.deliveries()) == 5
    engine.crash()
    again = engine.connect()
    assert again.get("q").method.arguments["redelivered"]
