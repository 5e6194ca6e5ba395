"""What survives, put together at start: database, group commit, virtual hosts, their messages.

Here: opening and recovering in order, closing in order.  Not here: how any of
it is stored (persistence) and what is listened on (server.py).
"""

import asyncio
import logging
import sqlite3
import sys
from collections.abc import Callable, Collection
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from broker import collector, delayed, publishing
from broker.clock import Clock
from broker.context import Context
from broker.deduplication import deduplicating
from broker.handshake import Limits, ServerIdentity
from broker.options import Options
from broker.queue import Queue
from broker.quorum_queue import QuorumQueue
from broker.restoring import Restorer
from broker.startup import StartError
from broker.stream import Stream
from broker.turn import Turn
from exchanges.base import Exchange
from exchanges.deduplication import Deduplicating, wants
from persistence import malformed, schema
from persistence.commit import GroupCommit
from persistence.damage import Damage, RecoveryRefused
from persistence.definition_store import Definitions, DefinitionStore
from persistence.engine import open_engine, sqlite_file
from persistence.recovery import Recovery
from persistence.refusals import DatabaseRefused
from persistence.steps import Ask, Steps
from persistence.upkeep import Upkeep
from vhosts.errors import BrokerError
from vhosts.parameters import CLUSTER_NAME
from vhosts.registry import FirstStart, VirtualHosts
from vhosts.vhost import VirtualHost

logger = logging.getLogger("leveret.storage")

T = TypeVar("T")

# The writer's thread must get the interpreter back soon after its fsync.
SWITCH_INTERVAL = 0.0005
# How long a stop waits for the disk (seconds): for one that refuses, for one that is slow.
REFUSED, SLOW = 1.0, 8.0
_LOOK = 0.05
# By x-queue-type.
QUEUE_TYPES: dict[str, type[Queue]] = {"quorum": QuorumQueue, "stream": Stream}


