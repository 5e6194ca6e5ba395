"""No method lets a client of one virtual host see or touch another (spec 10.1).

Every method that the broker handles is tried, so that a new one cannot be forgotten.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from broker.handlers import HANDLERS
from tests.support.encoding import METHODS, Method
from tests.support.engine import Engine
from tests.support.wire import content_frames, method_frame

HANDLED = {0x003C0028, 0x003C0050, *HANDLERS}  # publish and ack have ways of their own
NAMES = [name for name, (kind, method, _) in METHODS.items() if kind << 16 | method in HANDLED]
SECRETS: dict[str, Any] = {
    "queue": "secret-q",
    "exchange": "secret-x",
    "source": "secret-x",
    "destination": "secret-y",
    "routing_key": "secret-key",
    "consumer_tag": "secret-tag",
    "type": "topic",
    "delivery_tag": 1,
    "reply_code": 200,
}
# What makes things of these names, in the virtual host of who asks.
MAKES = {"queue.declare", "exchange.declare"}
# What there must be before it can be seen: all that is left is theirs who ask.
NOT_FOUND = {
    *("queue.bind", "queue.purge", "exchange.bind", "basic.get", "basic.consume", "basic.publish"),
}


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine() as engine:
        vhosts = engine.vhosts
        for name, user in (("a", "guest"), ("b", "bob")):
            vhosts.create(name)
            if user != "guest":
                vhosts.users.add(user, user, [])
            vhosts.permissions.set(user, name, ".*", ".*", ".*")
        owner = engine.connect(vhost="a")
        for exchange in ("secret-x", "secret-y"):
            owner.call(1, "exchange.declare", exchange=exchange, type="topic", durable=True)
        owner.call(1, "queue.declare", queue="secret-q", durable=True)
        owner.call(1, "queue.bind", queue="secret-q", exchange="secret-x", routing_key="secret-key")
        owner.publish("", "secret-q", b"secret", delivery_mode=2)
        owner.call(1, "basic.consume", queue="secret-q", consumer_tag="secret-tag")
        engine.run()
        yield engine


def state_of(engine: Engine) -> Any:
    """All that a stranger could have changed."""
    vhost = engine.vhosts.get("a")
    assert vhost is not None
    queue = vhost.queues["secret-q"]
    engine.context.tally.share_out()
    return (
        sorted(vhost.queues),
        sorted((name, len(each.bindings)) for name, each in vhost.exchanges.items()),
        (queue.message_count, queue.consumer_count, queue.unacked),
        vhost.statistics.publish,
        vhost.topology,
    )


def test_all_methods_are_known():
    assert len(NAMES) == len(HANDLED)


@pytest.mark.parametrize("name", NAMES)
def test_a_stranger_reaches_nothing(engine: Engine, name: str):
    stranger = engine.connect(user="bob", password="bob", vhost="b")
    before = state_of(engine)
    fields = {field.partition(":")[0] for field in METHODS[name][2].split()}
    arguments = {field: value for field, value in SECRETS.items() if field in fields}
    stranger.send(method_frame(1, name, **arguments))
    if name == "basic.publish":
        stranger.send(content_frames(1, b"forged"))
    engine.run()
    answers = stranger.read_all()
    assert all(b"secret" not in getattr(each, "body", b"") for each in answers)
    if name in NOT_FOUND:
        methods = [each for each in answers if isinstance(each, Method)]
        closes = [each.arguments for each in methods if each.name == "channel.close"]
        assert [close["reply_code"] for close in closes] == [404]
        assert "in vhost 'b'" in closes[0]["reply_text"]
    assert state_of(engine) == before
    if name in MAKES:
        mine = engine.vhosts.get("b")
        assert mine is not None
        assert "secret-q" in mine.queues or "secret-x" in mine.exchanges


def test_the_door_is_shut(engine: Engine):
    stranger = engine.client()
    stranger.login("bob", "bob")
    stranger.tune_ok()
    stranger.send_method(0, "connection.open", virtual_host="a")
    stranger.expect_close(
        530, "NOT_ALLOWED - access to vhost 'a' refused for user 'bob'", channel=0
    )
