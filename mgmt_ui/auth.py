"""Who is asking, and may they: basic credentials, loopback users, tags (spec 1.3, 1.4).

Knows no HTTP library: it is given header values and addresses.
"""

import base64
import binascii
from enum import StrEnum
from ipaddress import ip_address
from typing import TYPE_CHECKING

from mgmt_ui.errors import ApiError, not_authorised

if TYPE_CHECKING:
    from mgmt_ui.server import VirtualHosts
    from vhosts.users import User

CHALLENGE = {"www-authenticate": 'Basic realm="RabbitMQ Management"'}
LOOPBACK_USERS = frozenset({"guest"})


class Tag(StrEnum):
    """What a route asks of its user."""

    NONE = "none"
    MANAGEMENT = "management"
    POLICYMAKER = "policymaker"
    MONITORING = "monitoring"
    ADMINISTRATOR = "administrator"


# tag of a route -> (tags of users that open it, the reason given to all others)
REQUIRED: dict[Tag, tuple[frozenset[str], str]] = {
    Tag.MANAGEMENT: (
        frozenset({"management", "policymaker", "monitoring", "administrator"}),
        "Not management user",
    ),
    Tag.POLICYMAKER: (
        frozenset({"policymaker", "administrator"}),
        "User not authorised to access object",
    ),
    Tag.MONITORING: (frozenset({"monitoring", "administrator"}), "Not monitor user"),
    Tag.ADMINISTRATOR: (frozenset({"administrator"}), "Not administrator user"),
}


def has_tag(user: "User", tag: Tag) -> bool:
    """Whether one of the user's tags is `tag` or implies it (spec 1.4)."""
    return tag is Tag.NONE or not REQUIRED[tag][0].isdisjoint(user.tags)


def check_tag(user: "User", tag: Tag) -> None:
    """Raises ApiError 401 with the reason that belongs to `tag`."""
    if not has_tag(user, tag):
        raise not_authorised(REQUIRED[tag][1])


def authenticate(
    vhosts: "VirtualHosts", authorization: str | None, remote: str | None, *, scripted: bool = False
) -> "User":
    """The user of a request; ApiError 401 for unknown ones, and loopback users from afar.

    `authorization` is the header's value, `remote` the client's address. `scripted` requests
    (with x-requested-with) get no challenge, which a browser would answer with a dialog.
    """
    if not authorization:
        raise ApiError(401, headers=CHALLENGE)
    credentials = parse_basic(authorization)
    user = credentials and vhosts.users.authenticate(*credentials)
    if not user:
        raise ApiError(401, "not_authorized", "Login failed", {} if scripted else CHALLENGE)
    if user.name in LOOPBACK_USERS and not is_loopback(remote):
        raise not_authorised("User can only log in via localhost")
    return user


def parse_basic(authorization: str) -> tuple[str, str] | None:
    """Name and password of a Basic header; None for anything else."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        raw = base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
    name, colon, password = raw.decode("utf-8", "surrogateescape").partition(":")
    return (name, password) if colon else None


def is_loopback(remote: str | None) -> bool:
    """Whether an address is this machine's own, in IPv4, IPv6, or the one within the other."""
    try:
        address = ip_address((remote or "").partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)
