"""What an empty store begins with, and what comes back from a full one (spec 9.3, 10)."""

import asyncio
import logging
import sqlite3
from contextlib import asynccontextmanager
from typing import Any

import pytest

from persistence.commit import GroupCommit
from persistence.definition_store import Definitions, DefinitionStore
from persistence.engine import open_engine
from tests.support.clock import VirtualClock
from tests.support.vouch import vouch
from tests.unit.vhosts.fakes import FakeQueue, declare_exchange, declare_queue, refusal
from vhosts import errors
from vhosts.registry import FirstStart, VirtualHosts


@pytest.fixture
def restart(tmp_path):
    """Opens the virtual hosts on one database, as often as is asked."""

    @asynccontextmanager
    async def opened(spoil=lambda connection: None, **options: Any):
        engine = open_engine(f"sqlite:///{tmp_path / 'leveret.db'}")
        loop = asyncio.get_running_loop()
        commit = GroupCommit(engine, VirtualClock(), loop.call_soon_threadsafe)
        with engine.begin() as connection:
            spoil(connection)
            store = DefinitionStore(commit, connection)
            vhosts = VirtualHosts(store, commit, Definitions(connection), FakeQueue, **options)
        yield vhosts
        on_disk = loop.create_future()
        commit.after(lambda: on_disk.set_result(None))
        commit.flush()
        await on_disk
        commit.close()
        engine.dispose()

    return opened


async def test_an_empty_store(restart):
    async with restart() as vhosts:
        assert [vhost.name for vhost in vhosts] == ["/"]
        guest = vhosts.users.authenticate("guest", "guest")
        assert guest.tags == ("administrator",)
        vhosts.permissions.check("guest", "/", "write", "exchange", "")
        assert vhosts.get("other") is None


async def test_it_begins_only_once(restart):
    async with restart() as vhosts:
        vhosts.users.add("ann", "x")
        vhosts.delete_user("guest")
    async with restart() as vhosts:
        assert [user.name for user in vhosts.users] == ["ann"]
        assert list(vhosts.permissions) == []
        assert len(vhosts) == 1


async def test_users_and_permissions_come_back(restart):
    async with restart() as vhosts:
        vhosts.users.add("ann", "x", ["management", "mine"])
        vhosts.permissions.set("ann", "/", "^a", "", "é")
        vhosts.users.add("bob", "x")
        vhosts.permissions.set("bob", "/", "", "", "")
        vhosts.permissions.delete("bob", "/")
    async with restart() as vhosts:
        assert vhosts.users.authenticate("ann", "x").tags == ("management", "mine")
        entry = vhosts.permissions.get("ann", "/")
        assert (entry.configure, entry.write, entry.read) == ("^a", "", "é")
        assert vhosts.permissions.get("bob", "/") is None


async def test_durable_things_come_back_and_transient_ones_do_not(restart):
    async with restart() as vhosts:
        vhost = vhosts.get("/")
        arguments = {"alternate-exchange": ("S", "ae")}
        declare_exchange(vhost, "x", "topic", durable=True, internal=True, arguments=arguments)
        declare_exchange(vhost, "transient")
        declare_exchange(vhost, "gone", durable=True)
        odd = b"\xff".decode("utf-8", "surrogateescape")
        kept = declare_queue(
            vhost, odd, durable=True, auto_delete=True, arguments={"x-expires": ("I", 5)}
        )
        declare_queue(vhost, "transient")
        declare_queue(vhost, "mine", durable=True, owner=object())
        vhost.delete_queue(declare_queue(vhost, "gone", durable=True))
        for source, destination in [("x", odd), ("gone", odd), ("x", "transient")]:
            vhost.bind(source, destination, "queue", "k", {"a": ("l", 1)}, None)
        vhost.bind("amq.topic", "x", "exchange", "#", {}, None)
        vhost.bind("amq.topic", odd, "queue", "not this", {}, None)
        vhost.unbind("amq.topic", odd, "queue", "not this", {}, None)
        vhost.delete_exchange("gone", False)
        vhost.store.save_delivered(kept.id, [7])
    async with restart() as vhosts:
        vhost = vhosts.get("/")
        exchange = vhost.exchange("x")
        assert (exchange.type, exchange.durable, exchange.internal) == ("topic", True, True)
        assert exchange.arguments == arguments
        assert not {"transient", "gone"} & set(vhost.exchanges)
        [queue] = vhost.queues.values()
        assert (queue.name, queue.id, queue.durable, queue.owner) == (odd, kept.id, True, None)
        assert queue.auto_delete is True
        assert queue.arguments == kept.arguments
        assert queue.marks == [7]
        assert [
            (each.source.name, each.routing_key, each.arguments)
            for each in vhost.bindings.to(queue)
        ] == [("x", "k", {"a": ("l", 1)})]
        assert [each.source.name for each in vhost.bindings.to(exchange)] == ["amq.topic"]


