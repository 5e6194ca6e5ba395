"""Logins over TLS and by certificates, and what management tells of both (spec 2.4, 3.3 there).

These need a broker of their own with a certificate, so they run where it is started here, not
against the address of a running one.
"""

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from tests.support.broker import Broker
from tests.support.certificates import Authority, Pair
from tests.support.eventually import eventually
from tests.support.rabbitmq import RabbitMQ
from tests.support.target import Target, path_segment
from tests.support.wire import Address, Disconnected, WireClient

pytestmark = pytest.mark.timeout(180, method="signal")
SUBJECT = x509.Name(
    [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, 'Hare, "Fox" & Söhne~'),
        x509.NameAttribute(NameOID.COMMON_NAME, "worker"),
    ]
)
SUBJECT_TEXT = r"CN=worker,O=Hare\, \"Fox\" & S\C3\B6hne\7E,C=DE"
"""As RabbitMQ writes it."""
REFUSED = "ACCESS_REFUSED - Login was refused using authentication mechanism EXTERNAL. *"


class Secure(NamedTuple):
    """A broker with TLS that verifies the certificates that `authority` has issued."""

    target: Target
    amqps: Address
    authority: Authority

    def client(self, pair: Pair | None = None, **limits: Any) -> WireClient:
        """A connection, with a certificate or without; `limits` are attributes of the context."""
        context = self.authority.client(pair)
        for name, value in limits.items():
            setattr(context, name, value)
        return WireClient(self.amqps, tls=context)

    def shown(self) -> dict[str, Any]:
        """The one connection that there is, as a list has it."""

        def found() -> dict[str, Any] | None:
            rows = [row for row in self.target.api("GET", "connections")[1] if row.get("ssl")]
            return rows[0] if len(rows) == 1 else None

        row = eventually(found, why="a single connection with TLS")
        assert row
        return row


Start = Callable[[str], Secure]


def _rabbitmq(authority: Authority, server: Pair, names: str, stack: ExitStack) -> Secure:
    node = RabbitMQ(
        "listeners.ssl.1 = 127.0.0.1:{amqps}",
        f"ssl_options.cacertfile = {authority.file}",
        f"ssl_options.certfile = {server.cert}",
        f"ssl_options.keyfile = {server.key}",
        "ssl_options.verify = verify_peer",
        "ssl_options.fail_if_no_peer_cert = false",
        "ssl_options.versions.1 = tlsv1.2",
        "ssl_options.versions.2 = tlsv1.3",
        *(
            f"auth_mechanisms.{n} = {name}"
            for n, name in enumerate(("PLAIN", "AMQPLAIN", "EXTERNAL"))
        ),
        f"ssl_cert_login_from = {names}",
        "collect_statistics_interval = 500",
        plugins=("rabbitmq_auth_mechanism_ssl",),
    )
    stack.callback(node.close)
    node.start()
    return Secure(Target(node.amqp, node.http, "rabbitmq"), node.amqps, authority)


def _leveret(authority: Authority, server: Pair, names: str, stack: ExitStack) -> Secure:
    broker = Broker(
        authority.directory / names,
        *("--amqps-port", "0", "--https-port", "off", "--tls-verify", "peer"),
        *("--tls-cert", str(server.cert), "--tls-key", str(server.key)),
        *("--tls-ca", str(authority.file), "--tls-username-from", names),
    )
    stack.enter_context(broker)
    return Secure(Target(broker.amqp, broker.http, "leveret"), broker.amqps, authority)


