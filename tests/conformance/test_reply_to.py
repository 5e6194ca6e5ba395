"""Direct reply-to (checklist 329-334)."""

import pytest

from tests.conformance.helpers import declare, get, publish, ready
from tests.support.eventually import eventually

PSEUDO = "amq.rabbitmq.reply-to"


@pytest.fixture
def requester(wire):
    """A raw client that consumes replies on channel 1, with the tag `replies`."""
    client = wire()
    client.call(1, "basic.consume", queue=PSEUDO, consumer_tag="replies", no_ack=True)
    return client


@pytest.fixture
def request_to(requester, channel):
    """Sends a request and returns the reply-to that the responder sees."""

    def send():
        queue = declare(channel)
        requester.publish("", queue, b"request", reply_to=PSEUDO)
        return get(channel, queue)[1].reply_to

    return send


@pytest.mark.checklist(329)
def test_reply_consumer_cannot_acknowledge(client):
    client.send_method(1, "basic.consume", queue=PSEUDO)
    text = "PRECONDITION_FAILED - reply consumer cannot acknowledge"
    client.expect_close(406, text, channel=1, at=(60, 20))


@pytest.mark.checklist(329)
def test_only_one_reply_consumer(requester):
    requester.send_method(1, "basic.consume", queue=PSEUDO, no_ack=True)
    text = "PRECONDITION_FAILED - reply consumer already set"
    requester.expect_close(406, text, channel=1, at=(60, 20))


@pytest.mark.checklist(329)
def test_reply_consumer_again_after_cancel(requester):
    requester.call(1, "basic.cancel", consumer_tag="replies")
    requester.call(1, "basic.consume", queue=PSEUDO, no_ack=True, exclusive=True)


@pytest.mark.checklist(329)
def test_reused_tag(client):
    client.call(1, "queue.declare", exclusive=True)
    client.call(1, "basic.consume", consumer_tag="same")
    client.send_method(1, "basic.consume", queue=PSEUDO, consumer_tag="same", no_ack=True)
    client.expect_close(530, "NOT_ALLOWED - attempt to reuse consumer tag 'same'", at=(60, 20))


@pytest.mark.checklist(330)
def test_request_without_a_reply_consumer(client):
    client.publish("", "nowhere", b"m", reply_to=PSEUDO)
    text = "PRECONDITION_FAILED - fast reply consumer does not exist"
    client.expect_close(406, text, channel=1, at=(60, 40))


@pytest.mark.checklist(330)
def test_reply_consumer_belongs_to_its_channel(wire):
    client = wire(channels=(1, 2))
    client.call(1, "basic.consume", queue=PSEUDO, no_ack=True)
    client.publish("", "nowhere", b"m", channel=2, reply_to=PSEUDO)
    client.expect_close(406, channel=2, at=(60, 40))


@pytest.mark.checklist(331)
def test_round_trip(requester, request_to, channel):
    address = request_to()
    assert address.startswith(PSEUDO + ".")
    assert len(address) <= 255
    for body in (b"one", b"two"):
        publish(channel, "", address, body, correlation_id="c", delivery_mode=2)
        reply = requester.expect_content("basic.deliver")
        # RabbitMQ gives every reply the same delivery tag; nobody can acknowledge them.
        assert reply.method.arguments.pop("delivery_tag") >= 1
        assert reply.method.arguments == {
            "consumer_tag": "replies",
            "redelivered": False,
            "exchange": "",
            "routing_key": address,
        }
        assert reply.body == body
        assert reply.properties == {"correlation_id": "c", "delivery_mode": 2}


@pytest.mark.checklist(331)
def test_other_reply_addresses_are_untouched(requester, channel):
    queue = declare(channel)
    for address in ("own", PSEUDO + "x", "amq.rabbitmq.reply-to.abc"):
        requester.publish("", queue, b"m", reply_to=address)
        assert get(channel, queue)[1].reply_to == address


@pytest.mark.checklist(331)
def test_requests_of_one_channel_share_an_address(request_to):
    assert request_to() == request_to()


@pytest.mark.checklist(332)
@pytest.mark.parametrize("passive", [True, False])
def test_declare_of_a_live_address(request_to, client, passive):
    client.send_method(1, "queue.declare", queue=request_to(), passive=passive)
    client.expect("queue.declare-ok", 1, message_count=0, consumer_count=1)


@pytest.mark.checklist(332)
@pytest.mark.parametrize("how", ["close", "cancel", "abort"])
def test_declare_of_a_dead_address(requester, request_to, client, how):
    address = request_to()
    if how == "close":
        requester.call(1, "channel.close", reply_code=200)
    elif how == "cancel":
        requester.call(1, "basic.cancel", consumer_tag="replies")
    else:
        requester.abort()

    def gone():
        client.send_method(1, "queue.declare", queue=address, passive=True)
        answer = client.read_method()
        if answer.name == "queue.declare-ok":
            return False
        text = f"NOT_FOUND - no queue '{address}' in vhost '/'"
        assert answer.arguments["reply_text"] == text
        return answer.arguments["reply_code"] == 404

    eventually(gone)


@pytest.mark.checklist(332)
@pytest.mark.parametrize("passive", [True, False])
def test_declare_of_the_bare_name(client, passive):
    client.send_method(1, "queue.declare", queue=PSEUDO, passive=passive)
    client.expect("queue.declare-ok", 1, queue=PSEUDO, message_count=0, consumer_count=1)


@pytest.mark.checklist(333)
def test_guessed_address(request_to, requester, client):
    address = request_to()
    guess = address[:-3] + ("AAA" if address[-3:] != "AAA" else "BBB")
    client.call(1, "confirm.select")
    client.publish("", guess, b"hack")
    client.expect("basic.ack", 1, delivery_tag=1)
    requester.expect_nothing_more()
    client.send_method(1, "queue.declare", queue=PSEUDO + ".made-up", passive=True)
    client.expect_close(404, channel=1, at=(50, 10))


@pytest.mark.checklist(334)
def test_reply_is_confirmed(request_to, requester, client):
    address = request_to()
    client.call(1, "confirm.select")
    client.publish("", address, b"reply")
    client.expect("basic.ack", 1, delivery_tag=1)
    assert requester.expect_content("basic.deliver").body == b"reply"
    requester.abort()
    client.publish("", address, b"too late")
    client.expect("basic.ack", 1, delivery_tag=2)


@pytest.mark.checklist(334)
@pytest.mark.differs("always returns mandatory replies")
def test_mandatory_reply(request_to, requester, client):
    address = request_to()
    client.publish("", address, b"reply", mandatory=True)
    assert requester.expect_content("basic.deliver").body == b"reply"
    client.expect_nothing_more()
    requester.call(1, "basic.cancel", consumer_tag="replies")
    client.publish("", address, b"reply", mandatory=True)
    client.expect_content("basic.return", reply_code=312, routing_key=address)


@pytest.mark.checklist(332)
@pytest.mark.parametrize(("method", "at"), [("queue.purge", (50, 30)), ("basic.get", (60, 70))])
def test_the_bare_name_is_no_queue(client, method, at):
    client.send_method(1, method, queue=PSEUDO)
    text = f"NOT_FOUND - no queue '{PSEUDO}' in vhost '/'"
    client.expect_close(404, text, channel=1, at=at)


@pytest.mark.checklist(332)
def test_delete_of_the_bare_name(client):
    client.send_method(1, "queue.delete", queue=PSEUDO)
    client.expect("queue.delete-ok", 1, message_count=0)


@pytest.mark.checklist(331)
def test_reply_needs_no_queue(request_to, channel):
    request_to()
    assert ready(channel, declare(channel)) == 0
