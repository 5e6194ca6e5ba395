"""What an authentication back end is, and what it says of somebody."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, NamedTuple, Protocol

from vhosts.users import User

if TYPE_CHECKING:
    from aiohttp import StreamReader


GROUP = "leveret.auth_backends"
# An answer that is known already, or one to wait for.
Answer = bool | Awaitable[bool]


class Unavailable(Exception):
    """A back end cannot answer; args[0] says why, without a secret.  It counts as a no."""


class Identity(NamedTuple):
    """Who somebody is, as a back end says.

    `facts` are its own (claims of a token); `expires_at` is in ms since the epoch, None: never.
    """

    user: User
    backend: Backend
    facts: object = None
    expires_at: int | None = None


class Backend(Protocol):
    """Knows users.  Made once, at the start, by a function `make(options, clock)`.

    `lasting` answers are good as long as the identity; others are asked for again after a while.
    All may raise Unavailable, and nothing else.
    """

    name: str
    lasting: bool

    async def login(self, name: str, password: str | None) -> Identity | None:
        """Who this is; None where name and password are wrong.

        Without a password, something else has proven that it is this user.
        """

    def may_enter(self, identity: Identity, vhost: str, address: str) -> Answer:
        """Whether the user may open the virtual host, from this address."""

    def may(self, identity: Identity, vhost: str, permission: str, kind: str, name: str) -> Answer:
        """`permission` is configure, write or read, `kind` queue or exchange."""

    def may_use_topic(
        self, identity: Identity, vhost: str, permission: str, exchange: str, key: str
    ) -> Answer:
        """Whether a routing key may be written to, or bound from, a topic exchange."""

    async def close(self) -> None:
        """Lets go of what it holds."""


async def read_up_to(content: StreamReader, limit: int) -> bytes:
    """All that a web server answers; raises Unavailable where that is more than `limit` octets."""
    octets = bytearray()
    while chunk := await content.read(limit + 1 - len(octets)):
        octets += chunk
        if len(octets) > limit:
            raise Unavailable(f"the web server answers with more than {limit} octets")
    return bytes(octets)
