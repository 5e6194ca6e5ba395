"""Users whom another back end knows: the connection waits for its answers, the loop does not."""

import asyncio
from importlib.metadata import EntryPoint

import pytest

from broker import access
from broker.access import Gatekeeper
from broker.auth_backends.base import GROUP, Identity, Unavailable
from broker.options import Options
from broker.startup import StartError
from tests.support.wire import publish_frames
from vhosts.users import User

ASKED_FOR = 15.0


class Oracle:
    """A back end that knows `ann`, and answers when it is let; `denied` are questions."""

    name = "oracle"
    lasting = False

    def __init__(self):
        self.questions = []
        self.denied = set()
        self.expires_at = None
        self.open = asyncio.Event()
        self.open.set()
        self.fails_with = None

    async def login(self, name, password):
        self.questions.append(("login", name))
        await self._answer()
        if name != "ann" or (password not in {"secret", "new", None}):
            return None
        return Identity(User("ann", "", tags=("monitoring",)), self, None, self.expires_at)

    def may_enter(self, identity, vhost, address):
        return self._decide("enter", vhost, address)

    def may(self, identity, vhost, permission, kind, name):
        return self._decide(permission, kind, name)

    def may_use_topic(self, identity, vhost, permission, exchange, key):
        return self._decide(permission, "topic", exchange, key)

    async def close(self):
        self.questions.append("closed")

    async def _answer(self):
        await self.open.wait()
        if self.fails_with is not None:
            raise self.fails_with

    async def _decide(self, *question):
        self.questions.append(question)
        await self._answer()
        return not any(question[: len(each)] == each for each in self.denied)


@pytest.fixture
async def oracle(engine):
    oracle = Oracle()
    engine.context.keeper = Gatekeeper([None, oracle], engine.vhosts.users, engine.clock, ASKED_FOR)
    return oracle


async def settle(engine):
    """Lets the loop and the engine do all there is to do."""
    for _ in range(30):
        await asyncio.sleep(0)
        engine.run()


@pytest.fixture
def ann(engine, oracle):
    """A coroutine function: a client of ann's with channel 1 open."""

    async def connect(password="secret"):
        client = engine.client()
        client.start()
        client.send_start_ok("ann", password)
        await settle(engine)
        client.expect("connection.tune", 0)
        client.tune_ok()
        client.send_method(0, "connection.open", virtual_host="/")
        await settle(engine)
        client.expect("connection.open-ok", 0)
        client.call(1, "channel.open")
        return client

    return connect


async def call(engine, client, name, **arguments):
    client.send_method(1, name, **arguments)
    await settle(engine)
    return client.read_method()


async def test_own_users_are_as_ever(engine, oracle):
    client = engine.client()
    client.start()
    client.send_start_ok("guest", "guest")
    await settle(engine)
    client.expect("connection.tune", 0)
    client.tune_ok()
    client.open_vhost()
    client.call(1, "channel.open")
    client.call(1, "queue.declare", queue="q")
    assert oracle.questions == []


async def test_login_and_entry_are_asked_for(ann, oracle, engine):
    await ann()
    assert oracle.questions == [("login", "ann"), ("enter", "/", "127.0.0.1")]
    (connection,) = engine.context.connections
    assert connection.user.name == "ann"


async def test_all_in_one_packet(engine, oracle):
    client = engine.client()
    client.start()
    client.send_start_ok("ann", "secret")
    client.tune_ok()
    client.send_method(0, "connection.open", virtual_host="/")
    client.send_method(1, "channel.open")
    client.send_method(1, "queue.declare", queue="q")
    client.send_method(1, "queue.declare", queue="r")
    await settle(engine)
    assert client.names() == [
        *("connection.tune", "connection.open-ok", "channel.open-ok"),
        *("queue.declare-ok", "queue.declare-ok"),
    ]


async def test_wrong_password(engine, oracle):
    client = engine.client()
    client.start()
    client.send_start_ok("ann", "guess")
    await settle(engine)
    client.expect_close(403, "ACCESS_REFUSED - Login was refused using*")


@pytest.mark.parametrize("error", [Unavailable("asleep"), ZeroDivisionError()])
async def test_who_cannot_be_asked_lets_nobody_in(engine, oracle, caplog, error):
    oracle.fails_with = error
    client = engine.client()
    client.start()
    client.send_start_ok("ann", "secret")
    await settle(engine)
    client.expect_close(403)
    assert "auth back end oracle" in caplog.text
    assert "secret" not in caplog.text.replace("auth back end oracle", "")
    caplog.clear()


async def test_no_entry(engine, oracle):
    oracle.denied.add(("enter",))
    client = engine.client()
    client.start()
    client.send_start_ok("ann", "secret")
    client.tune_ok()
    client.send_method(0, "connection.open", virtual_host="/")
    await settle(engine)
    client.expect("connection.tune", 0)
    client.expect_close(530, "NOT_ALLOWED - access to vhost '/' refused for user 'ann'")