@pytest.fixture(scope="module")
def start_secure(target: Target, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """A factory: a broker of the kind under test that takes users' names from this place."""
    if target.started is None:
        pytest.skip("needs a broker with a certificate, which is not there to be started")
    authority = Authority(tmp_path_factory.mktemp("tls"))
    server = authority.issue("server")
    started: dict[str, Secure] = {}
    with ExitStack() as stack:

        def start(names: str) -> Secure:
            if names not in started:
                make = _rabbitmq if target.is_rabbitmq else _leveret
                started[names] = make(authority, server, names, stack)
            return started[names]

        yield start


@pytest.fixture
def secure(start_secure: Start) -> Secure:
    return start_secure("distinguished_name")


@pytest.fixture
def worker(start_secure: Start) -> Pair:
    """The certificate of SUBJECT, whom nobody knows by default."""
    return start_secure("distinguished_name").authority.issue("worker", subject=SUBJECT)


def let_in(secure: Secure, user: str) -> None:
    """There is such a user, without a password."""
    status, _ = secure.target.api(
        "PUT", f"users/{path_segment(user)}", {"password_hash": "", "tags": ""}
    )
    assert status in (201, 204)
    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    path = f"permissions/%2F/{path_segment(user)}"
    assert secure.target.api("PUT", path, everything)[0] in (201, 204)


def by_certificate(client: WireClient) -> WireClient:
    """Logs in with EXTERNAL and opens a channel."""
    client.login(mechanism="EXTERNAL", response=b"")
    client.tune_ok()
    client.open_vhost()
    client.call(1, "channel.open")
    return client


# -- logging in --------------------------------------------------------------------------------


def test_external_is_offered_by_tls_only(secure: Secure):
    with secure.client() as client, WireClient(secure.target.amqp) as plain:
        offered = set(client.start().arguments["mechanisms"].split())
        assert offered == {b"PLAIN", b"AMQPLAIN", b"EXTERNAL"}
        assert set(plain.start().arguments["mechanisms"].split()) == {b"PLAIN", b"AMQPLAIN"}


@pytest.mark.parametrize(
    ("mechanism", "response"),
    [
        ("PLAIN", b"\0guest\0guest"),
        ("AMQPLAIN", b"\x05LOGINS\0\0\0\x05guest\x08PASSWORDS\0\0\0\x05guest"),
    ],
)
def test_passwords_over_tls(secure: Secure, mechanism: str, response: bytes):
    with secure.client() as client:
        client.login(mechanism=mechanism, response=response)
        client.tune_ok()
        client.open_vhost()
        row = secure.shown()
    assert (row["user"], row["auth_mechanism"], row["ssl"]) == ("guest", mechanism, True)


def test_a_wrong_password_over_tls(secure: Secure):
    with secure.client() as client:
        client.start()
        client.send_start_ok(response=b"\0guest\0wrong")
        client.expect_close(403, "ACCESS_REFUSED - Login was refused using *")


def test_external_by_the_whole_name(secure: Secure, worker: Pair):
    let_in(secure, SUBJECT_TEXT)
    with secure.client(worker) as client:
        by_certificate(client)
        client.call(1, "queue.declare", exclusive=True)
        row = secure.shown()
    assert (row["user"], row["auth_mechanism"]) == (SUBJECT_TEXT, "EXTERNAL")


def test_external_by_the_common_name(start_secure: Start, worker: Pair):
    secure = start_secure("common_name")
    let_in(secure, "worker")
    with secure.client(worker) as client:
        by_certificate(client)
        assert secure.shown()["user"] == "worker"


def test_external_says_whatever_it_likes(start_secure: Start, worker: Pair):
    secure = start_secure("common_name")
    let_in(secure, "worker")
    with secure.client(worker) as client:
        client.login(mechanism="EXTERNAL", response=b"guest")
        client.tune_ok()
        client.open_vhost()
        assert secure.shown()["user"] == "worker"


def test_external_for_whom_nobody_knows(secure: Secure):
    with secure.client(secure.authority.issue("stranger")) as client:
        client.start()
        client.send_start_ok(mechanism="EXTERNAL", response=b"")
        client.expect_close(403, REFUSED)


def test_external_without_a_certificate(secure: Secure):
    with secure.client() as client:
        client.start()
        client.send_start_ok(mechanism="EXTERNAL", response=b"")
        client.expect_close(403, REFUSED)


def test_external_without_tls(secure: Secure):
    with WireClient(secure.target.amqp) as client:
        client.start()
        client.send_start_ok(mechanism="EXTERNAL", response=b"")
        client.expect_disconnect()


# -- certificates that are not to be believed --------------------------------------------------


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("fault", ["expired", "another authority"])
def test_a_certificate_that_is_refused(
    secure: Secure, tmp_path: Path, fault: str, version: ssl.TLSVersion
):
    authority = secure.authority if fault == "expired" else Authority(tmp_path / "other")
    pair = authority.issue("bad", expired=fault == "expired")
    with pytest.raises((Disconnected, OSError)):  # SSLError is one
        with secure.client(pair, minimum_version=version, maximum_version=version) as client:
            client.start()


# -- what management tells ---------------------------------------------------------------------


def of_tls(row: dict[str, Any]) -> dict[str, Any]:
    """The members about TLS."""
    return {name: row[name] for name in row if name.startswith(("ssl", "peer_cert"))}


SUITES = {
    "ECDHE-ECDSA-AES256-GCM-SHA384": ("ecdhe_ecdsa", "aes_256_gcm", "aead"),
    "ECDHE-ECDSA-AES128-GCM-SHA256": ("ecdhe_ecdsa", "aes_128_gcm", "aead"),
    "ECDHE-ECDSA-CHACHA20-POLY1305": ("ecdhe_ecdsa", "chacha20_poly1305", "aead"),
    "ECDHE-ECDSA-AES256-CCM": ("ecdhe_ecdsa", "aes_256_ccm", "aead"),
    "ECDHE-ECDSA-AES256-SHA384": ("ecdhe_ecdsa", "aes_256_cbc", "sha384"),
    "ECDHE-ECDSA-AES128-SHA256": ("ecdhe_ecdsa", "aes_128_cbc", "sha256"),
    "ECDHE-ECDSA-AES256-SHA": ("ecdhe_ecdsa", "aes_256_cbc", "sha"),
}


@pytest.mark.parametrize("suite", SUITES)
def test_a_session_of_tls_1_2(secure: Secure, suite: str):
    context = secure.authority.client()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(f"{suite}:@SECLEVEL=0")
    try:
        client = WireClient(secure.amqps, tls=context)
    except ssl.SSLError:
        assert suite.endswith(("SHA", "CCM")), "not one that the broker may leave out"
        pytest.skip("the broker does not offer it")
    with client:
        client.connect()
        row = secure.shown()
    exchange, cipher, digest = SUITES[suite]
    assert of_tls(row) == {
        "ssl": True,
        "ssl_protocol": "tlsv1.2",
        "ssl_cipher": cipher,
        "ssl_hash": digest,
        "ssl_key_exchange": exchange,
        "peer_cert_subject": None,
        "peer_cert_issuer": None,
        "peer_cert_validity": None,
    }


def test_a_session_of_tls_1_3_with_a_certificate(secure: Secure, worker: Pair):
    with secure.client(worker, minimum_version=ssl.TLSVersion.TLSv1_3) as client:
        client.connect()
        row = secure.shown()
        single = secure.target.api("GET", f"connections/{path_segment(row['name'])}")[1]
    certificate = x509.load_pem_x509_certificate(worker.cert.read_bytes())
    ends = (certificate.not_valid_before_utc, certificate.not_valid_after_utc)
    expected = {
        "ssl": True,
        "ssl_protocol": "tlsv1.3",
        "ssl_cipher": "aes_256_gcm",
        "ssl_hash": "aead",
        "ssl_key_exchange": "any",
        "peer_cert_subject": SUBJECT_TEXT,
        "peer_cert_issuer": "CN=Test CA",
        "peer_cert_validity": " - ".join(f"{end:%Y-%m-%dT%H:%M:%SZ}" for end in ends),
    }
    assert of_tls(row) == of_tls(single) == expected


def test_listeners_of_tls(secure: Secure):
    listeners = secure.target.api("GET", "overview")[1]["listeners"]
    assert secure.amqps.port in {row["port"] for row in listeners if row["protocol"] == "amqp/ssl"}
