"""SASL mechanisms: what a client's response says of who it is (spec 2.4).

Here: one function for each mechanism, from the response of start-ok to name and
password, and which are offered to whom.  Not here: whether they are right, and what
is answered.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from broker.amqp.tables import Table, TableError, decode_entries

if TYPE_CHECKING:
    from broker.handshake import Limits
    from broker.tls import Session


class Credentials(NamedTuple):
    """A name and a password, any bytes of which stand as surrogate escapes.

    No password (None): something else has proven already that it is this user.
    """

    name: str
    password: str | None


class Peer(NamedTuple):
    """What is known of a client before it says anything.

    `verified`: its certificate would be, if it had one, and `certificate_user` is whom it stands
    for.  `anonymous_user` is whom those are let in as who are nobody; None where they are not.
    """

    verified: bool = False
    certificate_user: str | None = None
    anonymous_user: str | None = None


STRANGER = Peer()


def peer(tls: "Session | None", limits: "Limits") -> Peer:
    """What is known of a client that has come by TLS, or without."""
    anonymous = limits.anonymous_user
    if tls is None or not tls.verifies:
        return Peer(anonymous_user=anonymous)
    user = tls.certificate and tls.certificate.user_name(limits.certificate_names)
    return Peer(True, user, anonymous)


class MalformedResponse(Exception):
    """The response is not what the mechanism wants."""


class NoCertificate(Exception):
    """There is no certificate, or nobody's name in it."""


def plain(response: bytes, peer: Peer) -> Credentials:
    """PLAIN: NUL, name, NUL, password; the authorization identity before it must be empty."""
    parts = response.split(b"\x00")
    if len(parts) != 3 or parts[0]:
        raise MalformedResponse
    return Credentials(_text(parts[1]), _text(parts[2]))


def amqplain(response: bytes, peer: Peer) -> Credentials:
    """AMQPLAIN: the contents of a table with LOGIN and PASSWORD, without its length."""
    try:
        table = decode_entries(response)
    except TableError:
        raise MalformedResponse from None
    return Credentials(_entry(table, "LOGIN"), _entry(table, "PASSWORD"))


def _entry(table: Table, key: str) -> str:
    tag, value = table.get(key, ("V", None))
    if tag == "S":
        text: str = value
        return text
    if tag == "x":
        return _text(value)
    raise MalformedResponse


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def external(response: bytes, peer: Peer) -> Credentials:
    """EXTERNAL: the certificate says it all; what the response holds is ignored."""
    if peer.certificate_user is None:
        raise NoCertificate
    return Credentials(peer.certificate_user, None)


def anonymous(response: bytes, peer: Peer) -> Credentials:
    """ANONYMOUS: the response is ignored, too."""
    if peer.anonymous_user is None:
        raise MalformedResponse
    return Credentials(peer.anonymous_user, None)


class Mechanism(NamedTuple):
    """A row: how the response is read, and to whom the mechanism is offered."""

    read: Callable[[bytes, Peer], Credentials]
    fits: Callable[[Peer], bool]


def _anybody(peer: Peer) -> bool:
    return True


# In the order in which they are offered.  Names are case sensitive.  EXTERNAL is offered to those
# without a certificate, too: that it is missing can be told only to who has tried.
MECHANISMS: dict[str, Mechanism] = {
    "AMQPLAIN": Mechanism(amqplain, _anybody),
    "PLAIN": Mechanism(plain, _anybody),
    "EXTERNAL": Mechanism(external, lambda peer: peer.verified),
    "ANONYMOUS": Mechanism(anonymous, lambda peer: peer.anonymous_user is not None),
}
ALL = tuple(MECHANISMS)


def offered(peer: Peer, allowed: Sequence[str] = ALL) -> str:
    """The names of the mechanisms for this client among those `allowed`, with blanks between."""
    return " ".join(
        name for name, each in MECHANISMS.items() if name in allowed and each.fits(peer)
    )
