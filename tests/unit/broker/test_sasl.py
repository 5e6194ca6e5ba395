import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.sasl import (
    MECHANISMS,
    STRANGER,
    Credentials,
    MalformedResponse,
    NoCertificate,
    Peer,
    offered,
)
from tests.support.encoding import Typed, encode_table_entries

PLAIN, AMQPLAIN = MECHANISMS["PLAIN"].read, MECHANISMS["AMQPLAIN"].read
EXTERNAL, ANONYMOUS = MECHANISMS["EXTERNAL"].read, MECHANISMS["ANONYMOUS"].read


@pytest.mark.parametrize(
    ("peer", "names"),
    [
        (STRANGER, "AMQPLAIN PLAIN"),
        (Peer(verified=True), "AMQPLAIN PLAIN EXTERNAL"),
        (Peer(anonymous_user="guest"), "AMQPLAIN PLAIN ANONYMOUS"),
        (Peer(True, "ann", "guest"), "AMQPLAIN PLAIN EXTERNAL ANONYMOUS"),
    ],
)
def test_what_is_offered_and_in_which_order(peer, names):
    assert offered(peer) == names


def test_only_what_is_allowed_is_offered():
    assert offered(Peer(True, "ann", "guest"), ("ANONYMOUS", "EXTERNAL")) == "EXTERNAL ANONYMOUS"
    assert offered(STRANGER, ("EXTERNAL",)) == ""


@pytest.mark.parametrize("response", [b"", b"somebody else"])
def test_proven_already(response):
    peer = Peer(True, "ann", "guest")
    assert EXTERNAL(response, peer) == Credentials("ann", None)
    assert ANONYMOUS(response, peer) == Credentials("guest", None)


@pytest.mark.parametrize(
    ("read", "error"), [(EXTERNAL, NoCertificate), (ANONYMOUS, MalformedResponse)]
)
def test_not_proven_at_all(read, error):
    with pytest.raises(error):
        read(b"ann", Peer(verified=True))


@pytest.mark.parametrize(
    ("response", "credentials"),
    [
        (b"\x00guest\x00secret", ("guest", "secret")),
        (b"\x00guest\x00", ("guest", "")),
        (b"\x00\x00", ("", "")),
        ("\x00jörg\x00pässword".encode(), ("jörg", "pässword")),
        (b"\x00\xff\x00\xfe", ("\udcff", "\udcfe")),
    ],
)
def test_plain(response, credentials):
    assert PLAIN(response, STRANGER) == Credentials(*credentials)


@pytest.mark.parametrize(
    "response", [b"", b"guest", b"x\x00guest\x00secret", b"\x00guest", b"\x00guest\x00a\x00b"]
)
def test_malformed_plain(response):
    with pytest.raises(MalformedResponse):
        PLAIN(response, STRANGER)


@pytest.mark.parametrize("tag", ["S", "x"])
def test_amqplain(tag):
    secret = "secret" if tag == "S" else b"secret"
    response = encode_table_entries({"LOGIN": "guest", "PASSWORD": Typed(tag, secret)})
    assert AMQPLAIN(response, STRANGER) == Credentials("guest", "secret")


@pytest.mark.parametrize(
    "entries",
    [
        {},
        {"LOGIN": "guest"},
        {"PASSWORD": "secret"},
        {"login": "guest", "password": "secret"},
        {"LOGIN": "guest", "PASSWORD": 5},
    ],
)
def test_malformed_amqplain(entries):
    with pytest.raises(MalformedResponse):
        AMQPLAIN(encode_table_entries(entries), STRANGER)


@given(st.sampled_from([PLAIN, AMQPLAIN]), st.binary(max_size=40))
def test_any_bytes_are_credentials_or_malformed(read, response):
    try:
        credentials = read(response, STRANGER)
    except MalformedResponse:
        return
    assert isinstance(credentials, Credentials)
