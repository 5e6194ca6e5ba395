"""Permissions: which names a user may configure, write and read in a virtual host (spec 10.3)."""

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from vhosts import errors
from vhosts.patterns import compiled
from vhosts.topic_permissions import TopicPermissions

PERMISSIONS = ("configure", "write", "read")


BROKER = "rmq-internal"
"""Who does what nobody has asked for, as RabbitMQ calls it."""


class Authorise(Protocol):
    """What is asked before anything is done for somebody; both ways raise AccessRefused."""

    @property
    def user(self) -> str:
        """Who it is done for, by name."""

    def __call__(self, permission: str, kind: str, name: str) -> None:
        """`permission` as of Permissions.check, kind 'queue' or 'exchange'."""

    def topic(self, permission: str, exchange: str, key: str) -> None:
        """A routing key in a topic exchange; `permission` is write or read."""


class Anyone:
    """What the broker does on its own account, or for `user`, needs no permission."""

    def __init__(self, user: str = BROKER) -> None:
        self.user = user

    def __call__(self, permission: str, kind: str, name: str) -> None:
        """Always fine."""

    def topic(self, permission: str, exchange: str, key: str) -> None:
        """Always fine."""


ANYONE = Anyone()

# An answer is asked for again and again, but names can be endless.
_MAX_ANSWERS = 4096


class Permission:
    """One user's three patterns in one virtual host. InvalidValue when one cannot be compiled."""

    __slots__ = ("_answers", "_patterns", "configure", "read", "user", "vhost", "write")

    def __init__(self, user: str, vhost: str, configure: str, write: str, read: str) -> None:
        self.user = user
        self.vhost = vhost
        self.configure = configure
        self.write = write
        self.read = read
        self._patterns = {
            "configure": compiled(configure),
            "write": compiled(write),
            "read": compiled(read),
        }
        self._answers: dict[tuple[str, str], bool] = {}

    def allows(self, permission: str, kind: str, name: str) -> bool:
        if not name and kind == "exchange":
            name = "amq.default"
        key = (permission, name)
        answer = self._answers.get(key)
        if answer is None:
            if len(self._answers) >= _MAX_ANSWERS:
                self._answers.clear()
            asked = PERMISSIONS if permission == "any" else (permission,)
            patterns = [self._patterns[each] for each in asked]
            answer = any(each is not None and each.search(name) for each in patterns)
            self._answers[key] = answer
        return answer


class PermissionStore(Protocol):
    """Where permissions survive."""

    def save_permission(
        self, user: str, vhost: str, configure: str, write: str, read: str
    ) -> None: ...

    def delete_permission(self, user: str, vhost: str) -> None: ...


class Permissions:
    """All permissions by user and virtual host, written through to the store.

    `changed(vhost)` is called after each change, so that what was decided before can be forgotten.
    """

    def __init__(
        self,
        store: PermissionStore,
        changed: Callable[[str], None],
        permissions: Iterable[Permission] = (),
        topics: TopicPermissions | None = None,
    ) -> None:
        self._store = store
        self._changed = changed
        self._topics = topics
        self._entries = {(entry.user, entry.vhost): entry for entry in permissions}

    def __iter__(self) -> Iterator[Permission]:
        return iter(self._entries.values())

    def get(self, user: str, vhost: str) -> Permission | None:
        """None when the user may not open the virtual host at all."""
        return self._entries.get((user, vhost))

    def set(self, user: str, vhost: str, configure: str, write: str, read: str) -> None:
        """Raises InvalidValue, and changes nothing, when one of the patterns is no regex."""
        self._entries[user, vhost] = Permission(user, vhost, configure, write, read)
        self._store.save_permission(user, vhost, configure, write, read)
        self._changed(vhost)

    def delete(self, user: str, vhost: str) -> bool:
        """Whether there was such an entry."""
        if self._entries.pop((user, vhost), None) is None:
            return False
        self._store.delete_permission(user, vhost)
        self._changed(vhost)
        return True

    def delete_user(self, user: str) -> None:
        """All entries of a user that goes."""
        for entry in [entry for entry in self if entry.user == user]:
            self.delete(user, entry.vhost)

    def forget_vhost(self, vhost: str) -> None:
        """All entries in a virtual host that goes; the store drops them with it."""
        for entry in [entry for entry in self if entry.vhost == vhost]:
            del self._entries[entry.user, vhost]

    def check_vhost(self, user: str, vhost: str) -> None:
        """Raises NotAllowed unless the user has an entry, be it all empty (spec 2.6)."""
        if (user, vhost) not in self._entries:
            raise errors.vhost_refused(vhost, user)

    def check(self, user: str, vhost: str, permission: str, kind: str, name: str) -> None:
        """Raises AccessRefused unless the user has this permission on the resource.

        `permission` 'any' asks for one of the three, which is enough for passive declares. `kind`
        is 'queue' or 'exchange'; the default exchange goes by its empty name.
        """
        entry = self._entries.get((user, vhost))
        if entry is None or not entry.allows(permission, kind, name):
            raise errors.access_refused(permission, kind, name, vhost, user)

    def authoriser(self, user: str, vhost: str) -> Authorise:
        """Does `check`, and that of topic permissions, for this user here by the present rules."""
        return _Authoriser(self, self._topics, user, vhost)


class _Authoriser:
    __slots__ = ("_permissions", "_topics", "_vhost", "user")

    def __init__(
        self, permissions: Permissions, topics: TopicPermissions | None, user: str, vhost: str
    ) -> None:
        self._permissions = permissions
        self._topics = topics
        self.user = user
        self._vhost = vhost

    def __call__(self, permission: str, kind: str, name: str) -> None:
        self._permissions.check(self.user, self._vhost, permission, kind, name)

    def topic(self, permission: str, exchange: str, key: str) -> None:
        if self._topics is not None:
            self._topics.check(self.user, self._vhost, permission, exchange, key)
