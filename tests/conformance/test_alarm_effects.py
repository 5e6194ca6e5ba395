"""What an alarm does to connections, on a broker of its own that is told to have one (spec 9.1).

When there is an alarm, and what else can be done about it, is in test_alarms.py.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.support.broker import Broker
from tests.support.rabbitmq import RabbitMQ
from tests.support.target import Target
from tests.support.wire import (
    HEARTBEAT,
    WireClient,
    body_frame,
    header_frame,
    method_frame,
    publish_frames,
)

SET = "rabbit_alarm:set_alarm({{{{resource_limit, {}, node()}}, []}}), rabbit_alarm:get_alarms()"
CLEAR = "rabbit_alarm:clear_alarm({{resource_limit, {}, node()}}), rabbit_alarm:get_alarms()"


class Alarmed:
    """A broker whose alarms are set by hand."""

    def __init__(self, server: Broker | RabbitMQ) -> None:
        self.server = server
        self.target = Target(server.amqp, server.http, None)

    def set(self, resource: str) -> None:
        self._tell("PUT", SET, resource)

    def clear(self, resource: str) -> None:
        self._tell("DELETE", CLEAR, resource)

    def _tell(self, method: str, erlang: str, resource: str) -> None:
        if isinstance(self.server, RabbitMQ):
            self.server.evaluate(erlang.format(resource))
        else:
            status, _ = self.target.api(method, f"alarms/{resource}")
            assert status in {201, 204}

    @contextmanager
    def low(self, *resources: str) -> Iterator[None]:
        """These are low meanwhile."""
        for resource in resources:
            self.set(resource)
        try:
            yield
        finally:
            for resource in resources:
                self.clear(resource)


@pytest.fixture(scope="module")
def alarmed(target: Target, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alarmed]:
    """A broker of the kind that is judged."""
    if target.started == "rabbitmq":
        server = RabbitMQ()
        try:
            yield Alarmed(server.start())
        finally:
            server.close()
    elif target.started == "leveret":
        with Broker(tmp_path_factory.mktemp("alarmed")) as broker:
            yield Alarmed(broker)
    else:
        pytest.skip("needs a broker of its own")


@pytest.fixture
def connect(alarmed: Alarmed) -> Iterator[Callable[..., WireClient]]:
    """Connects to it; options as in `WireClient.connect`."""
    opened: list[WireClient] = []

    def connect(**options: Any) -> WireClient:
        opened.append(WireClient(alarmed.target.amqp))
        return opened[-1].connect(**options)

    yield connect
    for client in opened:
        client.abort()


@pytest.fixture
def client(connect: Callable[..., WireClient]) -> WireClient:
    return connect()


def declared(client: WireClient, **options: bool) -> str:
    return str(client.call(1, "queue.declare", **options).arguments["queue"])


def silent(client: WireClient) -> bool:
    with pytest.raises(TimeoutError):
        client.read_payload_frame(0.3)
    return True


@pytest.mark.checklist(385, 386)
@pytest.mark.parametrize(
    ("resources", "reason"),
    [
        (("memory",), "low on memory"),
        (("disk",), "low on disk"),
        pytest.param(
            ("disk", "memory"),
            "low on memory & disk",
            marks=pytest.mark.differs("names them the other way round"),
        ),
    ],
)
@pytest.mark.parametrize("first", ["alarm", "connection"])
def test_the_first_message_is_held_up(alarmed, connect, resources, reason, first):
    client = connect() if first == "connection" else None
    with alarmed.low(*resources):
        client = client or connect()
        queue = declared(client, exclusive=True)
        client.call(1, "confirm.select")
        client.publish("", queue, b"m")
        client.expect("connection.blocked", 0, reason=reason)
        client.publish("", queue, b"n")
        client.send_method(1, "basic.qos")
        assert silent(client)
    client.expect("connection.unblocked", 0)
    confirmed = 0
    while confirmed < 2:
        method = client.read_method()
        assert method.name in {"basic.ack", "basic.qos-ok"}
        confirmed = max(confirmed, method.arguments.get("delivery_tag", 0))


@pytest.mark.checklist(388)
def test_alarms_that_overlap(alarmed, client):
    queue = declared(client, exclusive=True)
    alarmed.set("memory")
    with alarmed.low("disk"):
        client.publish("", queue, b"m")
        client.expect("connection.blocked", 0)
        alarmed.clear("memory")
        assert silent(client)
    client.expect("connection.unblocked", 0)


@pytest.mark.checklist(389)
def test_who_cannot_be_told_waits_in_silence(alarmed, connect):
    client = connect(client_properties={})
    queue = declared(client, exclusive=True)
    with alarmed.low("memory"):
        client.publish("", queue, b"m")
        client.send_method(1, "basic.qos")
        assert silent(client)
    client.expect("basic.qos-ok", 1)
    assert client.get(queue, no_ack=True) is not None


@pytest.mark.checklist(386)
@pytest.mark.parametrize(
    "parts", [[header_frame(1, 0)], [header_frame(1, 2)], [header_frame(1, 2), body_frame(1, b"a")]]
)
def test_a_header_holds_up_and_a_method_alone_does_not(alarmed, client, parts):
    with alarmed.low("memory"):
        client.send_method(1, "basic.publish", routing_key="nowhere")
        client.call(0, "connection.update-secret", new_secret="s")
        client.send(*parts)
        client.expect("connection.blocked", 0)
    client.expect("connection.unblocked", 0)


@pytest.mark.checklist(386)
def test_a_message_that_had_begun(alarmed, client):
    queue = declared(client, exclusive=True)
    client.send_method(1, "basic.publish", routing_key=queue)
    client.send(header_frame(1, 2), body_frame(1, b"a"))
    client.call(0, "connection.update-secret", new_secret="s")
    with alarmed.low("memory"):
        client.call(0, "connection.update-secret", new_secret="s")
        client.send(body_frame(1, b"b"))
        client.expect("connection.blocked", 0)
    client.expect("connection.unblocked", 0)
    assert client.get(queue, no_ack=True).body == b"ab"


@pytest.mark.checklist(387)
def test_consumers_go_on(alarmed, client):
    queue = declared(client, exclusive=True)
    for number in range(3):
        client.publish("", queue, b"%d" % number)
    client.call(1, "basic.qos", prefetch_count=1)
    client.call(1, "basic.consume", queue=queue)
    with alarmed.low("memory", "disk"):
        for number in range(3):
            assert client.expect_content("basic.deliver").body == b"%d" % number
            client.send_method(1, "basic.ack", delivery_tag=number + 1)
        declared(client, exclusive=True)


@pytest.mark.checklist(387)
def test_a_publisher_that_is_held_up_gets_its_deliveries(alarmed, connect, client):
    queue = declared(client)
    other = connect()
    client.publish("", queue, b"m")
    client.call(1, "basic.qos")
    assert other.get(queue).method.arguments["delivery_tag"] == 1
    client.call(1, "basic.consume", queue=queue, no_ack=True)
    with alarmed.low("memory"):
        client.publish("", queue, b"n")
        client.expect("connection.blocked", 0)
        other.send_method(1, "basic.reject", delivery_tag=1, requeue=True)
        assert client.expect_content("basic.deliver").body == b"m"
        other.call(1, "queue.delete", queue=queue)
        client.expect("basic.cancel", 1)
    client.expect("connection.unblocked", 0)


@pytest.mark.checklist(385)
def test_a_transaction_waits(alarmed, client):
    queue = declared(client, exclusive=True)
    client.call(1, "tx.select")
    with alarmed.low("memory"):
        client.send(publish_frames(1, "", queue, b"m"), method_frame(1, "tx.commit"))
        client.expect("connection.blocked", 0)
        assert silent(client)
    client.expect("connection.unblocked", 0)
    client.expect("tx.commit-ok", 1)
    assert client.get(queue).body == b"m"


@pytest.mark.checklist(385)
def test_what_cannot_be_routed_is_returned_afterwards(alarmed, client):
    client.call(1, "confirm.select")
    with alarmed.low("memory"):
        client.publish("", "nowhere", b"m", mandatory=True)
        client.expect("connection.blocked", 0)
        assert silent(client)
    client.expect("connection.unblocked", 0)
    assert client.expect_content("basic.return").body == b"m"
    client.expect("basic.ack", 1)


@pytest.mark.checklist(385)
@pytest.mark.parametrize("channel", [0, 1])
def test_a_close_waits_behind_the_message(alarmed, client, channel):
    method = "channel.close" if channel else "connection.close"
    with alarmed.low("memory"):
        client.publish("", "nowhere", b"m")
        client.send_method(channel, method, reply_code=200, reply_text="bye")
        client.expect("connection.blocked", 0)
        assert silent(client)
    client.expect("connection.unblocked", 0)
    client.expect(method + "-ok", channel)


@pytest.mark.checklist(390)
def test_who_is_held_up_need_not_send_heartbeats(alarmed, connect):
    client = connect(heartbeat=2)
    with alarmed.low("memory"):
        client.publish("", "nowhere", b"m")
        client.expect("connection.blocked", 0)
        # One a second, and after four seconds of silence a client is dead.
        assert [client.read_frame().kind for _ in range(7)] == [HEARTBEAT] * 7
    client.expect("connection.unblocked", 0)


@pytest.mark.checklist(387)
def test_http_goes_on(alarmed, client):
    queue = declared(client)
    message = {
        "properties": {},
        "routing_key": queue,
        "payload": "m",
        "payload_encoding": "string",
    }
    asked = {"count": 2, "ackmode": "ack_requeue_false", "encoding": "auto"}
    with alarmed.low("memory"):
        published = alarmed.target.api("POST", "exchanges/%2F/amq.default/publish", message)
        assert published == (200, {"routed": True})
        status, got = alarmed.target.api("POST", f"queues/%2F/{queue}/get", asked)
        assert (status, [each["payload"] for each in got]) == (200, ["m"])


@pytest.mark.checklist(385)
@pytest.mark.differs("holds up the connection, and refuses the message afterwards")
def test_a_message_on_a_channel_that_is_not_open(alarmed, client):
    with alarmed.low("memory"):
        client.send(publish_frames(5, "", "nowhere", b"m"))
        client.expect_close(504, "CHANNEL_ERROR - expected 'channel.open'", at=(60, 40))
