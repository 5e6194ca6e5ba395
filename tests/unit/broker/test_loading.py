"""A virtual host is loaded a bit at a time, while others are served."""

import asyncio
import gc

import pytest

from broker.amqp import content
from broker.loading import Loader
from broker.message import Message, Route
from broker.options import Options
from broker.storage import Storage
from persistence import definition_store
from persistence.damage import Damage
from persistence.steps import TURN, Ask, through
from tests.support.clock import VirtualClock
from tests.support.vouch import vouch
from vhosts import errors
from vhosts.lifecycle import WOKEN

QUEUES = 100


@pytest.fixture
async def storage(tmp_path):
    storage = await Storage.open(Options(data_dir=tmp_path), VirtualClock(), "rabbit@test")
    storage.vhosts.create("v")
    storage.vhosts.permissions.set("guest", "v", ".*", ".*", ".*")
    yield storage
    await storage.close()


def declare(storage, name, **arguments):
    return storage.vhosts.get("v").declare_queue(
        name, durable=True, owner=None, auto_delete=False, arguments=arguments
    )


def publish(queue, body, expiration=None):
    header = content.parse(b"\0\x3c\0\0" + bytes(8) + b"\x10\0\2")  # delivery-mode 2
    header.body_size = len(body)
    header.expiration = expiration
    queue.publish(Message(Route("", queue.name), header, body))


async def filled(storage):
    for number in range(QUEUES):
        publish(declare(storage, f"q{number}"), b"x")
    await storage.stop_vhost("v")


class ByHand:
    """The steps of loading `v`, one when it is asked for."""

    def __init__(self, storage):
        self._engine = storage._engine
        self._steps = storage.vhosts.load("v", Damage())
        self._answer = None

    def step(self):
        """The bit it ends with, which is done; StopIteration at the end."""
        bit = self._steps.send(self._answer)
        self._answer = None
        if isinstance(bit, Ask):
            with self._engine.begin() as connection:
                self._answer = bit.job(connection)
        return bit

    def finish(self):
        """All that is left, and the result."""
        try:
            while True:
                self.step()
        except StopIteration as end:
            return end.value


async def test_it_cannot_be_reached_before_it_is_whole(storage):
    await filled(storage)
    vhosts, loading, bits = storage.vhosts, ByHand(storage), 0
    while not vhosts.get("v").running:
        with pytest.raises(errors.InternalError):
            vhosts.enter("guest", "v")
        loading.step()
        bits += 1
    assert bits > QUEUES / 10
    queues = vhosts.get("v").queues
    assert [queue.message_count for queue in queues.values()] == [1] * QUEUES
    assert loading.finish()


async def test_time_does_not_pass_in_it(storage):
    declare(storage, "dead")
    dying = {"x-dead-letter-exchange": ("S", ""), "x-dead-letter-routing-key": ("S", "dead")}
    publish(declare(storage, "a", **dying), b"late", b"1000")
    declare(storage, "leased", **{"x-expires": ("I", 1000)})
    await storage.stop_vhost("v")
    loading, turn, clock = ByHand(storage), storage.context.turn, storage.context.clock
    while not storage.vhosts.get("v").running:
        clock.advance(5)
        turn.run()
        loading.step()
    vhost = storage.vhosts.get("v")
    assert (vhost.queues["a"].message_count, vhost.queues["dead"].message_count) == (1, 0)
    assert loading.finish()
    turn.run()
    assert (vhost.queues["a"].message_count, vhost.queues["dead"].message_count) == (0, 1)
    assert "leased" in vhost.queues
    clock.advance(1)
    assert "leased" not in vhost.queues


async def test_delayed_messages_wait_until_it_is_whole(storage):
    vhost = storage.vhosts.get("v")
    exchange = vhost.declare_exchange(
        "later",
        "x-delayed-message",
        durable=True,
        auto_delete=False,
        internal=False,
        arguments={"x-delayed-type": ("S", "fanout")},
    )
    declare(storage, "q")
    vhost.bind("later", "q", "queue", "", {}, None)
    header = content.parse(
        b"\0\x3c\0\0" + bytes(8) + b"\x30\0" + b"\0\0\0\x0d\x07x-delayI\0\0\0\x64" + b"\x02"
    )
    exchange.room.offer(Message(Route("later", ""), header, b""))
    await storage.stop_vhost("v")
    loading, turn, clock = ByHand(storage), storage.context.turn, storage.context.clock
    while not storage.vhosts.get("v").running:
        clock.advance(5)
        loading.step()
    queue = storage.vhosts.get("v").queues["q"]
    assert queue.message_count == 0
    assert loading.finish()
    clock.advance(0.001)
    turn.run()
    assert queue.message_count == 1