async def test_other_clients_do_not_wait(ann, oracle, engine):
    client = await ann()
    oracle.open.clear()
    client.send_method(1, "queue.declare", queue="q")
    client.send_method(1, "queue.declare", queue="q")
    await settle(engine)
    engine.connect().call(1, "queue.declare", queue="other")
    assert client.silent
    oracle.open.set()
    await settle(engine)
    assert client.names() == ["queue.declare-ok", "queue.declare-ok"]
    assert oracle.questions.count(("configure", "queue", "q")) == 1


async def test_order_is_kept(ann, engine):
    client = await ann()
    for name in ("a", "b", "c"):
        client.send_method(1, "queue.declare", queue=name)
        client.publish("", name, name.encode())
        client.send_method(1, "basic.get", queue=name, no_ack=True)
    await settle(engine)
    assert client.names() == ["queue.declare-ok", "basic.get-ok"] * 3


async def test_refusals(ann, oracle, engine):
    oracle.denied |= {("configure", "queue", "q"), ("write", "exchange", "amq.default")}
    client = await ann()
    client.send_method(1, "queue.declare", queue="q")
    await settle(engine)
    text = "ACCESS_REFUSED - configure access to queue 'q' in vhost '/' refused for user 'ann'"
    client.expect_close(403, text, channel=1)
    client.call(2, "channel.open")
    client.publish("", "x", b"m", channel=2)
    await settle(engine)
    text = "ACCESS_REFUSED - write access to exchange 'amq.default' in vhost '/'*"
    client.expect_close(403, text, channel=2)


async def test_any_permission_will_do_for_passive_declares(ann, oracle, engine):
    engine.connect().call(1, "queue.declare", queue="q")
    oracle.denied |= {("configure",), ("write",)}
    client = await ann()
    assert (await call(engine, client, "queue.declare", queue="q", passive=True)).name
    assert ("read", "queue", "q") in oracle.questions


async def test_a_queue_without_a_name_is_asked_about_once(ann, oracle, engine):
    client = await ann()
    made = await call(engine, client, "queue.declare", queue="")
    assert made.arguments["queue"].startswith("amq.gen-")
    await call(engine, client, "queue.declare", queue="")
    asked = [each for each in oracle.questions if each[0] == "configure"]
    assert len(asked) == 2  # once each


async def test_an_answer_for_a_new_name_is_none_for_one_that_exists(ann, oracle, engine):
    other = engine.connect().call(1, "queue.declare", queue="").arguments["queue"]
    client = await ann()
    await call(engine, client, "queue.declare", queue="")
    oracle.denied.add(("configure", "queue", other))
    client.send_method(1, "queue.delete", queue=other)
    await settle(engine)
    client.expect_close(403, channel=1)


async def test_routing_keys_of_topic_exchanges(ann, oracle, engine):
    oracle.denied.add(("write", "topic", "amq.topic", "b"))
    client = await ann()
    client.call(1, "confirm.select")
    client.publish("amq.topic", "a", b"m", headers={"CC": ["c", "d"]})
    await settle(engine)
    client.expect("basic.ack", 1)
    client.publish("amq.topic", "a", b"m", headers={"CC": ["b"]})
    await settle(engine)
    client.expect_close(403, "ACCESS_REFUSED - write access to topic 'b'*", channel=1)
    asked = [each[3] for each in oracle.questions if each[1:2] == ("topic",)]
    assert asked == ["a", "c", "d", "b"]


async def test_messages_in_a_row_are_published_once_each(ann, engine):
    client = await ann()
    await call(engine, client, "queue.declare", queue="q")
    client.send(*[publish_frames(1, "", "q", bytes([index])) for index in range(50)])
    await settle(engine)
    assert engine.queue("q").message_count == 50


@pytest.mark.parametrize("transaction", [False, True])
async def test_messages_are_routed_once_each_where_keys_were_asked_for(ann, engine, transaction):
    own = engine.connect()
    own.call(1, "queue.declare", queue="q")
    own.call(1, "queue.bind", queue="q", exchange="amq.topic", routing_key="a")
    client = await ann()
    if transaction:
        client.call(1, "tx.select")
    message = publish_frames(1, "amq.topic", "a", b"m", headers={"CC": ["b"]})
    client.send(*[message] * 5)
    await settle(engine)
    if transaction:
        client.call(1, "tx.commit")
    assert engine.queue("q").message_count == 5


async def test_answers_are_kept_for_a_while(ann, oracle, engine):
    client = await ann()
    await call(engine, client, "queue.declare", queue="q")
    client.publish("", "q", b"1")
    await settle(engine)
    client.publish("", "q", b"2")
    await settle(engine)
    assert oracle.questions.count(("write", "exchange", "amq.default")) == 1
    engine.advance(ASKED_FOR)
    oracle.denied.add(("write",))
    client.publish("", "q", b"3")
    await settle(engine)
    client.expect_close(403, channel=1)


