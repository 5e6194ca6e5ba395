"""Topic permissions: the routing keys that a user may write and read in topic exchanges (10.3).

An exchange that a user has no entry for is open to all routing keys. What the user may do with
the exchange as a whole is in permissions.py, and is checked before.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from vhosts import errors
from vhosts.patterns import compiled

# Keys can be endless, and are asked for again and again.
_MAX_ANSWERS = 4096


class TopicPermission:
    """One user's two patterns for one exchange. InvalidValue when one cannot be compiled.

    `{username}` and `{vhost}` in them stand for the names, literally.
    """

    __slots__ = ("_answers", "_patterns", "exchange", "read", "user", "vhost", "write")

    def __init__(self, user: str, vhost: str, exchange: str, write: str, read: str) -> None:
        self.user = user
        self.vhost = vhost
        self.exchange = exchange
        self.write = write
        self.read = read
        for given in (write, read):
            compiled(given)  # before it is expanded: an error names what was typed
        self._patterns = {
            "write": compiled(self._expanded(write)),
            "read": compiled(self._expanded(read)),
        }
        self._answers: dict[tuple[str, str], bool] = {}

    def _expanded(self, pattern: str) -> str:
        named = pattern.replace("{username}", re.escape(self.user))
        return named.replace("{vhost}", re.escape(self.vhost))

    def allows(self, permission: str, key: str) -> bool:
        """`permission` is 'write' or 'read'."""
        answer = self._answers.get((permission, key))
        if answer is None:
            if len(self._answers) >= _MAX_ANSWERS:
                self._answers.clear()
            pattern = self._patterns[permission]
            answer = pattern is not None and pattern.search(key)
            self._answers[permission, key] = answer
        return answer


class TopicPermissionStore(Protocol):
    """Where topic permissions survive."""

    def save_topic_permission(
        self, user: str, vhost: str, exchange: str, write: str, read: str
    ) -> None: ...

    def delete_topic_permission(self, user: str, vhost: str, exchange: str) -> None: ...


class TopicPermissions:
    """All topic permissions, written through to the store; `changed(vhost)` as of Permissions."""

    def __init__(
        self,
        store: TopicPermissionStore,
        changed: Callable[[str], None],
        entries: Iterable[TopicPermission] = (),
    ) -> None:
        self._store = store
        self._changed = changed
        # By user and virtual host, so that most are answered by one look: there is none.
        self._entries: dict[tuple[str, str], dict[str, TopicPermission]] = {}
        for entry in entries:
            self._entries.setdefault((entry.user, entry.vhost), {})[entry.exchange] = entry

    def __iter__(self) -> Iterator[TopicPermission]:
        return (entry for entries in self._entries.values() for entry in entries.values())

    def of(self, user: str, vhost: str) -> list[TopicPermission]:
        """All entries of one user in one virtual host."""
        return list(self._entries.get((user, vhost), {}).values())

    def set(self, user: str, vhost: str, exchange: str, write: str, read: str) -> None:
        """Raises InvalidValue, and changes nothing, when one of the patterns is no regex."""
        entry = TopicPermission(user, vhost, exchange, write, read)
        self._entries.setdefault((user, vhost), {})[exchange] = entry
        self._store.save_topic_permission(user, vhost, exchange, write, read)
        self._changed(vhost)

    def delete(self, user: str, vhost: str, exchange: str | None = None) -> bool:
        """The entry for one exchange, or all of the user there; whether there was any."""
        entries = self._entries.get((user, vhost), {})
        doomed = [name for name in entries if exchange in (None, name)]
        for name in doomed:
            del entries[name]
            self._store.delete_topic_permission(user, vhost, name)
        if not entries:
            self._entries.pop((user, vhost), None)
        if doomed:
            self._changed(vhost)
        return bool(doomed)

    def delete_user(self, user: str) -> None:
        """All entries of a user that goes."""
        for owner, vhost in [key for key in self._entries if key[0] == user]:
            self.delete(owner, vhost)

    def forget_vhost(self, vhost: str) -> None:
        """All entries in a virtual host that goes; the store drops them with it."""
        for key in [key for key in self._entries if key[1] == vhost]:
            del self._entries[key]

    def check(self, user: str, vhost: str, permission: str, exchange: str, key: str) -> None:
        """Raises AccessRefused unless the user may use this routing key in the topic exchange."""
        entry = self._entries.get((user, vhost), {}).get(exchange)
        if entry is not None and not entry.allows(permission, key):
            raise errors.topic_refused(permission, key, exchange, vhost, user)
