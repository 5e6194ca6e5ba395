"""TLS as clients meet it: pika, aio-pika, an HTTP client, openssl, and a SIGHUP in between."""

import asyncio
import base64
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import aio_pika
import pika
import pytest
from pika.exceptions import ProbableAuthenticationError

from tests.support.broker import Broker
from tests.support.certificates import Authority
from tests.support.eventually import eventually
from tests.support.wire import Disconnected, WireClient

StartBroker = Callable[..., Broker]


@pytest.fixture
def authority(tmp_path) -> Authority:
    return Authority(tmp_path / "ca")


@pytest.fixture
def secure(authority: Authority, start_broker: StartBroker) -> Callable[..., Broker]:
    """A factory: a broker with a certificate, AMQPS and HTTPS, and further options."""
    cert, key = authority.issue("server")

    def start(*options: str) -> Broker:
        return start_broker(
            *("--amqps-port", "0", "--https-port", "0"),
            *("--tls-cert", str(cert), "--tls-key", str(key), *options),
        )

    return start


def get(broker: Broker, path: str, context: ssl.SSLContext, user: str = "guest:guest") -> Any:
    request = urllib.request.Request(
        f"https://localhost:{broker.https.port}/api/{path}",
        headers={"authorization": "Basic " + base64.b64encode(user.encode()).decode()},
    )
    with urllib.request.urlopen(request, timeout=10, context=context) as response:
        return json.load(response)


def parameters(broker: Broker, context: ssl.SSLContext) -> pika.ConnectionParameters:
    return pika.ConnectionParameters(
        "localhost", broker.amqps.port, ssl_options=pika.SSLOptions(context, "localhost")
    )


def test_pika(secure, authority):
    broker = secure()
    with pika.BlockingConnection(parameters(broker, authority.client())) as connection:
        channel = connection.channel()
        channel.queue_declare("q", durable=True)
        channel.confirm_delivery()
        large = os.urandom(9_000_000)
        channel.basic_publish("", "q", large, pika.BasicProperties(delivery_mode=2))
        _, _, body = channel.basic_get("q", auto_ack=True)
        assert body == large


async def test_aio_pika(secure, authority):
    broker = secure()
    url = f"amqps://guest:guest@localhost:{broker.amqps.port}/"
    async with await aio_pika.connect(url, ssl_context=authority.client()) as connection:
        channel = await connection.channel()
        await channel.set_qos(100)
        queue = await channel.declare_queue("q")
        bodies = [bytes([number]) * number * 500 for number in range(200)]
        publish = channel.default_exchange.publish
        await asyncio.gather(*(publish(aio_pika.Message(body), "q") for body in bodies))
        received = []
        async with queue.iterator(timeout=20) as messages:
            async for message in messages:
                await message.ack()
                received.append(message.body)
                if len(received) == len(bodies):
                    break
        assert received == bodies


def test_a_consumer_that_does_not_read_holds_up_nobody(secure, authority):
    broker = secure()
    context = authority.client()
    with WireClient(broker.amqps, tls=context) as slow, WireClient(broker.amqps, tls=context) as ok:
        slow.connect()
        slow.call(1, "queue.declare", queue="q")
        slow.call(1, "basic.consume", queue="q", no_ack=True)
        ok.connect()
        body = bytes(1 << 20)
        for _ in range(40):
            ok.publish("", "q", body)
        ok.call(1, "queue.declare", queue="other")
        for _ in range(40):
            assert slow.expect_content("basic.deliver", 1).body == body


def test_management_shows_listeners_and_sessions(secure, authority):
    broker = secure()
    context = authority.client()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-ECDSA-AES256-GCM-SHA384")
    overview = get(broker, "overview", context)
    ports = {each["protocol"]: each["port"] for each in overview["listeners"]}
    assert ports["amqp/ssl"] == broker.amqps.port
    assert ports["https"] == broker.https.port
    assert str(broker.https.port) in {each["port"] for each in overview["contexts"]}
    with WireClient(broker.amqps, tls=context) as client:
        client.connect()
        (row,) = get(broker, "connections", context)
    assert row["ssl"] is True
    assert row["ssl_protocol"] == "tlsv1.2"
    assert row["ssl_cipher"] == "aes_256_gcm"
    assert row["ssl_key_exchange"] == "ecdhe_ecdsa"
    assert row["ssl_hash"] == "aead"
    assert row["peer_cert_subject"] is None


def test_management_shows_certificates(secure, authority):
    broker = secure("--tls-ca", str(authority.file), "--tls-verify", "peer")
    context = authority.client(authority.issue("worker"))
    with WireClient(broker.amqps, tls=context) as client:
        client.connect()
        (row,) = get(broker, "connections", authority.client())
    assert row["ssl_protocol"] == "tlsv1.3"
    assert row["peer_cert_subject"] == "CN=worker"
    assert row["peer_cert_issuer"] == "CN=Test CA"
    assert " - " in row["peer_cert_validity"]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl command")