async def test_waiting_while_an_alarm_is_on(ann, oracle, engine):
    client = await ann()
    engine.context.alarms.set("memory", True)
    oracle.open.clear()
    client.send_method(1, "queue.declare", queue="a")
    client.send_method(1, "queue.declare", queue="b")
    await settle(engine)
    oracle.open.set()
    await settle(engine)
    assert client.names() == ["queue.declare-ok", "queue.declare-ok"]
    assert set(engine.vhost.queues) == {"a", "b"}


async def test_too_many_questions(ann, engine, monkeypatch):
    monkeypatch.setattr("broker.link.MAX_QUESTIONS", 5)
    client = await ann()
    keys = [str(number) for number in range(20)]
    client.publish("amq.topic", "a", b"m", headers={"CC": keys})
    await settle(engine)
    client.expect_close(506, "RESOURCE_ERROR - too many permissions needed")


async def test_leaving_while_it_is_asked(ann, oracle, engine):
    client = await ann()
    oracle.open.clear()
    client.send_method(1, "queue.declare", queue="q")
    await settle(engine)
    client.abort()
    await settle(engine)
    oracle.open.set()
    await settle(engine)
    assert engine.context.connections == set()
    assert "q" not in engine.vhost.queues
    assert engine.clock.pending == 0


async def test_shut_out_while_it_is_asked(ann, oracle, engine):
    client = await ann()
    oracle.open.clear()
    client.send_method(1, "queue.declare", queue="q")
    await settle(engine)
    (connection,) = engine.context.connections
    connection.force_close("because")
    oracle.open.set()
    await settle(engine)
    client.expect_close(320, "CONNECTION_FORCED - because")
    assert "q" not in engine.vhost.queues


# -- time, and new secrets ----------------------------------------------------------------------


async def test_credentials_expire(ann, oracle, engine):
    oracle.expires_at = engine.clock.now_ms() + 60_000
    client = await ann()
    engine.advance(59)
    assert client.silent
    engine.advance(2)
    client.expect_close(320, "CONNECTION_FORCED - credential expired")


async def test_a_new_secret_in_time(ann, oracle, engine):
    oracle.expires_at = engine.clock.now_ms() + 60_000
    client = await ann()
    oracle.expires_at += 60_000
    client.send_method(0, "connection.update-secret", new_secret=b"new", reason="because")
    await settle(engine)
    client.expect("connection.update-secret-ok", 0)
    engine.advance(100)
    assert client.silent
    engine.advance(21)
    client.expect_close(320, "CONNECTION_FORCED - credential expired")


@pytest.mark.parametrize("denied", [(), ("enter",)])
async def test_a_secret_that_is_refused(ann, oracle, engine, denied):
    client = await ann()
    secret = b"new" if denied else b"wrong"
    oracle.denied.add(denied or ("nothing",))
    client.send_method(0, "connection.update-secret", new_secret=secret, reason="because")
    await settle(engine)
    text = "NOT_ALLOWED - New secret was refused by one of the backends"
    client.expect_close(530, text)


async def test_a_new_secret_asks_anew(ann, oracle, engine):
    client = await ann()
    await call(engine, client, "queue.declare", queue="q")
    oracle.denied.add(("configure", "queue", "q"))
    client.send_method(0, "connection.update-secret", new_secret=b"new", reason="because")
    await settle(engine)
    client.expect("connection.update-secret-ok", 0)
    client.send_method(1, "queue.declare", queue="q")
    await settle(engine)
    client.expect_close(403, channel=1)


# -- which back ends there are --------------------------------------------------------------------


def test_no_such_backend(engine):
    with pytest.raises(StartError, match=r'there is no "ldap", only .*http, internal, oauth2'):
        access.open_backends(
            Options(auth_backends=("internal", "ldap")), engine.vhosts.users, engine.clock
        )


def test_a_backend_that_is_not_installed(engine, monkeypatch):
    point = EntryPoint("oauth2", "no_such_module:make", GROUP)
    monkeypatch.setitem(access.SHIPPED, "oauth2", point)
    with pytest.raises(StartError, match=r"install leveret\[oauth2\]"):
        access.open_backends(Options(auth_backends=("oauth2",)), engine.vhosts.users, engine.clock)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("http", "http needs --auth-http-user-path"),
        ("oauth2", "needs --oauth2-resource-server-id"),
    ],
)
def test_a_backend_that_is_not_set_up(engine, name, reason):
    with pytest.raises(StartError, match=reason):
        access.open_backends(Options(auth_backends=(name,)), engine.vhosts.users, engine.clock)


async def test_closing_closes_them(engine, oracle):
    await engine.context.keeper.close()
    assert oracle.questions == ["closed"]


async def test_without_internal_nobody_is_known_here(engine, oracle):
    engine.context.keeper = Gatekeeper([oracle], engine.vhosts.users, engine.clock, ASKED_FOR)
    client = engine.client()
    client.start()
    client.send_start_ok("guest", "guest")
    await settle(engine)
    client.expect_close(403)
