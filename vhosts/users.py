"""Users: who they are and whether they are who they say (spec 10.2).

What a user may do in a virtual host is in `permissions.py`; where it may come from, and what its
tags open, is decided by the doors themselves (AMQP handshake, management API).
"""

from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from vhosts import errors
from vhosts.passwords import (
    ALGORITHMS,
    DEFAULT_ALGORITHM,
    hash_password,
    verify_password,
)

MAX_TAGS = 32


class User:
    """One user. An empty `password_hash` means that no password opens the door.

    `identity` is for those whom another back end knows, and holds what it says of them.
    """

    __slots__ = ("hashing_algorithm", "identity", "name", "password_hash", "tags")

    def __init__(
        self,
        name: str,
        password_hash: str,
        hashing_algorithm: str = DEFAULT_ALGORITHM,
        tags: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.password_hash = password_hash
        self.hashing_algorithm = hashing_algorithm
        self.tags = tags
        self.identity: Any = None


_UNKNOWN = User("", "")


class UserStore(Protocol):
    """Where users survive."""

    def save_user(
        self, name: str, password_hash: str, hashing_algorithm: str, tags: tuple[str, ...]
    ) -> None: ...

    def delete_user(self, name: str) -> None: ...


class Users:
    """All users by name, written through to the store."""

    def __init__(self, store: UserStore, users: Iterable[User] = ()) -> None:
        self._store = store
        self._users = {user.name: user for user in users}

    def __len__(self) -> int:
        return len(self._users)

    def __iter__(self) -> Iterator[User]:
        return iter(self._users.values())

    def get(self, name: str) -> User | None:
        return self._users.get(name)

    def add(self, name: str, password: str, tags: Iterable[str] = ()) -> User:
        """Create the user, or give it this password and these tags."""
        return self.add_hashed(name, hash_password(password), DEFAULT_ALGORITHM, tags)

    def add_hashed(
        self, name: str, password_hash: str, hashing_algorithm: str, tags: Iterable[str] = ()
    ) -> User:
        """The same with a ready hash. InvalidValue for an unknown algorithm or too many tags."""
        if hashing_algorithm not in ALGORITHMS:
            raise errors.InvalidValue(f"unknown hashing_algorithm '{hashing_algorithm}'")
        user = User(name, password_hash, hashing_algorithm, tuple(tags))
        if len(user.tags) > MAX_TAGS:
            raise errors.InvalidValue(f"a user can have at most {MAX_TAGS} tags")
        self._users[name] = user
        self._store.save_user(name, password_hash, hashing_algorithm, user.tags)
        return user

    def delete(self, name: str) -> bool:
        """Whether there was such a user."""
        if self._users.pop(name, None) is None:
            return False
        self._store.delete_user(name)
        return True

    def authenticate(self, name: str, password: str) -> User | None:
        """The user whose password this is; takes as long for users that do not exist.

        A blank password is nobody's (spec 2.4).
        """
        user = self._users.get(name)
        record = user or _UNKNOWN
        matches = verify_password(password, record.password_hash, record.hashing_algorithm)
        return user if matches and password else None