@pytest.mark.parametrize(
    ("options", "flag", "accepted"),
    [
        ((), "-tls1_1", False),
        ((), "-tls1_2", True),
        ((), "-tls1_3", True),
        (("--tls-min-version", "1.3"), "-tls1_2", False),
        (("--tls-min-version", "1.3"), "-tls1_3", True),
    ],
)
def test_versions(secure, authority, options, flag, accepted):
    broker = secure(*options)
    done = subprocess.run(
        (
            *("openssl", "s_client", "-connect", f"127.0.0.1:{broker.amqps.port}", flag),
            *("-cipher", "ALL:@SECLEVEL=0", "-CAfile", authority.file, "-verify_return_error"),
        ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=20,
        check=False,
    )
    assert (done.returncode == 0) is accepted, done.stderr.decode()


def test_the_handshake_has_its_time(secure):
    broker = secure("--tls-handshake-timeout", "1")
    with socket.create_connection(broker.amqps, 10) as silent:
        assert silent.recv(1) == b""
    with WireClient(broker.amqp) as client:
        client.connect()


def test_a_client_that_ends_tls_but_not_tcp(secure, authority):
    broker = secure()
    raw = socket.create_connection(broker.amqps, 10)
    into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = authority.client().wrap_bio(into, out, server_hostname="localhost")
    with raw:
        while True:
            try:
                session.do_handshake()
                break
            except ssl.SSLWantReadError:
                raw.sendall(out.read())
                into.write(raw.recv(65536))
        raw.sendall(out.read())
        with pytest.raises(ssl.SSLWantReadError):
            session.unwrap()
        raw.sendall(out.read())
        while raw.recv(65536):
            pass


def test_octets_that_are_not_tls_after_the_handshake(secure, authority):
    broker = secure()
    with WireClient(broker.amqps, tls=authority.client()) as client:
        client.connect()
        os.write(client.socket.fileno(), b"\x17\x03\x03\x00\x20" + bytes(32))
        with pytest.raises(Disconnected):
            client.read_bytes(1)


def trusts(broker: Broker, context: ssl.SSLContext) -> bool:
    try:
        with WireClient(broker.amqps, tls=context):
            return True
    except ssl.SSLCertVerificationError:
        return False


@pytest.fixture
def other(authority: Authority) -> Authority:
    return Authority(authority.directory / "other")


def test_certificates_change_on_sighup_and_connections_stay(secure, authority, other):
    broker = secure()
    old = authority.client()
    with WireClient(broker.amqps, tls=old) as client:
        client.connect()
        for path, new in zip(authority.issue("server"), other.issue("server"), strict=True):
            shutil.copy(new, path)
        os.kill(broker.pid, signal.SIGHUP)
        eventually(lambda: trusts(broker, other.client()), why="the new certificate")
        assert not trusts(broker, old)
        with pytest.raises(urllib.error.URLError):
            get(broker, "overview", old)
        assert get(broker, "overview", other.client())
        client.call(1, "queue.declare", queue="q")


def test_a_broken_certificate_is_refused_on_sighup(secure, authority):
    broker = secure()
    (authority.directory / "server.pem").write_text("half a file")
    os.kill(broker.pid, signal.SIGHUP)
    eventually(lambda: "tls_cert stays as it was: cannot use" in broker.log(), why="the refusal")
    assert trusts(broker, authority.client())


def test_only_tls(secure, authority):
    broker = secure("--amqp-port", "off", "--http-port", "off")
    assert broker.amqp.port == broker.http.port == 0
    assert "amqp=- http=- amqps=" in broker.stdout_path.read_text()
    assert trusts(broker, authority.client())
    assert get(broker, "overview", authority.client())


@pytest.fixture
def verified(secure: Callable[..., Broker], authority: Authority) -> Callable[..., Broker]:
    """A factory: a broker that knows user `worker`, and asks clients for certificates."""

    def start(*options: str) -> Broker:
        verify = ("--tls-ca", str(authority.file), "--tls-verify", "peer")
        return secure(*verify, "--default-user", "worker", *options)

    return start


def test_external_by_common_name(verified, authority):
    broker = verified("--tls-username-from", "common_name")
    login = parameters(broker, authority.client(authority.issue("worker")))
    login.credentials = pika.credentials.ExternalCredentials()
    with pika.BlockingConnection(login) as connection:
        connection.channel().queue_declare("q")
        (row,) = get(broker, "connections", authority.client(), "worker:guest")
    assert (row["user"], row["auth_mechanism"]) == ("worker", "EXTERNAL")


def test_external_for_whom_nobody_knows(verified, authority):
    broker = verified()  # by distinguished name: CN=worker
    login = parameters(broker, authority.client(authority.issue("worker")))
    login.credentials = pika.credentials.ExternalCredentials()
    with pytest.raises(ProbableAuthenticationError, match="EXTERNAL"):
        pika.BlockingConnection(login)
    assert "user 'CN=worker' refused by mechanism EXTERNAL" in broker.log()


def test_external_without_a_certificate_is_offered_and_refused(verified, authority):
    broker = verified()
    with WireClient(broker.amqps, tls=authority.client()) as client:
        assert client.start().arguments["mechanisms"] == b"AMQPLAIN PLAIN EXTERNAL"
        client.send_start_ok(mechanism="EXTERNAL", response=b"worker")
        client.expect_close(403, "ACCESS_REFUSED - Login was refused using *")
    assert "no certificate that names a user" in broker.log()


def test_external_is_not_offered_without_tls_or_verification(verified, secure, authority):
    for broker, address, context in (
        (plain := verified(), plain.amqp, None),
        (plain := secure(), plain.amqps, authority.client()),
    ):
        with WireClient(address, tls=context) as client:
            assert client.start().arguments["mechanisms"] == b"AMQPLAIN PLAIN"
            client.send_start_ok(mechanism="EXTERNAL", response=b"worker")
            with pytest.raises(Disconnected):
                client.read_bytes(1)
        assert "unknown mechanism 'EXTERNAL'" in broker.log()
