"""Names in certificates, and the users they stand for."""

import ssl
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from broker.certificates import USER_NAMES, Certificate, format_name
from tests.support.certificates import Authority

SUBJECT = x509.Name(
    [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Hare, Fox + Sons"),
        x509.NameAttribute(NameOID.COMMON_NAME, "orders"),
    ]
)
ALTERNATIVES = (
    x509.DNSName("orders.example"),
    x509.DNSName("second.example"),
    x509.RFC822Name("orders@example.org"),
    x509.UniformResourceIdentifier("spiffe://example.org/orders"),
    x509.IPAddress(ip_address("192.0.2.1")),
)


def read(authority, name, **options):
    """What a server gets to see of a client with such a certificate."""
    server, client = authority.issue("server"), authority.issue(name, **options)
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.load_cert_chain(*server)
    ours.load_verify_locations(authority.file)
    ours.verify_mode = ssl.CERT_REQUIRED
    wires = [ssl.MemoryBIO() for _ in range(2)]
    ends = [
        ours.wrap_bio(wires[0], wires[1], server_side=True),
        authority.client(client).wrap_bio(wires[1], wires[0], server_hostname="localhost"),
    ]
    for end in (ends[1], ends[0], ends[1], ends[0]):
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            continue
    return Certificate.read(ends[0].getpeercert())


@pytest.fixture
def certificate(tmp_path):
    return read(Authority(tmp_path), "orders", subject=SUBJECT, alternatives=ALTERNATIVES)


def test_names_as_rabbitmq_writes_them(certificate):
    assert certificate.subject == r"CN=orders,O=Hare\, Fox \+ Sons,C=DE"
    assert certificate.issuer == "CN=Test CA"
    begin, end = certificate.validity.split(" - ")
    assert begin < end
    assert len(begin) == len("2026-01-31T09:08:07Z") == len(end)


@pytest.mark.parametrize(
    ("source", "user"),
    [
        ("distinguished_name", r"CN=orders,O=Hare\, Fox \+ Sons,C=DE"),
        ("common_name", "orders"),
        ("san_dns", "orders.example"),
        ("san_email", "orders@example.org"),
        ("san_uri", "spiffe://example.org/orders"),
        ("san_ip", "192.0.2.1"),
    ],
)
def test_the_user(certificate, source, user):
    assert certificate.user_name(source) == user


@pytest.mark.parametrize("source", [name for name in USER_NAMES if name != "distinguished_name"])
def test_a_certificate_that_names_nobody(tmp_path, source):
    subject = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "x")])
    bare = read(Authority(tmp_path), "bare", subject=subject, alternatives=())
    assert bare.user_name(source) is None
    assert bare.user_name("distinguished_name") == "O=x"


def test_a_certificate_without_any_name(tmp_path):
    nameless = read(Authority(tmp_path), "nameless", subject=x509.Name([]), alternatives=())
    assert nameless.user_name("distinguished_name") is None


@pytest.mark.parametrize(
    ("value", "text"),
    [("#1", r"\#1"), (" a b ", r"\ a b\ "), ('"<>;\\', r"\"\<\>\;\\"), ("ü~\x7f", r"\C3\BC\7E\7F")],
)
def test_special_characters(value, text):
    assert format_name(((("commonName", value),),)) == f"CN={text}"


def test_parts_of_a_kind_and_unknown_kinds():
    name = ((("commonName", "a"), ("userId", "u")), (("1.2.3.4", "x"),))
    assert format_name(name) == "1.2.3.4=x,CN=a+UID=u"
