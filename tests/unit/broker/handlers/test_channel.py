import pytest


def test_flow(client):
    ok = client.call(1, "channel.flow", active=True)
    assert ok.arguments == {"active": True}
    client.send_method(1, "channel.flow", active=False)
    client.expect_close(540, "NOT_IMPLEMENTED - active=false", (20, 20))


def test_open_again(client):
    client.send_method(1, "channel.open")
    client.expect_close(504, "CHANNEL_ERROR - second 'channel.open' seen", (20, 10))


def test_close_ok_that_nobody_asked_for(client):
    client.send_method(1, "channel.close-ok")
    client.expect_close(503, "COMMAND_INVALID - unimplemented method", (20, 41))


@pytest.mark.parametrize("number", [1, 2, 65535])
def test_any_number_will_do(engine, number):
    client = engine.connect(channels=(number,))
    client.call(number, "basic.qos")
    client.call(number, "channel.close")
    assert client.connection.channels == {}


def test_auto_delete_queues_are_gone_before_close_ok(engine, client):
    client.call(1, "queue.declare", queue="q", auto_delete=True)
    client.consume("q")
    client.call(1, "channel.close")
    assert engine.vhost.queues == {}
