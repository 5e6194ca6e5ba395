from tests.support.wire import publish_frames


def test_numbers_begin_behind_select_and_select_is_repeatable(client):
    client.declare("q")
    client.publish("", "q", b"m")
    client.call(1, "confirm.select")
    client.publish("", "q", b"m")
    client.expect("basic.ack", 1, delivery_tag=1)
    client.call(1, "confirm.select")
    client.publish("", "q", b"m")
    client.expect("basic.ack", 1, delivery_tag=2)


def test_without_waiting(client):
    client.send_method(1, "confirm.select", nowait=True)
    client.publish("", "nowhere", b"m")
    client.expect("basic.ack", 1, delivery_tag=1)


def test_not_on_a_transactional_channel(client):
    client.call(1, "tx.select")
    client.send_method(1, "confirm.select")
    text = "PRECONDITION_FAILED - cannot switch from tx to confirm mode"
    client.expect_close(406, text, (85, 10), channel=1)


def test_each_channel_counts_for_itself(client):
    client.call(2, "channel.open")
    for channel in (1, 2):
        client.call(channel, "confirm.select")
    client.send(publish_frames(1, "", "q", b"m") * 3 + publish_frames(2, "", "q", b"m"))
    acks = {each.channel: each.arguments["delivery_tag"] for each in client.read_all()}
    assert acks == {1: 3, 2: 1}
