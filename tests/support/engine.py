"""The engine in memory: a broker without sockets, threads and passing time, and its clients.

`Engine()` is a whole broker on a database in memory (in a file with `path`), `engine.connect()` a
client that has opened channel 1.  Nothing happens behind a test's back: what the loop is asked to
call soon is a list that `run` works off, time passes with `engine.advance`, and a commit reaches
the disk in `run`, or by `engine.disk.write` where the test holds the disk.
"""

import itertools
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Self, cast

from broker import storage
from broker.connection import Connection
from broker.context import Context
from broker.handshake import Limits, ServerIdentity
from broker.queue import Queue
from broker.turn import Turn
from persistence.commit import GroupCommit
from persistence.engine import open_engine
from persistence.reader import Reader
from tests.support.clock import VirtualClock
from tests.support.encoding import Method, Table, decode_method
from tests.support.wire import METHOD, Content, Disconnected, WireClient, frame
from vhosts.vhost import VirtualHost

LOCAL = ("127.0.0.1", 5672)
_numbers = itertools.count(1)


@cache
def _new_database() -> sqlite3.Connection:
    """A database with tables and nothing in them: a copy is had sooner than a new one."""
    name = "file:new?mode=memory&cache=shared"
    keeper = sqlite3.connect(name, uri=True)
    open_engine(f"sqlite:///{name}&uri=true").dispose()
    return keeper


class Shelf(Reader):
    """The reader without its thread: `serve` does what the thread would have done."""

    def _begin(self) -> None:
        """The thread does not begin."""

    @property
    def busy(self) -> bool:
        """Whether there is something for `serve` to do."""
        return not self._requests.empty()

    def serve(self) -> None:
        """Reads all that was asked for."""
        if self.busy:
            self._requests.put(None)
            self._serve()


class Disk(GroupCommit):
    """The group commit without its thread: `write` does what the thread would have done.

    `held`: nothing is written but by `write`.  `failing_with`: what the next writes meet with.
    `commits` counts those that got through.
    """

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self.reader: Shelf = Shelf(*parts)
        self.held = False
        self.failing_with: Exception | None = None
        self.commits = 0

    def _write(self) -> None:
        """The thread ends before it begins."""

    @property
    def busy(self) -> bool:
        """Whether there is something for `write` to do."""
        return not self._work.empty()

    def write(self) -> bool:
        """One commit; whether there was one to do."""
        if not self.busy:
            return False
        queue, engine, self._work = self._work, self._engine, SimpleQueue()
        self._work.put(queue.get())
        self._work.put(None)
        if self.failing_with is None:
            self.commits += 1
        else:
            self._engine = cast(Any, _Broken(self.failing_with))
        super()._write()
        self._work, self._engine = queue, engine
        return True


