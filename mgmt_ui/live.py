"""Live updates: one stream of server-sent events for each reader, over any GET of the API.

A topic is an API path with its query, as `/queues/%2F?page=1&columns=name,messages`: it is looked
at once a second by the same handlers, tags and permissions that answer requests, and what has
changed goes out as a patch (delta.py). Nothing is done while nobody reads, and nothing is kept
for a reader who comes back: it gets whole values again. Events, each with JSON as its data:

    hello    {"stream": id}                          the name under which topics are changed
    state    {"topic", "at", "value"}                a whole value; `at` is the broker's time in ms
    patch    {"topic", "at", "patch"}                what changed since the topic's last event
    refused  {"topic", "status", "error", "reason"}  said once; the topic is tried again
    bye      {"reason"}                              signed-out, slow or stopping; the stream ends

Imported when the first stream is asked for.
"""

import asyncio
import json
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl
from weakref import WeakKeyDictionary

from aiohttp import web

from broker.clock import wait
from mgmt_ui import auth, body
from mgmt_ui.answer import Answer, Stream
from mgmt_ui.call import Call
from mgmt_ui.delta import delta
from mgmt_ui.errors import ApiError, bad_request, not_found, translate
from vhosts.errors import BrokerError

if TYPE_CHECKING:
    from mgmt_ui.rates import Rates
    from mgmt_ui.server import Server
    from vhosts.users import User

INTERVAL = 1.0
# Values that are dear to make are made more seldom: all readers cost a tenth of a core at most.
EASE = 10.0
SLOWEST = 15.0
HEARTBEAT = 10.0
# A reader who takes nothing for so long is gone, whatever its socket says.
PATIENCE = 20.0

MAX_STREAMS = 64
MAX_VALUE = 512 * 1024
# Of all values that are kept for all readers.
MAX_KEPT = 16 * 1024 * 1024


@dataclass(slots=True)
class Topic:
    """What a reader has been told about one path."""

    due: float = 0.0
    body: bytes = b""
    value: Any = None
    told: bool = False


@dataclass(slots=True)
class Reader:
    """One stream. `who` is asked at every look whether the user it is for may still read."""

    user: str
    who: "Callable[[], User | None]"
    name: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    topics: dict[str, Topic] = field(default_factory=dict)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    transport: asyncio.Transport | None = None
    bye: str = ""
    # What another back end has said that the user may enter, and until when that is believed.
    open_to: set[str] = field(default_factory=set)
    asked_until: float = 0.0

    def watch(self, topics: Iterable[str]) -> None:
        """Looks at these from now on, and at once; those that stay go on where they are."""
        self.topics = {topic: self.topics.get(topic) or Topic() for topic in topics}
        for topic in self.topics.values():
            topic.due = 0.0
        self.wake.set()

    def end(self, reason: str) -> None:
        """The stream says why and ends, at its next turn."""
        self.bye = self.bye or reason
        self.wake.set()

    def give_up(self) -> None:
        """The socket takes nothing: it is dropped without a word."""
        self.end("slow")
        if self.transport is not None:
            self.transport.abort()