async def test_what_has_something_to_do_begins_in_many_turns(storage):
    for number in range(QUEUES):
        publish(declare(storage, f"q{number}"), b"x", b"1000")
    await storage.stop_vhost("v")
    loading, touched = ByHand(storage), storage.context.turn.touched
    woken: list[int] = []
    before = len(touched)
    while len(woken) < QUEUES // WOKEN:
        if loading.step() is TURN:
            woken.append(len(touched) - before)
    assert woken == list(range(WOKEN, QUEUES, WOKEN))


async def test_what_is_said_of_it_meanwhile_holds(storage):
    await filled(storage)
    loading = ByHand(storage)
    loading.step()
    storage.vhosts.update("v", description="new")
    storage.vhosts.set_limits("v", {"max-queues": 1})
    assert loading.finish()
    vhost = storage.vhosts.get("v")
    assert (vhost.description, vhost.max_queues) == ("new", 1)


async def test_deleted_and_made_anew_meanwhile(storage):
    await filled(storage)
    loading = ByHand(storage)
    for _ in range(10):
        loading.step()
    storage.vhosts.delete("v")
    new = storage.vhosts.create("v")
    assert loading.finish()
    assert storage.vhosts.get("v") is new
    assert new.queues == {}


async def test_a_failure_leaves_it_down_with_the_reason(storage, caplog):
    await filled(storage)
    with storage._engine.begin() as database:
        database.exec_driver_sql("UPDATE queue SET arguments = 'broken' WHERE name = x'7130'")
        vouch(database)
    assert not await storage.start_vhost("v")
    vhost = storage.vhosts.get("v")
    assert (vhost.running, vhost.queues) == (False, {})
    assert vhost.trouble == "Expecting value: line 1 column 1 (char 0)"
    assert storage.vhosts.get("/").running


async def test_damage_is_set_aside(storage, caplog):
    await filled(storage)
    with storage._engine.begin() as database:
        database.exec_driver_sql("UPDATE queue SET checksum = 1 WHERE name = x'7130'")
        database.exec_driver_sql("UPDATE batch SET data = x'00', summary = NULL")
    assert await storage.start_vhost("v")
    queues = storage.vhosts.get("v").queues
    assert len(queues) == QUEUES - 1
    assert {queue.message_count for queue in queues.values()} == {0}
    with storage._engine.begin() as database:
        for table in ("damaged_row", "quarantine"):
            count = database.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar()
            assert count == 1


async def test_a_stop_while_it_is_loaded(storage):
    await filled(storage)
    starting = asyncio.create_task(storage.start_vhost("v"))
    await asyncio.sleep(0)
    assert storage._loading
    await storage.stop_vhost("v")
    assert not await starting
    assert not storage.vhosts.get("v").running
    assert await storage.start_vhost("v")


async def test_others_have_their_turns(storage):
    clock, turns = storage.context.clock, 0

    def steps():
        for _ in range(10):
            clock.advance(0.0005)
            yield None
        return "done"

    async def count():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    loader = Loader(storage._engine, storage._commit, clock)
    assert await loader.run(steps()) == "done"
    loader.close()
    counting.cancel()
    assert turns == 5


async def test_changes_are_the_writers(storage):
    loader = Loader(storage._engine, storage._commit, storage.context.clock)

    def write(connection):
        return connection.exec_driver_sql("UPDATE meta SET value = value").rowcount

    def steps(*, writes):
        return (yield Ask(write, writes))

    assert await loader.run(steps(writes=True)) == 1
    with pytest.raises(Exception, match="readonly"):
        await loader.run(steps(writes=False))
    loader.close()


class Counting:
    """A clock on which each look costs a tenth of a millisecond: bits are as long as that."""

    def __init__(self, clock):
        self._clock = clock

    def monotonic(self):
        self._clock.advance(0.0001)
        return self._clock.monotonic()

    def __getattr__(self, name):
        return getattr(self._clock, name)


async def turns_of(work):
    """How many turns of the loop others had meanwhile."""
    turns = 0

    async def count():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    await work
    counting.cancel()
    return turns