async def test_who_made_it_is_remembered(restart):
    async with restart() as vhosts:
        vhost = vhosts.create("v", creator="ann")
        by_bob = vhosts.permissions.authoriser("bob", "v")
        vhosts.permissions.set("bob", "v", ".*", ".*", ".*")
        declare_exchange(vhost, "by-bob", durable=True, authorise=by_bob)
        declare_exchange(vhost, "by-nobody", durable=True)
        declare_queue(vhost, "by-bob", durable=True, authorise=by_bob)
        declare_queue(vhost, "by-nobody", durable=True)
        # Who declares it again has not made it.
        assert declare_queue(vhost, "by-bob", durable=True).creator == "bob"
        vhosts.update("v", description="changed by another")
    async with restart() as vhosts:
        exchanges = vhosts.get("v").exchanges
        assert exchanges["by-bob"].creator == "bob"
        assert exchanges["by-nobody"].creator == "rmq-internal"
        queues = vhosts.get("v").queues
        assert queues["by-bob"].creator == "bob"
        assert queues["by-nobody"].creator == "rmq-internal"
        assert exchanges[""].creator == exchanges["amq.topic"].creator == "ann"
        assert vhosts.get("/").exchanges["amq.topic"].creator == "rmq-internal"


async def test_what_came_back_can_be_redeclared_and_deleted(restart):
    async with restart() as vhosts:
        vhost = vhosts.get("/")
        declare_exchange(vhost, "x", durable=True, auto_delete=True)
        declare_queue(vhost, "q", durable=True)
        vhost.bind("x", "q", "queue", "k", {}, None)
    async with restart() as vhosts:
        vhost = vhosts.get("/")
        declare_exchange(vhost, "x", durable=True, auto_delete=True)
        queue = declare_queue(vhost, "q", durable=True)
        assert vhost.bind("x", "q", "queue", "k", {}, None) is None
        assert declare_queue(vhost, "other").id != queue.id
        vhost.delete_queue(queue)
        assert "x" not in vhost.exchanges
    async with restart() as vhosts:
        vhost = vhosts.get("/")
        assert vhost.queues == {}
        assert "x" not in vhost.exchanges
        assert not any(exchange.bindings for exchange in vhost.exchanges.values())


async def test_other_vhosts_are_worlds_of_their_own(restart):
    async with restart() as vhosts:
        other = vhosts.create("other", default_queue_type="quorum")
        declare_queue(other, "q", durable=True)
        declare_queue(vhosts.get("/"), "q", durable=True)
        assert other.log.vhost_id != vhosts.get("/").log.vhost_id
    async with restart() as vhosts:
        types = {vhost.name: vhost.queues["q"].arguments["x-queue-type"][1] for vhost in vhosts}
        assert types == {"/": "classic", "other": "quorum"}
        assert vhosts.get("other").default_queue_type == "quorum"


async def test_a_permission_that_changes_raises_the_topology(restart):
    async with restart() as vhosts:
        vhost = vhosts.get("/")
        before = vhost.topology
        vhosts.permissions.set("guest", "/", "", "", "")
        assert vhost.topology == before + 1
        vhosts.permissions.set("guest", "missing", "", "", "")


async def test_what_cannot_be_made_is_named_and_left_out(restart, caplog):
    async with restart() as vhosts:
        vhost = vhosts.get("/")
        declare_exchange(vhost, "odd", durable=True)
        declare_exchange(vhost, "x", "topic", durable=True)
        declare_queue(vhost, "q", durable=True)
        vhost.bind("odd", "q", "queue", "k", {}, None)
        vhost.bind("x", "q", "queue", "k", {}, None)

    def spoil(connection):
        connection.exec_driver_sql("UPDATE exchange SET type = 'x-none' WHERE type = 'direct'")
        connection.exec_driver_sql(
            "UPDATE binding SET routing_key = x'232e232e23' WHERE source = x'78'"
        )
        vouch(connection)

    with caplog.at_level(logging.ERROR, "leveret.vhosts"):
        async with restart(spoil) as vhosts:
            vhost = vhosts.get("/")
            assert "odd" not in vhost.exchanges
            assert {"x", "q"} <= {*vhost.exchanges, *vhost.queues}
            assert not list(vhost.bindings.to(vhost.queues["q"]))
    first, *others = [record.getMessage() for record in caplog.records]
    assert first == "exchange 'odd' in vhost '/' is left out: its type 'x-none' is unknown"
    assert sorted(text.rpartition("left out: ")[2] for text in others) == [
        "Topic binding key '#.#.#' uses 3 '#' wildcards, at most 2 are allowed",
        "no exchange 'odd' in vhost '/'",
    ]


# -- virtual hosts come and go -----------------------------------------------------------------


class Presence:
    """Notes who is turned out."""

    def __init__(self):
        self.expelled: list[Any] = []

    def count(self, **_):
        return 0

    def expel(self, text, **whom):
        self.expelled.append((text, whom))
        yield from ()


async def test_what_is_said_of_a_vhost(restart):
    async with restart() as vhosts:
        vhosts.create("v", description="for them", tags=["a", "b"], tracing=True)
    async with restart() as vhosts:
        vhost = vhosts.get("v")
        assert (vhost.description, vhost.tags, vhost.tracing) == ("for them", ("a", "b"), True)
        vhosts.update("v", default_queue_type="quorum", protected=True)
    async with restart() as vhosts:
        vhost = vhosts.get("v")
        assert (vhost.description, vhost.tags, vhost.tracing) == ("", (), True)
        assert (vhost.default_queue_type, vhost.protected) == ("quorum", True)


