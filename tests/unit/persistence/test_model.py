"""Any sequence of publishing, settling, committing, rewriting, crashing equals a simple model.

The model is one dictionary: what lives, by position, in the order of its arrival.  At each
commit a copy of it is what the disk must hold.
"""

import shutil
import sqlite3
import tempfile
from contextlib import closing
from itertools import count
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from persistence import message_log
from persistence.upkeep import ROUND, Upkeep
from tests.unit.persistence.kit import Database, Entry, Message

_WHEN = (message_log.SMALL, message_log.SPARSE)
State = dict[int, tuple[int, bytes | list[bytes], int | None, int]]


def long_enough(model: "Log") -> bool:
    """Whether something happened since the last start that can be lost."""
    return len(model.history) > 3


class Log(RuleBasedStateMachine):
    """The real log on a real file with its real thread, beside the model."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp())
        self.files = count(1)
        self.next_position = count(1)
        self.live: dict[int, Entry] = {}
        self.history: list[State] = [{}]

    @initialize()
    def begin(self) -> None:
        # Every batch of which anything is settled is worth rewriting.
        message_log.SMALL, message_log.SPARSE = 0, 0
        self.open(self.directory / "0.db")

    def open(self, path: Path) -> None:
        self.checkpointed = False
        self.database = database = Database(path)
        self.upkeep = Upkeep(database.commit, database.clock)
        gather = database.commit._gather

        def gathered():
            self.history.append(self.state())
            return gather()

        database.commit._gather = gathered  # type: ignore[method-assign]

    def state(self) -> State:
        return {
            position: (entry.queue.id, entry.message.body, entry.deadline, entry.returns)
            for position, entry in self.live.items()
        }

    def add(self, message: Message, queue: int, deadline: int | None = None) -> None:
        entry = Entry(message, queue, next(self.next_position), deadline)
        self.database.log.append(entry)
        self.live[entry.position] = entry

    def take(self, number: int) -> Entry:
        return self.live.pop(list(self.live)[number % len(self.live)])

    # -- what brokers do

    @rule(count=st.integers(1, 8), deadline=st.none() | st.integers(0, 2**40))
    def publish(self, count, deadline):
        for number in range(count):
            self.add(Message(b"%d" % number), 1, deadline)

    @rule(queues=st.integers(2, 4))
    def fan_out(self, queues):
        message = Message(b"shared")
        for queue in range(queues):
            self.add(message, queue)

    @rule()
    def seal(self):
        self.database.log.seal()

    @precondition(lambda self: self.live)
    @rule(number=st.integers(0, 1000), times=st.integers(1, 6))
    def settle(self, number, times):
        for _ in range(min(times, len(self.live))):
            self.database.log.settle(self.take(number))

    @precondition(lambda self: self.live)
    @rule(number=st.integers(0, 1000), count=st.integers(1, 2**40))
    def come_back_to_its_queue(self, number, count):
        entry = list(self.live.values())[number % len(self.live)]
        entry.returns += count
        self.database.log.returned(entry)

    @precondition(lambda self: self.live)
    @rule(number=st.integers(0, 1000))
    def move(self, number):
        """As dead-lettering does: to another queue, in one commit."""
        entry = self.take(number)
        self.add(Message(entry.message.body), entry.queue.id + 1)
        self.database.log.settle_with_commit(entry)

    @rule()
    def begin_commit(self):
        self.database.commit.kick()

    @rule()
    def commit(self):
        self.database.written()

    @rule()
    def time_passes(self):
        """Long enough for sparse batches to be rewritten."""
        self.checkpointed = True
        for _ in range(3):
            self.database.clock.advance(ROUND)
            self.database.settled_down()

    @rule()
    def a_little_time_passes(self):
        """Callbacks that come meanwhile wait for another rule to run them."""
        self.database.clock.advance(ROUND)

    # -- ends and beginnings

    @precondition(long_enough)
    @rule()
    def stop_and_start(self):
        self.database.written(force=True)
        self.database.settled_down()
        self.upkeep.close()
        self.database.close()
        self.come_back(self.database.path, [self.state()])

    @precondition(long_enough)
    @rule()
    def crash(self):
        """What was begun gets to the disk, but nobody hears of it."""
        self.come_back(self.copy(), self.history[-1:])

    # What a checkpoint has copied was synced in the log before: no disk loses that end again.
    @precondition(lambda self: long_enough(self) and not self.checkpointed)
    @rule(lost=st.floats(0, 1))
    def crash_with_a_lying_disk(self, lost):
        """The end of the write-ahead log is lost: some earlier commit, but all of it."""
        path = self.copy()
        log = path.with_name(path.name + "-wal")
        with log.open("r+b") as file:
            file.truncate(round(log.stat().st_size * lost))
        self.come_back(path, self.history)

    def copy(self) -> Path:
        path = self.directory / f"{next(self.files)}.db"
        # Closing the last connection would empty the write-ahead log: this one stays open.
        with closing(sqlite3.connect(self.database.path)) as keeper:
            keeper.execute("SELECT * FROM meta").fetchall()
            self.database.close()
            for suffix in ("", "-wal"):
                shutil.copy(f"{self.database.path}{suffix}", f"{path}{suffix}")
        return path

    def come_back(self, path: Path, possible: list[State]) -> None:
        self.open(path)
        found = self.database.recover()
        state: State = {
            reference.position: (
                reference.queue_id,
                stored.body,
                reference.deadline,
                (batch.returned or {}).get(reference.ordinal, 0),
            )
            for stored, reference, batch in found
        }
        assert len(state) == len(found)
        assert state in possible
        assert list(state) == list(next(each for each in possible if each == state))
        self.live = {}
        for stored, reference, batch in found:
            entry = Entry(
                Message(stored.body), reference.queue_id, reference.position, reference.deadline
            )
            entry.batch, entry.ref = batch, reference.ordinal
            entry.returns = state[entry.position][3]
            self.live[entry.position] = entry
        self.history = [state]

    @invariant()
    def batches_count_what_lives(self):
        batches = {id(entry.batch): entry.batch for entry in self.live.values()}
        assert sum(batch.alive for batch in batches.values()) == len(self.live)

    def teardown(self) -> None:
        message_log.SMALL, message_log.SPARSE = _WHEN
        self.database.close()
        shutil.rmtree(self.directory)


TestLog = Log.TestCase
TestLog.settings = settings(
    max_examples=40,
    stateful_step_count=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