@pytest.mark.parametrize("end", ["stop_vhost", "delete_vhost"])
async def test_others_have_their_turns_while_it_ends(storage, end):
    for number in range(QUEUES):
        publish(declare(storage, f"q{number}"), b"x")
    await storage.flushed()
    storage.context.clock = Counting(storage.context.clock)
    assert await turns_of(getattr(storage, end)("v")) >= QUEUES / 10
    there = storage.vhosts.get("v")
    assert there is None if end == "delete_vhost" else not there.running


async def test_nobody_enters_while_it_ends(storage):
    declare(storage, "q")
    deletion = storage.vhosts.deletion("v")
    next(deletion)
    with pytest.raises(errors.InternalError, match="vhost 'v' is down"):
        storage.vhosts.enter("guest", "v")
    assert "q" in storage.vhosts.get("v").queues


async def test_deleted_and_started_at_the_same_time(storage):
    await filled(storage)
    assert await storage.start_vhost("v")
    done = await asyncio.gather(
        storage.delete_vhost("v"), storage.start_vhost("v"), storage.delete_vhost("v")
    )
    assert list(done) == [True, False, True]
    assert storage.vhosts.get("v") is None


async def test_deleted_while_it_is_loaded(storage):
    await filled(storage)
    starting = asyncio.create_task(storage.start_vhost("v"))
    await asyncio.sleep(0)
    await storage.delete_vhost("v")
    assert not await starting
    assert storage.vhosts.get("v") is None


async def test_nothing_dies_into_what_is_gone(storage):
    declare(storage, "dead")
    dying = {"x-dead-letter-exchange": ("S", ""), "x-dead-letter-routing-key": ("S", "dead")}
    queue = declare(storage, "a", **dying)
    publish(queue, b"late", b"1000")
    storage.context.turn.run()
    await storage.flushed()
    unloading = storage.vhosts.unloading("v")
    clock, turn = storage.context.clock, storage.context.turn
    next(unloading)  # one of them is down, and in the other the message expires
    clock.advance(5)
    turn.run()
    through(unloading)
    await storage.flushed()
    assert await storage.start_vhost("v")
    turn.run()
    queues = storage.vhosts.get("v").queues
    assert (queues["a"].message_count, queues["dead"].message_count) == (0, 1)


async def test_the_collector_stays_away_while_it_is_loaded(storage):
    await filled(storage)
    looks = []
    gc.callbacks.append(lambda *look: looks.append(look))
    try:
        gc.set_threshold(10)
        assert await storage.start_vhost("v")
    finally:
        del gc.callbacks[-1]
        gc.set_threshold(700)
        gc.unfreeze()
    assert gc.isenabled()
    assert len(looks) < QUEUES


def rows(storage, table):
    with storage._engine.begin() as database:
        return database.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar()


async def test_its_messages_are_deleted_in_many_commits(storage, monkeypatch):
    monkeypatch.setattr(definition_store, "_PIECE", 1)
    publish(declare(storage, "kept"), b"x")
    storage.vhosts.create("w")
    queue = storage.vhosts.get("w").declare_queue(
        "q", durable=True, owner=None, auto_delete=False, arguments={}
    )
    for _ in range(5):
        publish(queue, b"x")
        await storage.flushed()
    asked = 0
    real = definition_store._delete_batches

    def counted(*what):
        nonlocal asked
        asked += 1
        return real(*what)

    monkeypatch.setattr(definition_store, "_delete_batches", counted)
    assert rows(storage, "batch") == 6
    assert await storage.delete_vhost("w")
    assert asked == 5 + 1
    await storage.flushed()
    assert (rows(storage, "batch"), rows(storage, "queue"), rows(storage, "vhost")) == (1, 1, 2)


async def test_a_disk_that_refuses_leaves_it_there_but_down(storage, monkeypatch, caplog):
    await filled(storage)
    assert await storage.start_vhost("v")

    def refuse(*_):
        raise OSError("no space")

    with monkeypatch.context() as patched:
        patched.setattr(definition_store, "_delete_batches", refuse)
        assert not await storage.delete_vhost("v")
    there = storage.vhosts.get("v")
    assert (there.running, there.trouble) == (False, "it was not deleted to its end")
    assert await storage.start_vhost("v")
    assert {each.message_count for each in storage.vhosts.get("v").queues.values()} == {1}
    assert await storage.delete_vhost("v")
    assert storage.vhosts.get("v") is None