async def test_an_unknown_default_queue_type(restart):
    async with restart() as vhosts:
        text = "unknown queue type 'bogus'"
        assert refusal(errors.InvalidValue, vhosts.create, "v", default_queue_type="bogus") == text
        assert refusal(errors.InvalidValue, vhosts.update, "/", default_queue_type="bogus") == text
        assert vhosts.get("v") is None
        assert vhosts.get("/").default_queue_type == "classic"


async def test_a_deleted_vhost_leaves_nothing(restart, tmp_path):
    async with restart() as vhosts:
        vhosts.presence = presence = Presence()
        vhost = vhosts.create("v")
        vhosts.permissions.set("guest", "v", ".*", ".*", ".*")
        declare_exchange(vhost, "x", durable=True)
        queue = declare_queue(vhost, "q", durable=True)
        vhost.bind("x", "q", "queue", "k", {}, None)
        assert vhosts.delete("v") is True
        assert vhosts.delete("v") is False
        assert queue.suspended
        assert presence.expelled == [("vhost 'v' is deleted", {"vhost": "v"})]
        assert vhosts.permissions.get("guest", "v") is None
    with sqlite3.connect(tmp_path / "leveret.db") as database:
        for table in ("exchange", "queue", "binding", "permission"):
            assert not database.execute(f"SELECT * FROM {table} WHERE vhost = x'76'").fetchall()
        assert database.execute("SELECT count(*) FROM vhost").fetchone() == (1,)
    database.close()
    async with restart() as vhosts:
        assert [vhost.name for vhost in vhosts] == ["/"]
        again = vhosts.create("v")
        assert again.queues == {}


async def test_a_protected_vhost_stays(restart):
    async with restart() as vhosts:
        vhosts.create("v", protected=True)
        text = "vhost 'v' is protected from deletion"
        assert refusal(errors.PreconditionFailed, vhosts.delete, "v") == text
        vhosts.update("v", protected=False)
        assert vhosts.delete("v")


async def test_one_that_cannot_be_recovered_leaves_the_others_up(restart, caplog):
    async with restart() as vhosts:
        for name in ("bad", "good"):
            declare_queue(vhosts.create(name), "q", durable=True)
            vhosts.permissions.set("guest", name, "", "", "")

    broken = True

    def recall(vhost, _damage):
        if broken and vhost.name == "bad":
            raise OSError("unreadable")
        yield None

    async with restart(recall=recall) as vhosts:
        assert "vhost 'bad' cannot be recovered and stays down" in caplog.text
        assert {vhost.name: vhost.running for vhost in vhosts} == {
            "/": True,
            "bad": False,
            "good": True,
        }
        assert "q" in vhosts.get("good").queues
        assert vhosts.get("bad").queues == {}
        assert vhosts.get("bad").trouble == "unreadable"
        down = "access to vhost 'bad' refused for user 'guest': vhost 'bad' is down"
        assert refusal(errors.InternalError, vhosts.enter, "guest", "bad") == down
        assert vhosts.enter("guest", "good").name == "good"
    broken = False
    async with restart(recall=recall) as vhosts:
        assert vhosts.get("bad").running
        assert "q" in vhosts.get("bad").queues


async def test_a_vhost_that_is_down_can_be_described_and_deleted(restart):
    async with restart() as vhosts:
        vhosts.create("v", description="old")
        vhosts.unload("v")
        vhosts.unload("v")
        vhosts.update("v", description="new")
    async with restart() as vhosts:
        assert (vhosts.get("v").description, vhosts.get("v").running) == ("new", True)
        vhosts.unload("v")
        vhosts.delete("v")
    async with restart() as vhosts:
        assert vhosts.get("v") is None


# -- what an empty store begins with -----------------------------------------------------------


async def test_another_first_user(restart):
    first = FirstStart("main", "ann", "secret", ("monitoring",))
    async with restart(first=first) as vhosts:
        assert [vhost.name for vhost in vhosts] == ["main"]
        assert [user.name for user in vhosts.users] == ["ann"]
        assert vhosts.users.authenticate("ann", "secret").tags == ("monitoring",)
        vhosts.permissions.check("ann", "main", "write", "exchange", "")
    async with restart() as vhosts:
        assert [user.name for user in vhosts.users] == ["ann"]


async def test_no_first_user(restart):
    async with restart(first=FirstStart(user=None)) as vhosts:
        assert len(vhosts.users) == 0
    async with restart() as vhosts:
        assert len(vhosts.users) == 0


async def test_deleting_a_user_turns_it_out(restart):
    async with restart() as vhosts:
        vhosts.presence = presence = Presence()
        assert vhosts.delete_user("guest") is True
        assert vhosts.delete_user("guest") is False
        assert presence.expelled == [("user 'guest' is deleted", {"user": "guest"})]
