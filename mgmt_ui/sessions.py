"""Sessions: tokens that stand for a login until they expire or are handed back (spec 1.3).

Here: giving out tokens and knowing them again. Nothing is written: they end with the process.
A token is worth nothing any more once its user's password has changed or its user is gone.
"""

import secrets
from collections import OrderedDict
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from broker.clock import Clock
    from vhosts.users import User, Users

# More than these, and the oldest end: of one user, and of all.
MAX_OF_USER, MAX_SESSIONS = 100, 10_000


class _Session:
    __slots__ = ("expires", "guest", "password_hash", "user")

    def __init__(self, user: "User", expires: float) -> None:
        # Whom another back end knows, nobody here does: their name may be another's here.
        self.guest = user if user.identity is not None else None
        self.user = user.name
        self.password_hash = user.password_hash
        self.expires = expires


class Sessions:
    """The sessions of one broker."""

    def __init__(self, clock: "Clock", users: "Users") -> None:
        self._clock = clock
        self._users = users
        # By the digest of the token: what is in memory opens nothing. Oldest first.
        self._sessions: OrderedDict[bytes, _Session] = OrderedDict()

    def open(self, user: "User", seconds: float) -> str:
        """A new token for a user who has just logged in; it lasts so long."""
        token = secrets.token_urlsafe(32)
        self._make_room(user.name)
        expires = self._clock.monotonic() + self._lasting(user, seconds)
        self._sessions[_digest(token)] = _Session(user, expires)
        return token

    def user(self, token: str) -> "User | None":
        """Whose token it is, with the tags that the user has now; None where it opens nothing."""
        session = self._sessions.get(_digest(token))
        if session is None:
            return None
        if session.guest is not None and session.expires > self._clock.monotonic():
            return session.guest
        user = None if session.guest is not None else self._users.get(session.user)
        stale = user is None or user.password_hash != session.password_hash
        if stale or session.expires <= self._clock.monotonic():
            self.close(token)
            return None
        return user

    def _lasting(self, user: "User", seconds: float) -> float:
        # No longer than what a token says that was the password.
        if user.identity is None or user.identity.expires_at is None:
            return seconds
        left: float = (user.identity.expires_at - self._clock.now_ms()) / 1000
        return min(seconds, left)

    def close(self, token: str) -> None:
        """The token opens nothing any more."""
        self._sessions.pop(_digest(token), None)

    def _make_room(self, name: str) -> None:
        now, sessions = self._clock.monotonic(), self._sessions
        while sessions:
            oldest, session = next(iter(sessions.items()))
            # Those of a time when sessions lasted longer may hide expired ones: they go when asked.
            if session.expires > now and len(sessions) < MAX_SESSIONS:
                break
            del sessions[oldest]
        own = [digest for digest, session in sessions.items() if session.user == name]
        for digest in own[: max(0, len(own) - MAX_OF_USER + 1)]:
            del sessions[digest]


def _digest(token: str) -> bytes:
    return sha256(token.encode("utf-8", "surrogateescape")).digest()