class Storage:
    """An open database with all that was in it."""

    def __init__(
        self, engine: Engine, commit: GroupCommit, upkeep: Upkeep, context: Context
    ) -> None:
        self._engine = engine
        self._commit = commit
        self._upkeep = upkeep
        self.context = context
        self.vhosts = context.vhosts
        # Those that are being loaded, by name.
        self._loading: dict[str, asyncio.Task[bool]] = {}
        # And those that are being unloaded or deleted.
        self._ending: dict[str, asyncio.Task[object]] = {}

    @classmethod
    async def open(cls, options: Options, clock: Clock, node_name: str) -> "Storage":
        """Opens or makes the database and recovers everything; raises StartError."""
        loop = asyncio.get_running_loop()
        sys.setswitchinterval(SWITCH_INTERVAL)
        try:
            engine, commit, turn, vhosts = _recover(options, clock, loop)
        except (DatabaseRefused, RecoveryRefused) as error:
            raise StartError(str(error)) from None
        except (SQLAlchemyError, sqlite3.Error) as error:
            reason = str(getattr(error, "orig", None) or error).partition("\n")[0]
            raise StartError(f"cannot use the database: {reason}") from None
        vhosts.limits.max_connections = options.connection_max
        vhosts.limits.max_consumers = options.consumer_max
        context = Context(
            clock,
            turn,
            vhosts,
            ServerIdentity(
                vhosts.parameters.globals.get(CLUSTER_NAME) or node_name,
                product=options.compat_product,
                version=options.compat_version,
            ),
            Limits(
                channel_max=options.channel_max,
                frame_max=options.frame_max,
                heartbeat=options.heartbeat,
                loopback_users=frozenset(options.loopback_users),
                mechanisms=options.auth_mechanisms,
                anonymous_user=options.anonymous_user,
                certificate_names=options.tls_username_from,
            ),
            max_message_size=options.max_message_size,
            handshake_timeout=options.handshake_timeout,
        )
        storage = cls(engine, commit, Upkeep(commit, clock), context)
        turn.schedule()
        if not await storage._flushed_soon():
            commit.abandon()
            reason = commit.failing or "it does not answer"
            raise StartError(f"cannot use the database: {reason}")
        return storage

    def refusing(self) -> bool:
        """Whether the database takes no writes at the moment."""
        return self._commit.failing is not None

    async def stored(self, patience: float) -> bool:
        """Returns once all that was changed so far is on the disk; False after `patience` s."""
        context = self.context
        done = asyncio.get_running_loop().create_future()

        def end(stored: bool) -> None:
            if not done.done():
                done.set_result(stored)

        timer = context.clock.call_later(patience, end, False)
        self._commit.after(lambda: end(True))
        context.turn.schedule()
        try:
            return bool(await done)
        finally:
            timer.cancel()

    async def import_definitions(self, path: Path) -> None:
        """Puts the definitions of a file into force; raises StartError where it cannot."""
        from vhosts import definitions  # only who has such a file needs to know how to read one

        try:
            definitions.load_file(self.vhosts, path)
        except BrokerError as error:
            reason = " ".join(error.text.split())
            raise StartError(f"cannot use definitions from {path}: {reason}") from None
        await self.flushed()

    async def flushed(self) -> None:
        """Returns once all that was done so far is on the disk."""
        done = asyncio.Event()
        self._commit.after(done.set)
        self._commit.flush()
        await done.wait()

    async def _flushed_soon(self) -> bool:
        # As flushed, but False if that takes too long, soon where the disk refuses.
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._commit.after(lambda: None if done.done() else done.set_result(True))
        self._commit.flush()
        self._give_up_late(done, self.context.clock.monotonic())
        return await done

    def _give_up_late(self, done: asyncio.Future[bool], began: float) -> None:
        clock = self.context.clock
        if done.done():
            return
        if clock.monotonic() - began >= (REFUSED if self.refusing() else SLOW):
            done.set_result(False)
        else:
            clock.call_later(_LOOK, self._give_up_late, done, began)

    async def start_vhost(self, name: str) -> bool:
        """Recovers a virtual host that is down; whether it is up now.

        Others are served meanwhile. Who asks while it is being loaded waits for the same.
        """
        await self._ended(name)
        if name not in self._loading:
            task = self._loading[name] = asyncio.create_task(self._load_vhost(name))
            task.add_done_callback(lambda _: self._loading.pop(name))
        # Loading goes on though nobody waits for it any more.
        task = self._loading[name]
        await asyncio.wait([task])
        return not task.cancelled() and task.result()

    async def _load_vhost(self, name: str) -> bool:
        await self.flushed()
        # What is made now stays, and it is much: a look at all of it would hold up everybody.
        with collector.kept_away():
            return await self._do(self.vhosts.load(name, Damage()))

    async def _do(self, steps: Steps[T]) -> T:
        from broker.loading import Loader  # most brokers never load any but at the start

        with closing(Loader(self._engine, self._commit, self.context.clock)) as loader:
            result = await loader.run(steps)
        self.context.turn.schedule()
        return result

    async def _stop_loading(self, tasks: Collection["asyncio.Task[bool]"]) -> None:
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def stop_vhost(self, name: str) -> None:
        """Unloads a virtual host; returns once the disk has all of it."""
        await self._end(name, self.vhosts.unloading)
        await self.flushed()

    async def delete_vhost(self, name: str) -> bool:
        """Deletes a virtual host with all that is in it, which the disk learns of.

        False where the disk refuses: it is down then, with what the disk still has.
        """
        try:
            await self._end(name, self.vhosts.deletion)
        except (SQLAlchemyError, OSError):
            return False
        return True

    async def _end(self, name: str, way: Callable[[str], Steps[object]]) -> None:
        await self._ended(name)
        while name in self._loading:
            await self._stop_loading([self._loading[name]])
            await self._ended(name)
        if self.vhosts.get(name) is None:
            return
        task = self._ending[name] = asyncio.create_task(self._do(way(name)))
        task.add_done_callback(lambda _: self._ending.pop(name))
        await asyncio.wait([task])  # it goes on though nobody waits for it any more
        task.result()

    async def _ended(self, name: str) -> None:
        while name in self._ending:
            await asyncio.wait([self._ending[name]])

    async def close(self) -> bool:
        """Puts everything on the disk, exactly, and lets go of it; whether the disk took it."""
        await self._stop_loading(list(self._loading.values()))
        if self._ending:
            await asyncio.wait(list(self._ending.values()))
        for vhost in self.vhosts:
            for queue in vhost.queues.values():
                queue.save_frontiers()
        complete = await self._flushed_soon() and await self._flushed_soon()
        if complete:
            self._upkeep.close()
            self._commit.close(SLOW)
        else:
            logger.error(
                "stopped before the disk had everything: %s; what was confirmed is safe, "
                "what was acknowledged last may be delivered again",
                self._commit.failing or f"it took longer than {SLOW:.0f} s",
            )
            self._commit.abandon()
        self._engine.dispose()
        return complete


