"""VirtualHosts: every virtual host, and the users and permissions that open them (spec 10).

Here: making, changing, deleting, loading and unloading virtual hosts, and who may enter one.
Not here: what is in a virtual host (vhost.py), what becomes of it at its end (lifecycle.py).
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Generic, NamedTuple, cast

from persistence.commit import GroupCommit
from persistence.contents import Contents
from persistence.damage import Damage, RecoveryRefused
from persistence.definition_store import Definitions, DefinitionStore, VhostRow
from persistence.malformed import is_malformed
from persistence.message_log import MessageLog
from persistence.steps import Steps, at_once, through
from vhosts import errors
from vhosts.enforcement import Later
from vhosts.interfaces import Furnish, Nobody, Presence, Q, QueueFactory, Recall, Replay
from vhosts.lifecycle import Closed, dismiss, suspend, take_out, wake
from vhosts.limits import Limits
from vhosts.parameters import Parameters
from vhosts.permissions import BROKER, Permission, Permissions
from vhosts.recovery import recover
from vhosts.statistics import Statistics
from vhosts.topic_permissions import TopicPermission, TopicPermissions
from vhosts.users import User, Users
from vhosts.vhost import VirtualHost

logger = logging.getLogger("leveret.vhosts")

QUEUE_TYPES = ("classic", "quorum", "stream")


class FirstStart(NamedTuple):
    """What an empty store begins with; no user at all where `user` is None."""

    vhost: str = "/"
    user: str | None = "guest"
    password: str = "guest"  # noqa: S105 -- as in RabbitMQ, and for this machine only
    tags: tuple[str, ...] = ("administrator",)


class VirtualHosts(Generic[Q]):
    """All virtual hosts by name.

    Made from what the store holds; an empty store begins with `first`. One that cannot be
    recovered stays down, and the others come up. `presence` knows who is connected.
    """

    def __init__(
        self,
        store: DefinitionStore,
        commit: GroupCommit,
        definitions: Definitions,
        queue_factory: QueueFactory[Q],
        replay: Replay | None = None,
        furnish: Furnish | None = None,
        recall: Recall | None = None,
        first: FirstStart | None = None,
        later: Later | None = None,
    ) -> None:
        self._store = store
        self._commit = commit
        self._queue_factory = queue_factory
        self._replay = replay
        self._furnish = furnish
        self._recall = recall
        self._later = later
        self._vhosts: dict[str, VirtualHost[Q]] = {}
        self._gone = Statistics()
        self.presence: Presence = Nobody()
        self.users = Users(store, (User(*row) for row in definitions.users()))
        parameters = definitions.parameters()
        self.limits = Limits(store, parameters)
        self.parameters = Parameters(store, self, parameters)
        self.topic_permissions = TopicPermissions(
            store,
            self._permission_changed,
            (TopicPermission(*row) for row in definitions.topic_permissions()),
        )
        self.permissions = Permissions(
            store,
            self._permission_changed,
            (Permission(*row) for row in definitions.permissions()),
            self.topic_permissions,
        )
        for row in definitions.vhosts():
            at_once(self._bring_up(row, definitions.damage), definitions.connection)
        if not self._vhosts and not len(self.users):
            self._begin(first or FirstStart())

    def __iter__(self) -> Iterator[VirtualHost[Q]]:
        return iter(self._vhosts.values())

    def __len__(self) -> int:
        return len(self._vhosts)

    def get(self, name: str) -> VirtualHost[Q] | None:
        return self._vhosts.get(name)

    def totals(self) -> Statistics:
        """What all virtual hosts have done, those that were deleted included."""
        return Statistics.sum([self._gone, *(vhost.statistics for vhost in self)])

    # -- made, changed, deleted (spec 10.1) ----------------------------------------------------

    def create(
        self,
        name: str,
        *,
        description: str = "",
        tags: Iterable[str] = (),
        default_queue_type: str = "classic",
        tracing: bool = False,
        protected: bool = False,
        creator: str = BROKER,
    ) -> VirtualHost[Q]:
        """A new virtual host; `name` must be free. Raises InvalidValue for an unknown type."""
        metadata = _metadata(description, tags, default_queue_type, tracing, protected, creator)
        row = VhostRow(self._store.next_vhost_id(), name, metadata)
        self._store.save_vhost(*row)
        return self._add(row)

    def update(
        self,
        name: str,
        *,
        description: str = "",
        tags: Iterable[str] = (),
        default_queue_type: str = "classic",
        tracing: bool | None = None,
        protected: bool | None = None,
    ) -> VirtualHost[Q]:
        """Replaces what is said of a virtual host that exists; None leaves a switch as it is.

        Raises InvalidValue for an unknown type of queue.
        """
        vhost = self._vhosts[name]
        vhost.describe(
            _metadata(
                description,
                tags,
                default_queue_type,
                vhost.tracing if tracing is None else tracing,
                vhost.protected if protected is None else protected,
                vhost.creator,
            )
        )
        # Publishers look again whether there is tracing.
        vhost.topology += 1
        self._store.save_vhost(vhost.log.vhost_id, name, vhost.metadata)
        return vhost

    def delete(self, name: str) -> bool:
        """`deletion`, here and now."""
        return through(self.deletion(name))

    def deletion(self, name: str) -> Steps[bool]:
        """Deletes a virtual host with all that is in it; whether there was one.

        Its consumers are cancelled, then its connections closed (spec 2.8), then its messages go,
        while it is there, but down; so it stays if the disk refuses or the broker ends before.
        Nobody else loads, unloads or deletes it meanwhile. Raises PreconditionFailed where it is
        protected.
        """
        vhost = self._vhosts.get(name)
        if vhost is None:
            return False
        if vhost.protected:
            raise errors.vhost_protected(name)
        vhost.running = False
        yield from dismiss(vhost)
        yield from self.presence.expel(f"vhost '{name}' is deleted", vhost=name)
        vhost.log.discard()
        row = VhostRow(vhost.log.vhost_id, name, vhost.metadata)
        self._vhosts[name] = self._down(row, "it was not deleted to its end")
        yield from suspend(vhost, *take_out(vhost), to_come_back=False)
        yield from self._store.delete_messages(row.id)
        self._remove(vhost)
        return True

    def _remove(self, vhost: VirtualHost[Q]) -> None:
        name = vhost.name
        self._gone.add(self._vhosts.pop(name).statistics)
        self.permissions.forget_vhost(name)
        self.topic_permissions.forget_vhost(name)
        self.limits.forget_vhost(name)
        self.parameters.forget_vhost(name)
        self._store.delete_vhost(vhost.log.vhost_id, name)
        if vhost.rationed:
            self._apply_limits(vhost)
            self.presence.ration(vhost)

    def set_limits(self, name: str, values: Mapping[str, Any]) -> None:
        """The limits of a virtual host from now on; raises InvalidValue (limits.py)."""
        self.limits.set_vhost(name, values)
        vhost = self._vhosts[name]
        before = vhost.rationed
        self._apply_limits(vhost)
        if before or vhost.rationed:
            self.presence.ration(vhost)

    def _apply_limits(self, vhost: VirtualHost[Q]) -> None:
        limits, name = self.limits, vhost.name
        vhost.max_queues = limits.max_queues(name)
        vhost.max_stored_bytes = limits.max_stored_bytes(name)
        vhost.max_publish_rate = limits.max_publish_rate(name)

    # -- loaded, unloaded ----------------------------------------------------------------------

    def unload(self, name: str) -> None:
        """`unloading`, here and now."""
        through(self.unloading(name))

    def unloading(self, name: str) -> Steps[None]:
        """Takes a running virtual host down: its connections are closed, the disk keeps the rest.

        Nobody else loads, unloads or deletes it meanwhile. It can be loaded once all that was
        written so far is on the disk.
        """
        vhost = self._vhosts[name]
        if not vhost.running:
            return
        vhost.running = False
        yield from self.presence.expel(f"vhost '{name}' is down", vhost=name)
        row = VhostRow(vhost.log.vhost_id, name, vhost.metadata)
        self._vhosts[name] = self._down(row)
        yield from suspend(vhost, *take_out(vhost), to_come_back=True)
        # Until then it is there for what waits to be written.
        self._commit.after(vhost.log.discard)
        logger.info("vhost '%s' is unloaded", name)

    def load(self, name: str, damage: Damage) -> Steps[bool]:
        """Recovers a virtual host that is down; whether it is up now.

        Others have their turns meanwhile. It stays down until all of it is there, and where that
        fails: `VirtualHost.trouble` says why.
        """
        vhost = self._vhosts.get(name)
        if vhost is None or vhost.running:
            return vhost is not None
        yield from Contents(name, damage).check()
        row = VhostRow(vhost.log.vhost_id, name, vhost.metadata)
        return (yield from self._bring_up(row, damage))

    def _bring_up(self, row: VhostRow, damage: Damage) -> Steps[bool]:
        before = self._vhosts.get(row.name)
        vhost = self._make(row, self._store)
        # Nothing of it is written, and no time passes in it, before it is whole.
        vhost.log.discard()
        whole = False
        try:
            yield from recover(vhost, Contents(row.name, damage))
            if self._recall is not None:
                yield from self._recall(vhost, damage)
            whole = self._vhosts.get(row.name) is before
        except RecoveryRefused:
            raise
        except Exception as error:
            if before is None and is_malformed(error):
                raise  # at a start, which can do something about it
            if self._vhosts.get(row.name) is before:
                # Whatever it is, the other virtual hosts come up.
                logger.exception("vhost '%s' cannot be recovered and stays down", row.name)
                said = row.metadata if before is None else before.metadata
                down = VhostRow(row.id, row.name, said)
                self._vhosts[row.name] = self._down(down, str(error).partition("\n")[0])
        finally:
            if not whole:  # or it was deleted meanwhile, or nobody wants it any more
                through(suspend(vhost, *take_out(vhost), to_come_back=False))
        if not whole:
            there = self._vhosts.get(row.name)
            return there is not None and there.running
        if before is not None:
            # What was said of it meanwhile.
            vhost.describe(before.metadata)
            self._apply_limits(vhost)
        self._vhosts[row.name] = vhost
        vhost.log.resume()
        yield from wake(vhost)
        return vhost.running

    # -- who enters (spec 2.6) -----------------------------------------------------------------

    def enter(self, user: str, name: str, *, permitted: bool | None = None) -> VirtualHost[Q]:
        """The virtual host that a connection of `user` opens, all checks done in their order.

        `permitted` is what others have said of it, where it was for others to say.

        Raises NotAllowed, and InternalError where it is down.
        """
        self.limits.check_connections(self.presence.count())
        vhost = self._vhosts.get(name)
        if vhost is None:
            raise errors.vhost_not_found(name)
        self.limits.check_vhost_connections(name, user, self.presence.count(vhost=name))
        self.limits.check_user_connections(user, self.presence.count(user=user))
        if permitted is None:
            self.permissions.check_vhost(user, name)
        elif not permitted:
            raise errors.vhost_refused(name, user)
        if not vhost.running:
            raise errors.vhost_down_for(name, user)
        return vhost

    # -- users ---------------------------------------------------------------------------------

    def delete_user(self, name: str) -> bool:
        """Delete a user with its permissions, and close its connections; whether there was one."""
        self.permissions.delete_user(name)
        self.topic_permissions.delete_user(name)
        self.limits.set_user(name, {})
        if not self.users.delete(name):
            return False
        through(self.presence.expel(f"user '{name}' is deleted", user=name))
        return True

    def _begin(self, first: FirstStart) -> None:
        self.create(first.vhost)
        if first.user is not None:
            self.users.add(first.user, first.password, first.tags)
            self.permissions.set(first.user, first.vhost, ".*", ".*", ".*")

    # -- making --------------------------------------------------------------------------------

    def _add(self, row: VhostRow) -> VirtualHost[Q]:
        vhost = self._make(row, self._store)
        self._vhosts[row.name] = vhost
        return vhost

    def _down(self, row: VhostRow, trouble: str = "") -> VirtualHost[Q]:
        vhost = self._make(row, cast(DefinitionStore, Closed(row.name)))
        vhost.running = False
        vhost.trouble = trouble
        vhost.log.discard()
        return vhost

    def _make(self, row: VhostRow, store: DefinitionStore) -> VirtualHost[Q]:
        before = self._vhosts.get(row.name)
        vhost = VirtualHost(
            row.name,
            self._queue_factory,
            store=store,
            commit=self._commit,
            log=MessageLog(row.id, self._commit),
            replay=self._replay,
            furnish=self._furnish,
            later=self._later,
            statistics=None if before is None else before.statistics,
        )
        vhost.describe(row.metadata)
        self._apply_limits(vhost)
        return vhost

    def _permission_changed(self, vhost: str) -> None:
        if (changed := self._vhosts.get(vhost)) is not None:
            changed.topology += 1


def _metadata(
    description: str,
    tags: Iterable[str],
    default_queue_type: str,
    tracing: bool,
    protected: bool,
    creator: str,
) -> dict[str, Any]:
    if default_queue_type not in QUEUE_TYPES:
        raise errors.InvalidValue(f"unknown queue type '{default_queue_type}'")
    return {
        "description": description,
        "tags": list(tags),
        "default_queue_type": default_queue_type,
        "tracing": tracing,
        "protected_from_deletion": protected,
        "creator": creator,
    }
