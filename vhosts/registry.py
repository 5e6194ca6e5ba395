"""VirtualHosts: every virtual host, and the users and permissions that open them (spec 10)."""

from collections.abc import Iterator
from typing import Any, Generic

from persistence.commit import GroupCommit
from persistence.definition_store import Definitions, DefinitionStore
from persistence.message_log import MessageLog
from vhosts.interfaces import Furnish, Q, QueueFactory, Replay
from vhosts.permissions import Permission, Permissions
from vhosts.recovery import recover
from vhosts.users import User, Users
from vhosts.vhost import VirtualHost

DEFAULT_VHOST = "/"
DEFAULT_USER = "guest"


class VirtualHosts(Generic[Q]):
    """All virtual hosts by name.

    Made from what the store holds; an empty store begins with `/` and the administrator guest,
    whose password is guest. Messages are not read here: that is done on each vhost's log.
    """

    def __init__(
        self,
        store: DefinitionStore,
        commit: GroupCommit,
        definitions: Definitions,
        queue_factory: QueueFactory[Q],
        replay: Replay | None = None,
        furnish: Furnish | None = None,
    ) -> None:
        self._store = store
        self._commit = commit
        self._queue_factory = queue_factory
        self._replay = replay
        self._furnish = furnish
        self._vhosts: dict[str, VirtualHost[Q]] = {}
        self.users = Users(store, (User(*row) for row in definitions.users()))
        self.permissions = Permissions(
            store, self._permission_changed, (Permission(*row) for row in definitions.permissions())
        )
        for row in definitions.vhosts():
            recover(self._add(row.id, row.name, row.metadata), definitions)
        if not self._vhosts and not len(self.users):
            self._begin()

    def __iter__(self) -> Iterator[VirtualHost[Q]]:
        return iter(self._vhosts.values())

    def __len__(self) -> int:
        return len(self._vhosts)

    def get(self, name: str) -> VirtualHost[Q] | None:
        return self._vhosts.get(name)

    def create(self, name: str, default_queue_type: str = "classic") -> VirtualHost[Q]:
        """A new virtual host; `name` must be free."""
        vhost_id = self._store.next_vhost_id()
        metadata = {"default_queue_type": default_queue_type}
        self._store.save_vhost(vhost_id, name, metadata)
        return self._add(vhost_id, name, metadata)

    def delete_user(self, name: str) -> bool:
        """Delete a user with its permissions; whether there was one."""
        self.permissions.delete_user(name)
        return self.users.delete(name)

    def _begin(self) -> None:
        self.create(DEFAULT_VHOST)
        self.users.add(DEFAULT_USER, DEFAULT_USER, ["administrator"])
        self.permissions.set(DEFAULT_USER, DEFAULT_VHOST, ".*", ".*", ".*")

    def _add(self, vhost_id: int, name: str, metadata: dict[str, Any]) -> VirtualHost[Q]:
        vhost = VirtualHost(
            name,
            self._queue_factory,
            store=self._store,
            commit=self._commit,
            log=MessageLog(vhost_id, self._commit),
            replay=self._replay,
            furnish=self._furnish,
            default_queue_type=metadata.get("default_queue_type", "classic"),
        )
        self._vhosts[name] = vhost
        return vhost

    def _permission_changed(self, vhost: str) -> None:
        if (changed := self._vhosts.get(vhost)) is not None:
            changed.topology += 1
