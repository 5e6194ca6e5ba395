"""Who is asking, and may they: credentials, tokens, loopback users, tags (spec 1.3, 1.4).

Knows no HTTP library: it is given header values and addresses.
"""

import base64
import binascii
from enum import StrEnum
from ipaddress import ip_address
from typing import TYPE_CHECKING

from broker import audit
from broker.clock import pause
from mgmt_ui.errors import ApiError, not_authorised

if TYPE_CHECKING:
    from mgmt_ui.server import Server
    from mgmt_ui.sessions import Sessions
    from vhosts.users import User

# A token that somebody else has signed; those of sessions have none.
JWT_DOTS = 2
CHALLENGE = {"www-authenticate": 'Basic realm="RabbitMQ Management"'}


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
    """Raises ApiError 401 with the reason that belongs to `tag`, or that it is no tag at all."""
    for needed in (Tag.MANAGEMENT, tag):
        if tag is not Tag.NONE and not has_tag(user, needed):
            raise not_authorised(REQUIRED[needed][1])


async def authenticate(
    server: "Server",
    sessions: "Sessions",
    authorization: str | None,
    remote: str | None,
    *,
    scripted: bool = False,
) -> "User":
    """The user of a request; ApiError 401 for unknown ones, and loopback users from afar.

    `authorization` is the header's value, `remote` the client's address. `scripted` requests
    (with x-requested-with) get no challenge, which a browser would answer with a dialog.
    """
    if not authorization:
        raise ApiError(401, headers={} if scripted else CHALLENGE)
    token = parse_bearer(authorization)
    if token is not None:
        user = sessions.user(token)
        if user is None and server.context.keeper is not None and token.count(".") == JWT_DOTS:
            user = await log_in(server, ("", token), remote)
    else:
        user = await log_in(server, parse_basic(authorization) or ("", ""), remote)
    if user is None:
        raise login_failed(scripted)
    check_loopback(server, user, remote)
    return user


async def log_in(
    server: "Server", credentials: tuple[str, str], remote: str | None
) -> "User | None":
    """Whose name and password these are; counts, and holds back the answer where they are wrong.

    ApiError 429 where so many others are held back that nobody listens any more.
    """
    name, password = credentials
    door = server.context.logins.door("http", remote or "")
    if not door.hears(name):
        door.failed(name)
        raise ApiError(429, "too_many_requests", "Too many failed logins", {"retry-after": "5"})
    keeper = server.context.keeper
    if keeper is None:
        user = server.vhosts.users.authenticate(name, password)
    else:
        user = await keeper.login(name, password)
    if user is None:
        audit.note("login.failed", via="http", user=name or None, address=remote)
        await pause(server.clock, door.failed(name))
    else:
        door.succeeded()
    return user


def login_failed(scripted: bool) -> ApiError:
    """401 for a wrong name, password or token."""
    return ApiError(401, "not_authorized", "Login failed", {} if scripted else CHALLENGE)


def check_loopback(server: "Server", user: "User", remote: str | None) -> None:
    """ApiError 401 where the user may only come from this machine, and does not."""
    if user.name in server.context.limits.loopback_users and not is_loopback(remote):
        raise not_authorised("User can only log in via localhost")


def parse_bearer(authorization: str) -> str | None:
    """The token of a Bearer header; None for anything else."""
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


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