class _Broken:
    """A database that cannot be connected to."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def connect(self) -> Any:
        raise self._error


class Socket:
    """What a `Connection` takes for its transport; `writes` is what it was handed, call by call."""

    def __init__(self, engine: "Engine") -> None:
        self.engine = engine
        self.writes: list[bytes] = []
        self.reading = True
        # What a test says that waits in the transport.
        self.buffered = 0
        self.closed = self.aborted = False
        self.connection: Connection
        self._unread: list[bytes] = []

    def write(self, data: bytes) -> None:
        if not self.closed:
            self.writes.append(bytes(data))

    def writelines(self, data: list[bytes]) -> None:
        self.write(b"".join(data))

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self.engine.call_soon(self._lost)

    def _lost(self) -> None:
        self.connection.lost()
        del self.connection  # as asyncio's transports let go of their protocols

    def abort(self) -> None:
        self.aborted = True
        self.close()

    def is_closing(self) -> bool:
        return self.closed

    def get_write_buffer_size(self) -> int:
        return self.buffered

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True
        if self._unread:
            self.engine.call_soon(self._read)

    def feed(self, data: bytes) -> None:
        """The peer sent something; it waits in the kernel while nobody reads."""
        self._unread.append(data)
        self._read()

    def _read(self) -> None:
        while self._unread and self.reading and not self.closed:
            self.connection.receive(self._unread.pop(0))


class Client(WireClient):
    """A client joined to a `Connection` in memory; all else is as with a real socket.

    Reading runs the engine first, and raises TimeoutError at once where nothing comes.
    `wire` is the broker's end of the socket.
    """

    def __init__(self, engine: "Engine", peer: str = "127.0.0.1") -> None:
        self.engine = engine
        self.timeout = 1.0
        self.received = bytearray()
        self.heartbeats = 0
        self.wire = Socket(engine)
        self.connection = self.wire.connection = Connection(
            engine.context,
            self.wire,
            peer=(peer, next(_numbers)),
            local=LOCAL,
            loopback=peer == "127.0.0.1",
        )
        self._taken = 0

    def send(self, *pieces: bytes) -> None:
        self.wire.feed(b"".join(pieces))

    def abort(self) -> None:
        if not self.wire.closed:
            self.wire.close()
            self.engine.run()

    def _receive(self, deadline: float) -> None:
        self.engine.run()
        if not self._fetch():
            raise Disconnected if self.wire.closed else TimeoutError("nothing comes")

    def _fetch(self) -> bool:
        fresh = self.wire.writes[self._taken :]
        self._taken += len(fresh)
        self.received += b"".join(fresh)
        return bool(fresh)

    # -- shorthands ----------------------------------------------------------------------

    @property
    def silent(self) -> bool:
        """Whether the broker, left running, has nothing (more) to say to this client."""
        self.engine.run()
        return not self._fetch() and not self.received

    def read_all(self) -> list[Method | Content]:
        """All that the broker has to say now; contents whole, heartbeats left out."""
        return list(self._each())

    def _each(self) -> Iterator[Method | Content]:
        while not self.silent:
            try:
                first = self.read_payload_frame()
            except (Disconnected, TimeoutError):
                return
            assert first.kind == METHOD, first
            method = decode_method(first.channel, first.payload)
            if method.name in ("basic.deliver", "basic.get-ok", "basic.return"):
                self.received[:0] = frame(*first)
                yield self.expect_content(method.name)
            else:
                yield method

    def names(self) -> list[str]:
        """The names of the methods that come now."""
        return [
            each.method.name if isinstance(each, Content) else each.name for each in self.read_all()
        ]

    def deliveries(self) -> list[Content]:
        """All deliveries that come now, and nothing else may come."""
        contents = self.read_all()
        assert all(isinstance(each, Content) for each in contents), contents
        return [each for each in contents if isinstance(each, Content)]

    def bodies(self) -> list[bytes]:
        """The bodies of all deliveries that come now."""
        return [content.body for content in self.deliveries()]

    def declare(self, queue: str = "", arguments: Table | None = None, **options: Any) -> Queue:
        """Declares a queue, durable unless it is exclusive or `durable` says otherwise."""
        options = {"durable": not options.get("exclusive"), **options}
        ok = self.call(1, "queue.declare", queue=queue, arguments=arguments, **options)
        return self.engine.queue(ok.arguments["queue"])

    def consume(
        self,
        queue: str,
        tag: str = "c",
        channel: int = 1,
        prefetch: int | None = None,
        **options: Any,
    ) -> None:
        """Subscribes; deliveries wait to be read."""
        if prefetch is not None:
            self.call(channel, "basic.qos", prefetch_count=prefetch)
        self.call(channel, "basic.consume", queue=queue, consumer_tag=tag, **options)

    def ack(self, tag: int, channel: int = 1, *, multiple: bool = False) -> None:
        self.send_method(channel, "basic.ack", delivery_tag=tag, multiple=multiple)

    def nack(
        self, tag: int, channel: int = 1, *, multiple: bool = False, requeue: bool = True
    ) -> None:
        self.send_method(
            channel, "basic.nack", delivery_tag=tag, multiple=multiple, requeue=requeue
        )


class Engine:
    """A broker on a database in memory, `/` and guest in it; `limits` as of handshake.Limits."""

    def __init__(
        self,
        *,
        max_message_size: int = 1 << 20,
        handshake_timeout: float = 10.0,
        path: Path | None = None,
        **limits: Any,
    ) -> None:
        self._max_message_size = max_message_size
        self._handshake_timeout = handshake_timeout
        self._limits = Limits(**limits)
        self.clock = VirtualClock()
        place = str(path) if path else f"file:leveret{next(_numbers)}?mode=memory&cache=shared"
        # A database in memory lives as long as somebody is connected to it.
        self._keeper = sqlite3.connect(place, uri=not path)
        if not path:
            _new_database().backup(self._keeper)
        self._database = open_engine(f"sqlite:///{place}" + ("" if path else "&uri=true"))
        self._start()

    def _start(self) -> None:
        self._soon: deque[Callable[[], object]] = deque()
        self._sockets: list[Socket] = []
        self.disk = Disk(self._database, self.clock, self.call_soon)
        self.turn = Turn(self.call_soon, self.clock, self.disk)
        with self._database.begin() as database:
            self.vhosts = storage._load(database, self.disk, self.turn)
        self.context = Context(
            self.clock,
            self.turn,
            self.vhosts,
            ServerIdentity("rabbit@test"),
            self._limits,
            max_message_size=self._max_message_size,
            handshake_timeout=self._handshake_timeout,
        )
        self.turn.schedule()
        self.run()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of the database."""
        self._keeper.close()
        self._database.dispose()

    # -- the loop ------------------------------------------------------------------------

    def call_soon(self, callback: Callable[..., object], *arguments: Any) -> None:
        self._soon.append(lambda: callback(*arguments))

    def step(self) -> None:
        """One turn of the loop: what was due when it began, and meanwhile a commit."""
        if not self.disk.held:
            self.disk.write()
        self.disk.reader.serve()
        for _ in range(len(self._soon)):
            self._soon.popleft()()

    def run(self) -> None:
        """Turns until nothing is left to do but to wait for time, clients or a held disk."""
        while self._soon or self.disk.reader.busy or (self.disk.busy and not self.disk.held):
            self.step()

    def advance(self, seconds: float) -> None:
        """Lets time pass, and the loop run behind it."""
        self.run()
        self.clock.advance(seconds, self.run)
        self.run()

    def stall(self, seconds: float) -> None:
        """Time passes while the loop is busy: timers come late."""
        self.clock._monotonic += seconds

    # -- what is inside ------------------------------------------------------------------

    @property
    def vhost(self) -> VirtualHost[Queue]:
        """The virtual host `/`."""
        vhost = self.vhosts.get("/")
        assert vhost is not None
        return vhost

    def queue(self, name: str) -> Queue:
        """A queue of `/`."""
        return self.vhost.queues[name]

    def client(self, peer: str = "127.0.0.1") -> Client:
        """A client that has said nothing yet."""
        client = Client(self, peer)
        self._sockets.append(client.wire)
        return client

    def connect(self, **options: Any) -> Client:
        """A client with channel 1 open; options as of `WireClient.connect`."""
        return self.client().connect(**options)

    @contextmanager
    def disk_held(self) -> Iterator[Disk]:
        """Nothing reaches the disk meanwhile."""
        self.disk.held = True
        yield self.disk
        self.disk.held = False

    # -- the end and a new beginning -----------------------------------------------------

    def crash(self) -> None:
        """The process is killed and started again: what was not committed is lost."""
        for socket in self._sockets:
            socket.closed = True
        # Timers and time of the dead process die with it; the machine's time goes on.
        self.clock = VirtualClock(self.clock.now_ms())
        self._start()

    def restart(self) -> None:
        """An orderly stop, then a start on the same database."""
        for connection in list(self.context.connections):
            connection.lost()
        self.run()
        for queue in self.vhost.queues.values():
            queue.save_frontiers()
        for _ in range(2):
            self.disk.flush()
            self.run()
        self.crash()
