from types import SimpleNamespace

import pytest

from broker import publishing
from broker.message import Message
from exchanges import routing
from tests.support.encoding import Typed, encode_method, plain
from tests.support.wire import frame, header_frame, method_frame
from vhosts.errors import PreconditionFailed

PSEUDO = "amq.rabbitmq.reply-to"


# -- the arguments of a publish


def test_arguments():
    raw = encode_method("basic.publish", exchange="x", routing_key="kéy\udcff", mandatory=True)
    assert publishing.parse_arguments(raw[4:]) == ("x", "kéy\udcff", publishing.MANDATORY)


def test_arguments_cut_short_or_too_long():
    raw = encode_method("basic.publish", exchange="x", routing_key="k")[4:]
    for end in range(len(raw)):
        with pytest.raises(IndexError):
            publishing.parse_arguments(raw[:end])
    with pytest.raises(IndexError):
        publishing.parse_arguments(raw + b"\0")


def test_such_arguments_cost_the_connection(client):
    broken = method_frame(1, "basic.publish", routing_key="k")[7:-2]
    client.send(frame(1, 1, broken), header_frame(1, 0))
    client.expect_close(501, at=(60, 40))


# -- targets are remembered as long as they are true


def test_a_target_is_found_once(client, monkeypatch):
    found: list[object] = []

    def find(*arguments):
        found.append(arguments)
        return routing.find(*arguments)

    monkeypatch.setattr(publishing, "routing", SimpleNamespace(find=find))
    client.declare("q")
    for _ in range(3):
        client.publish("", "q", b"m")
    assert len(found) == 1


@pytest.mark.parametrize(
    ("change", "bodies"),
    [
        (lambda c: c.call(1, "queue.delete", queue="q"), (0, 2)),
        (lambda c: c.call(1, "queue.unbind", queue="r", exchange="amq.fanout"), (2, 1)),
        (
            lambda c: c.call(1, "exchange.bind", destination="amq.fanout", source="amq.topic"),
            (2, 2),
        ),
    ],
)
def test_a_change_of_topology_is_seen_at_once(engine, client, change, bodies):
    queues = [client.declare("q"), client.declare("r")]
    for queue in ("q", "r"):
        client.call(1, "queue.bind", queue=queue, exchange="amq.fanout")
    publisher = engine.connect()
    publisher.publish("amq.fanout", "", b"m")
    change(client)
    publisher.publish("amq.fanout", "", b"m")
    engine.run()
    assert tuple(queue.message_count for queue in queues) == bodies


def test_a_lost_permission_is_seen_at_once(engine, client):
    client.declare("q")
    client.publish("", "q", b"m")
    engine.vhosts.permissions.set("guest", "/", ".*", "", ".*")
    client.publish("", "q", b"m")
    client.expect_close(403, channel=1, at=(60, 40))


def test_headers_decide_for_each_message(client):
    client.declare("q")
    client.call(
        1, "queue.bind", queue="q", exchange="amq.headers", arguments={"k": 1, "x-match": "all"}
    )
    for value in (1, 2, 1):
        client.publish("amq.headers", "", b"m", headers={"k": value})
    client.engine.run()
    assert client.engine.queue("q").message_count == 2


# -- refusals, in their order

BAD = {"expiration": "abc", "user_id": "other", "headers": {"CC": "no list"}, "reply_to": PSEUDO}


@pytest.mark.parametrize(
    ("options", "properties", "code", "text"),
    [
        ({"immediate": True}, BAD, 540, "NOT_IMPLEMENTED - immediate=true"),
        ({"exchange": "missing"}, BAD, 404, "NOT_FOUND - no exchange 'missing' in vhost '/'"),
        ({"exchange": "inside"}, BAD, 403, "ACCESS_REFUSED - cannot publish to internal exchange*"),
        ({}, BAD, 406, "PRECONDITION_FAILED - fast reply consumer does not exist"),
        (
            {},
            {**BAD, "reply_to": None},
            406,
            "PRECONDITION_FAILED - invalid expiration 'abc': no_integer",
        ),
        (
            {},
            {"user_id": "other", "headers": {"CC": "no list"}},
            406,
            'PRECONDITION_FAILED - invalid message: {unacceptable_type_in_header,"CC",longstr}',
        ),
        (
            {},
            {"user_id": "other"},
            406,
            "PRECONDITION_FAILED - user_id property set to 'other' but authenticated user was "
            "'guest'",
        ),
    ],
)
def test_refusals(client, options, properties, code, text):
    client.call(1, "exchange.declare", exchange="inside", type="fanout", internal=True)
    options = {"exchange": "", "routing_key": "q", "body": b"m", **options}
    client.publish(**options, **properties)
    client.expect_close(code, text, (60, 40), channel=0 if code == 540 else 1)


def test_malformed_properties_cost_the_connection(client):
    client.send(method_frame(1, "basic.publish", routing_key="q"), header_frame(1, 0, b"\x80\0"))
    client.expect_close(541, "INTERNAL_ERROR", (0, 0))


def test_too_large(engine):
    with type(engine)(max_message_size=10) as small:
        client = small.connect()
        queue = client.declare("q")
        client.publish("", "q", b"x" * 10)
        client.publish("", "q", b"x" * 11)
        client.publish("", "q", b"ignored")
        text = "PRECONDITION_FAILED - message size 11 is larger than configured max size 10"
        client.expect_close(406, text, (60, 40), channel=1)
        assert queue.message_count == 1