class Hub:
    """All streams of one broker."""

    def __init__(self, server: "Server", rates: "Rates") -> None:
        # Here and not above: the table names this module.
        from mgmt_ui.routes import Router

        self._server = server
        self._rates = rates
        self._router = Router()
        self.readers: dict[str, Reader] = {}

    def open(self, user: str, who: "Callable[[], User | None]", topics: list[str]) -> Reader:
        """A new reader; ApiError 503 when there are too many."""
        if len(self.readers) >= MAX_STREAMS:
            raise ApiError(503, "service_unavailable", "too many live streams")
        reader = Reader(user, who)
        reader.watch(topics)
        self.readers[reader.name] = reader
        return reader

    async def run(self, reader: Reader, response: web.StreamResponse) -> None:
        """Writes until the reader goes or is told to."""
        clock = self._server.clock
        try:
            await self._send(response, reader, "hello", {"stream": reader.name})
            spoke = clock.monotonic()
            while not reader.bye:
                reader.wake.clear()
                if await self._look(reader, response):
                    spoke = clock.monotonic()
                elif clock.monotonic() - spoke >= HEARTBEAT:
                    spoke = clock.monotonic()
                    await self._write(response, reader, b": still here\n\n")
                await self._pause(reader)
            if reader.bye != "slow":
                await self._send(response, reader, "bye", {"reason": reader.bye})
        except ConnectionError:
            pass
        finally:
            self.readers.pop(reader.name, None)

    async def _look(self, reader: Reader, response: web.StreamResponse) -> bool:
        said = False
        for name, topic in list(reader.topics.items()):
            began = self._server.clock.monotonic()
            if reader.bye or topic.due > began or reader.topics.get(name) is not topic:
                continue
            user = reader.who()
            if user is None:
                reader.end("signed-out")
                break
            event = await self._news(reader, user, name, topic)
            cost = self._server.clock.monotonic() - began
            pause = EASE * cost * len(self.readers)
            topic.due = began + min(max(INTERVAL, pause), SLOWEST)
            if event is not None:
                said = True
                await self._send(response, reader, *event)
        return said

    async def _news(
        self, reader: Reader, user: "User", name: str, topic: Topic
    ) -> tuple[str, Any] | None:
        try:
            found = await self._value(reader, user, name)
        except ApiError as error:
            found = body.dump({"status": error.status} | (error.body or {}))
            return self._changed(name, topic, found, refused=True)
        return self._changed(name, topic, found)

    def _changed(
        self, name: str, topic: Topic, found: bytes, *, refused: bool = False
    ) -> tuple[str, Any] | None:
        if topic.told and found == topic.body:
            return None
        before, told = topic.value, topic.told
        topic.body, topic.told = found, True
        value = json.loads(found)
        topic.value = None if refused else value
        if refused:
            return "refused", {"topic": name} | value
        news = {"topic": name, "at": self._server.clock.now_ms()}
        if not told or before is None:
            return "state", news | {"value": value}
        return "patch", news | {"patch": delta(before, value) or {}}

    async def _value(self, reader: Reader, user: "User", topic: str) -> bytes:
        path, _, search = topic.partition("?")
        match = self._router.match("/api" + path)
        if match is None or (route := match.find("GET")) is None or path.startswith("/live"):
            raise not_found()
        auth.check_tag(user, route.tag)
        query = dict(parse_qsl(search, keep_blank_values=True))
        call = Call(self._server, self._rates, user, match.path, query)
        await self._find_open_doors(reader, call)
        try:
            result = route.resolve()(call)
            if asyncio.iscoroutine(result):
                result = await result
            given = result.body if isinstance(result, Answer) else result
            if isinstance(given, Stream | bytes | None):
                raise bad_request("this path cannot be watched")
            encoded = await body.encode(given, query)
        except BrokerError as error:
            raise translate(error) or bad_request(str(error)) from None
        if len(encoded) > MAX_VALUE or self._kept() + len(encoded) > MAX_KEPT:
            raise bad_request("too much to watch: ask for a page, and for fewer columns")
        return encoded

    async def _find_open_doors(self, reader: Reader, call: Call) -> None:
        # Not at every look: back ends are elsewhere.
        keeper, now = self._server.context.keeper, self._server.clock.monotonic()
        if call.user.identity is None or keeper is None:
            return
        if reader.asked_until <= now:
            await call.find_open_doors()
            reader.open_to, reader.asked_until = call.open_to, now + keeper.keep
        call.open_to = reader.open_to

    def _kept(self) -> int:
        return sum(len(t.body) for r in self.readers.values() for t in r.topics.values())

    async def _send(
        self, response: web.StreamResponse, reader: Reader, event: str, data: Any
    ) -> None:
        await self._write(response, reader, b"event: %b\ndata: %b\n\n" % (
            event.encode(), body.dump(data),
        ))  # fmt: skip

    async def _write(self, response: web.StreamResponse, reader: Reader, piece: bytes) -> None:
        # write() returns when the socket has taken enough: a slow reader misses rounds, and one
        # that takes nothing is dropped.
        timer = self._server.clock.call_later(PATIENCE, reader.give_up)
        try:
            await response.write(piece)
        finally:
            timer.cancel()

    async def _pause(self, reader: Reader) -> None:
        clock = self._server.clock
        next_due = min((topic.due for topic in reader.topics.values()), default=float("inf"))
        rest = min(next_due - clock.monotonic(), HEARTBEAT)
        await wait(clock, reader.wake, max(rest, 0.0))


_hubs: "WeakKeyDictionary[Server, Hub]" = WeakKeyDictionary()


def hub_of(server: "Server", rates: "Rates") -> Hub:
    """The streams of a broker."""
    hub = _hubs.get(server)
    if hub is None:
        hub = _hubs[server] = Hub(server, rates)
    return hub


def end_all(server: "Server") -> None:
    """The broker stops: its readers are told, and their streams end."""
    hub = _hubs.get(server)
    for reader in list(hub.readers.values()) if hub else ():
        reader.end("stopping")