def _first_start(options: Options) -> FirstStart:
    user = None if options.no_default_user else options.default_user
    return FirstStart(options.default_vhost, user, options.default_pass, options.default_user_tags)


Recovered = tuple[Engine, GroupCommit, Turn, VirtualHosts[Queue]]


def _recover(options: Options, clock: Clock, loop: asyncio.AbstractEventLoop) -> Recovered:
    # All that is in the database, and of a file that is broken what can be read of it.
    path = sqlite_file(options.database_url)
    if path is not None and (malformed.is_noted(path) or malformed.is_half_done(path)):
        _salvage(path, strict=options.strict_recovery)
    try:
        return _recover_once(options, clock, loop)
    except (SQLAlchemyError, sqlite3.Error) as error:
        if path is None or not malformed.is_malformed(error):
            raise
        _salvage(path, strict=options.strict_recovery)
        return _recover_once(options, clock, loop)


def _recover_once(options: Options, clock: Clock, loop: asyncio.AbstractEventLoop) -> Recovered:
    engine = open_engine(options.database_url)
    commit: GroupCommit | None = None
    try:
        commit = GroupCommit(engine, clock, loop.call_soon_threadsafe)
        turn = Turn(loop.call_soon, clock, commit)
        turn.pager.directory = options.data_dir
        with engine.begin() as connection:
            first, strict = _first_start(options), options.strict_recovery
            vhosts = _load(connection, commit, turn, first, strict=strict)
    except BaseException:
        if commit is not None:
            commit.close()
        engine.dispose()
        raise
    return engine, commit, turn, vhosts


def _salvage(path: Path, *, strict: bool) -> None:
    from persistence import salvage  # only for who has to
    from persistence.backup import Unusable

    if malformed.is_half_done(path):
        salvage.finish(path)
        return
    if strict:
        raise StartError(
            f"the database is damaged: {path} is malformed; "
            "start without --strict-recovery, and what can be read of it is taken over"
        )
    try:
        aside = salvage.salvage(path)
    except Unusable as error:
        reason = f"{error}; restore a backup (leveret restore)"
        raise StartError(f"cannot use the database: {reason}") from None
    logger.error("%s is malformed: it is kept as %s, and read as far as it can be", path, aside)


def _load(
    connection: Connection,
    commit: GroupCommit,
    turn: Turn,
    first: FirstStart | None = None,
    *,
    strict: bool = False,
) -> VirtualHosts[Queue]:
    definitions = Definitions(connection, Damage(strict=strict))
    store = DefinitionStore(commit, connection)
    if definitions.damage.lacks(connection, schema.vhost):
        store.skip_vhost_ids(definitions.damage.highest_vhost(connection))

    def make_queue(vhost: VirtualHost[Queue], name: str, **properties: Any) -> Queue:
        queue_type = properties["arguments"].get("x-queue-type", ("S", "classic"))[1]
        make = QUEUE_TYPES.get(queue_type, Queue)
        if wants(properties["arguments"]):
            make = deduplicating(make)
        return make(vhost, turn, name, **properties)

    def furnish(vhost: VirtualHost[Queue], exchange: Exchange, room_id: int | None) -> None:
        delayed.furnish(vhost, turn, exchange, room_id)
        if isinstance(exchange, Deduplicating):
            exchange.now = turn.now

    return VirtualHosts(
        store,
        commit,
        definitions,
        make_queue,
        publishing.replay,
        furnish,
        _recall,
        first,
        later=turn.call_soon,
    )


def _recall(vhost: VirtualHost[Queue], damage: Damage) -> Steps[None]:
    # Messages of a queue that is gone are gone, but not those of one that was damaged.
    keep_others = yield Ask(lambda connection: damage.lacks(connection, schema.queue))
    restorer = Restorer(vhost, keep_others=keep_others)
    yield from Recovery(vhost.log, restorer, damage).run()
    yield from restorer.finish()
