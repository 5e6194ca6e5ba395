"""Logins by other means than a password, in memory."""

import pytest

from broker import sasl
from broker.certificates import Certificate
from broker.handshake import Limits
from broker.tls import Session
from tests.support.wire import Disconnected

CERTIFICATE = Certificate("CN=guest,O=x", "CN=CA", "a - b", "guest", (("DNS", "guest.example"),))


def session(certificate=CERTIFICATE, verifies=True):
    return Session("tlsv1.3", "aes_256_gcm", "any", "aead", verifies, certificate)


def test_who_comes_by_tls():
    limits = Limits(certificate_names="san_dns", anonymous_user="ann")
    assert sasl.peer(session(), limits) == sasl.Peer(True, "guest.example", "ann")
    assert sasl.peer(session(None), limits) == sasl.Peer(True, None, "ann")
    assert sasl.peer(session(None, False), limits) == sasl.Peer(False, None, "ann")
    assert sasl.peer(None, Limits()) == sasl.STRANGER


def test_anonymous_is_off(engine):
    client = engine.client()
    assert client.start().arguments["mechanisms"] == b"AMQPLAIN PLAIN"
    client.send_start_ok(mechanism="ANONYMOUS", response=b"")
    engine.advance(4)
    with pytest.raises(Disconnected):
        client.read_bytes(1)


def test_anonymous(engine):
    engine.context.limits.anonymous_user = "guest"
    client = engine.client()
    assert client.start().arguments["mechanisms"] == b"AMQPLAIN PLAIN ANONYMOUS"
    client.send_start_ok(mechanism="ANONYMOUS", response=b"anything")
    client.expect("connection.tune", 0)
    client.tune_ok()
    client.open_vhost()
    (connection,) = engine.context.connections
    assert connection.user.name == "guest"
    assert connection.mechanism == "ANONYMOUS"


@pytest.mark.parametrize(("user", "peer"), [("guest", "192.0.2.1"), ("nobody", "127.0.0.1")])
def test_anonymous_is_no_way_round_other_rules(engine, user, peer):
    engine.context.limits.anonymous_user = user
    client = engine.client(peer)
    client.start()
    client.send_start_ok(mechanism="ANONYMOUS", response=b"")
    client.expect_close(403, "ACCESS_REFUSED - Login was refused using*", channel=0)


def test_only_some_mechanisms(engine):
    engine.context.limits.mechanisms = ("PLAIN",)
    client = engine.client()
    assert client.start().arguments["mechanisms"] == b"PLAIN"
    client.send_start_ok(mechanism="AMQPLAIN", response=b"")
    engine.advance(4)
    with pytest.raises(Disconnected):
        client.read_bytes(1)