@pytest.mark.parametrize("raw", [b"0", b"5", b"+5", b"0010", b"-0", b"315360000000"])
def test_expirations(raw):
    publishing.check_expiration(raw)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "no_integer"),
        (b"-", "no_integer"),
        (b" 10", "no_integer"),
        (b"10x", '{leftover_string,"x"}'),
        (b"1.5", '{leftover_string,".5"}'),
        (b"10 ", '{leftover_string," "}'),
        (b"-1", "{value_negative,-1}"),
        (b"315360000001", "{value_too_large,315360000001}"),
        ("٣".encode(), "no_integer"),
    ],
)
def test_expirations_that_are_none(raw, reason):
    with pytest.raises(PreconditionFailed) as caught:
        publishing.check_expiration(raw)
    assert str(caught.value) == f"invalid expiration '{raw.decode()}': {reason}"


def test_own_user_id_and_the_impersonators(engine, client):
    client.declare("q")
    client.publish("", "q", b"m", user_id="guest")
    engine.vhosts.users.add("imp", "secret", ["impersonator"])
    engine.vhosts.permissions.set("imp", "/", ".*", ".*", ".*")
    impersonator = engine.connect(user="imp", password="secret")
    impersonator.publish("", "q", b"m", user_id="other")
    assert [client.get("q").properties["user_id"] for _ in range(2)] == ["guest", "other"]


# -- returns


@pytest.mark.parametrize("properties", [{}, {"headers": {"a": 1}}])
def test_mandatory_and_unroutable(client, properties):
    client.publish("amq.direct", "k", b"body", mandatory=True, **properties)
    client.publish("amq.direct", "k", b"no matter", **properties)
    returned = client.expect_content("basic.return", reply_code=312, reply_text="NO_ROUTE")
    assert returned.method.arguments["exchange"] == "amq.direct"
    assert returned.method.arguments["routing_key"] == "k"
    assert (returned.body, plain(returned.properties)) == (b"body", properties)
    assert client.silent


def test_a_return_comes_before_its_confirm(client):
    client.declare("q")
    client.call(1, "confirm.select")
    for key in ("q", "nowhere", "q", "nowhere"):
        client.publish("", key, b"m", mandatory=True)
    seen = client.names()
    assert seen.count("basic.return") == 2
    assert seen[-1] == "basic.ack"
    assert seen.index("basic.return") < seen.index("basic.ack")


def test_routed_and_then_dropped_is_not_returned(client):
    client.declare("q", {"x-message-ttl": 0})
    client.publish("", "q", b"m", mandatory=True)
    assert client.silent


# -- CC and BCC


def test_copies(client):
    queues = {key: client.declare(key) for key in ("main", "copy", "hidden", "none")}
    headers = {"CC": ["copy", "main", "copy"], "BCC": ["hidden"], "other": 1}
    client.publish("", "main", b"m", headers=headers)
    client.engine.run()
    assert [queue.message_count for queue in queues.values()] == [1, 1, 1, 0]
    for key in ("main", "copy", "hidden"):
        got = client.get(key)
        assert got.method.arguments["routing_key"] == "main"
        assert plain(got.properties["headers"]) == {
            "CC": ["copy", "main", "copy"],
            "other": 1,
        }


def test_copies_that_are_no_text_are_left_out(client):
    client.declare("q")
    client.publish("", "q", b"m", headers={"CC": [1, None, {"a": 1}]})
    assert client.get("q").body == b"m"


# -- direct reply-to


@pytest.fixture
def requester(engine):
    requester = engine.connect()
    requester.consume(PSEUDO, "replies", no_ack=True)
    return requester


def ask(requester, responder):
    """The name to reply to, as the responder sees it in a request."""
    responder.declare("requests")
    requester.publish("", "requests", b"question", reply_to=PSEUDO)
    requester.engine.run()
    name = responder.get("requests").properties["reply_to"]
    assert name.startswith(PSEUDO + ".")
    return name


def test_a_reply_goes_straight_to_the_requester(client, requester):
    name = ask(requester, client)
    client.publish("", name, b"answer", correlation_id="7", mandatory=True)
    assert client.silent
    (reply,) = requester.deliveries()
    assert (reply.body, reply.properties) == (b"answer", {"correlation_id": "7"})
    assert reply.method.arguments == {
        "consumer_tag": "replies",
        "delivery_tag": 1,
        "redelivered": False,
        "exchange": "",
        "routing_key": name,
    }


def test_nobody_waits_for_it_any_more(client, requester):
    name = ask(requester, client)
    requester.call(1, "basic.cancel", consumer_tag="replies")
    client.publish("", name, b"answer")
    client.publish("", name, b"answer", mandatory=True)
    assert client.names() == ["basic.return"]
    assert requester.silent


def test_the_end_of_the_channel_ends_the_waiting(engine, client, requester):
    name = ask(requester, client)
    requester.call(1, "channel.close")
    assert name not in engine.context.reply_channels
    client.publish("", name, b"answer")
    assert requester.silent


def test_each_asks_for_itself(engine, client, requester):
    other = engine.connect()
    other.consume(PSEUDO, "replies", no_ack=True)
    names = [ask(each, client) for each in (requester, other)]
    assert len(set(names)) == 2
    client.publish("", names[1], b"answer")
    assert requester.silent
    assert other.bodies() == [b"answer"]


def test_replies_are_confirmed(client, requester):
    name = ask(requester, client)
    client.call(1, "confirm.select")
    client.publish("", name, b"answer", delivery_mode=2)
    client.expect("basic.ack", delivery_tag=1)


# -- what a message looks like to an exchange


def test_a_message_knows_whether_it_is_persistent(client):
    queue = client.declare("q")
    for mode in (1, 2):
        client.publish("", "q", b"m", delivery_mode=mode, headers={"k": Typed("l", 1)})
    client.engine.run()
    messages: list[Message] = [each.message for each in queue.ready]
    assert [message.persistent for message in messages] == [False, True]
