"""A database with a real writer's thread, a clock that jumps, and a loop run by hand."""

from collections.abc import Callable, Collection
from pathlib import Path
from queue import SimpleQueue
from struct import pack
from typing import Any

from persistence.commit import GroupCommit
from persistence.damage import Damage
from persistence.engine import open_engine
from persistence.message_log import Batch, MessageLog
from persistence.record import Record, Reference
from persistence.recovery import Recovery
from persistence.shares import Share
from persistence.steps import at_once
from tests.support.clock import VirtualClock


class Route:
    def __init__(self, exchange: bytes = b"ex", key: bytes = b"key") -> None:
        self.raw = bytes([len(exchange)]) + exchange + bytes([len(key)]) + key
        self.hidden = b""


class Header:
    def __init__(self, size: int, died: bool = False) -> None:
        self.payload = pack(">HHQH", 60, 0, size, 0x1000) + b"\x02"
        self.body_size = size
        self.died = died


class Message:
    def __init__(self, body: bytes | list[bytes], route: Route | None = None) -> None:
        size = len(body) if isinstance(body, bytes) else sum(map(len, body))
        self.route = route or Route()
        self.header = Header(size)
        self.body = body


class Queue:
    def __init__(self, number: int) -> None:
        self.id = number
        self.levels = 1


class Entry:
    def __init__(
        self, message: Message, queue: int = 1, position: int = 0, deadline: int | None = None
    ) -> None:
        self.message = message
        self.queue = Queue(queue)
        self.position = position
        self.deadline = deadline
        self.batch: Any = None
        self.ref = 0
        self.returns = 0


class Keeper:
    """Takes back what a restart finds; queues of the ids `long` leave theirs on the disk."""

    def __init__(self, queues: set[int] | None = None, long: Collection[int] = ()) -> None:
        self.queues = queues
        self.long = long
        self.found: list[tuple[Record, Reference, Batch]] = []
        self.placed: list[Share] = []

    def pages(self, queue_id: int, messages: int, octets: int) -> bool:
        return queue_id in self.long

    def place(self, share: Share) -> None:
        self.placed.append(share)

    def restore(self, stored: Record, reference: Reference, batch: Batch) -> bool:
        if self.queues is not None and reference.queue_id not in self.queues:
            return False
        self.found.append((stored, reference, batch))
        return True


class Database:
    """One opening of the file at `path`; ends with `close`."""

    def __init__(self, path: Path) -> None:
        self.url = f"sqlite:///{path}"
        self.path = path
        self.calls: SimpleQueue[tuple[Callable[..., object], tuple[Any, ...]]] = SimpleQueue()
        self.clock = VirtualClock()
        self.engine = open_engine(self.url)
        self.commit = GroupCommit(self.engine, self.clock, self.call_soon)
        self.log = MessageLog(1, self.commit)

    def call_soon(self, callback: Callable[..., object], *arguments: Any) -> None:
        self.calls.put((callback, arguments))

    def step(self) -> None:
        """Runs the next thing that the writer's thread hands over; waits for it."""
        callback, arguments = self.calls.get(timeout=10)
        callback(*arguments)

    def written(self, force: bool = False) -> None:
        """Returns once all up to now is on the disk; with `force` settlements as well."""
        done: list[bool] = []
        self.commit.after(lambda: done.append(True))
        if force:
            self.commit.flush()
        else:
            self.commit.kick()
        while not done:
            self.step()

    def settled_down(self) -> None:
        """Returns once the writer's thread has nothing to do and all callbacks were run."""
        idle: list[bool] = []
        self.commit.maintain(lambda _: True, lambda _: idle.append(True))
        while not idle or not self.calls.empty():
            self.step()

    def publish(self, *positions: int, queue: int = 1, body: bytes = b"body") -> list[Entry]:
        entries = [Entry(Message(body), queue, position) for position in positions]
        for entry in entries:
            self.log.append(entry)
        return entries

    def recover(self, queues: set[int] | None = None) -> list[tuple[Record, Reference, Batch]]:
        """All messages, read at once; those of other than these `queues` are gone."""
        keeper = Keeper(queues)
        with self.engine.begin() as connection:
            at_once(Recovery(self.log, keeper, Damage()).run(), connection)
        return keeper.found

    def positions(self) -> list[int]:
        return [reference.position for _, reference, _ in self.recover()]

    def scalar(self, sql: str) -> Any:
        with self.engine.connect() as connection:
            return connection.exec_driver_sql(sql).scalar()

    def change(self, sql: str) -> None:
        with self.engine.begin() as connection:
            connection.exec_driver_sql(sql)

    def close(self) -> None:
        """Stops without a flush: what was not written is lost, as in a crash."""
        self.commit.close()
        self.engine.dispose()
