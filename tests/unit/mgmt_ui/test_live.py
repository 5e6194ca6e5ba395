"""The live stream: whole values first, then what changed; nobody sees more than they may."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientResponse

from mgmt_ui import live
from mgmt_ui.api import live as api
from tests.support.clock import VirtualClock
from tests.unit.mgmt_ui.conftest import Ask
from tests.unit.mgmt_ui.fakes import FakeServer

QUEUES = "/queues?page=1&columns=name,messages"


class Stream:
    """What a reader hears; time passes only in `tick`."""

    def __init__(self, response: ClientResponse, clock: VirtualClock) -> None:
        self._response = response
        self._clock = clock

    async def next(self) -> tuple[str, Any]:
        """The next event that is no heartbeat."""
        event = ""
        async with asyncio.timeout(5):
            async for line in self._response.content:
                name, _, rest = line.decode().strip().partition(": ")
                if name == "event":
                    event = rest
                elif name == "data":
                    return event, json.loads(rest)
        return "end", None

    async def tick(self, seconds: float = 1.0) -> None:
        for _ in range(5):  # let the stream come to its pause
            await asyncio.sleep(0)
        self._clock.advance(seconds)


@pytest.fixture
def watch(ask: Ask, server: FakeServer) -> Callable[..., Any]:
    """`async with watch(topic, user="guest") as stream:`"""

    @asynccontextmanager
    async def watch(*topics: str, user: str = "guest") -> AsyncIterator[Stream]:
        query = "&".join("topic=" + quoted(topic) for topic in topics)
        async with await ask(f"/api/live?{query}", user=user) as response:
            assert response.status == 200, await response.text()
            assert response.headers["content-type"] == "text/event-stream"
            stream = Stream(response, server.clock)
            event, hello = await stream.next()
            assert event == "hello"
            assert hello["stream"]
            yield stream
            live.end_all(server.as_server)

    return watch


def quoted(topic: str) -> str:
    return topic.replace("%", "%25").replace("&", "%26").replace("?", "%3F")


async def test_a_topic_is_told_whole_and_then_by_what_changed(
    watch: Callable[..., Any], server: FakeServer
) -> None:
    queue = server.add_queue("orders")
    async with watch(QUEUES) as stream:
        event, news = await stream.next()
        assert (event, news["topic"]) == ("state", QUEUES)
        assert news["value"]["items"] == [{"name": "orders", "messages": 0}]
        await stream.tick()
        queue.message_count = 5
        await stream.tick()
        event, news = await stream.next()
        assert event == "patch"
        assert news["patch"] == {"p": {"items": {"p": {"0": {"s": {"messages": 5}}}}}}


async def test_nobody_is_told_what_they_may_not_ask(
    watch: Callable[..., Any], server: FakeServer
) -> None:
    server.add_user("mona", "management")
    server.add_queue("secret")
    async with watch("/queues/%2F", QUEUES, "/none", user="mona") as stream:
        event, news = await stream.next()
        assert (event, news["status"]) == ("refused", 401)
        assert news["reason"] == "User not authorised to access virtual host"
        event, news = await stream.next()
        assert news["value"]["items"] == []
        assert (await stream.next())[1]["status"] == 404


async def test_a_refusal_is_said_once_and_forgotten_when_it_ends(
    watch: Callable[..., Any], server: FakeServer
) -> None:
    async with watch("/queues/new") as stream:
        assert (await stream.next())[1]["status"] == 404
        await stream.tick()
        await stream.tick()
        server.add_vhost("new", "guest")
        await stream.tick()
        assert await stream.next() == ("state", {"topic": "/queues/new", "at": ANY, "value": []})


async def test_another_password_ends_the_stream(
    watch: Callable[..., Any], server: FakeServer
) -> None:
    async with watch("/overview") as stream:
        assert (await stream.next())[0] == "state"
        server.vhosts.users.add("guest", "changed", ("administrator",))
        await stream.tick()
        assert await stream.next() == ("bye", {"reason": "signed-out"})
        assert await stream.next() == ("end", None)


async def test_a_token_that_is_handed_back_ends_the_stream(ask: Ask, server: FakeServer) -> None:
    form = {"username": "guest", "password": "guest"}
    async with await ask("/api/login", None, "POST", data=form) as response:
        token = {"authorization": "Bearer " + (await response.json())["token"]["value"]}
    async with await ask("/api/live?topic=/whoami", None, headers=token) as response:
        stream = Stream(response, server.clock)
        assert (await stream.next())[0] == "hello"
        assert (await stream.next())[1]["value"]["name"] == "guest"
        async with await ask("/api/login", None, "DELETE", headers=token) as done:
            assert done.status == 204
        await stream.tick()
        assert await stream.next() == ("bye", {"reason": "signed-out"})


async def test_topics_change_while_the_stream_runs(
    ask: Ask, watch: Callable[..., Any], server: FakeServer
) -> None:
    server.add_queue("orders")
    async with watch() as stream:
        (name,) = live.hub_of(server.as_server, None).readers  # type: ignore[arg-type]
        async with await ask(f"/api/live/{name}?topic={quoted(QUEUES)}", method="PUT") as response:
            assert (response.status, await response.read()) == (204, b"")
        assert (await stream.next())[1]["topic"] == QUEUES


async def test_streams_of_others_are_not_to_be_found(
    ask: Ask, watch: Callable[..., Any], server: FakeServer
) -> None:
    server.add_user("mona", "management")
    async with watch() as _:
        (name,) = live.hub_of(server.as_server, None).readers  # type: ignore[arg-type]
        async with await ask(f"/api/live/{name}", method="PUT", user="mona") as response:
            assert response.status == 404


async def test_nothing_is_done_when_nobody_reads(
    watch: Callable[..., Any], server: FakeServer
) -> None:
    idle = server.clock.pending
    async with watch("/overview") as stream:
        await stream.next()
        live.end_all(server.as_server)
        assert await stream.next() == ("bye", {"reason": "stopping"})
        assert await stream.next() == ("end", None)
    assert not live.hub_of(server.as_server, None).readers  # type: ignore[arg-type]
    assert server.clock.pending == idle


async def test_streams_topics_and_values_are_bounded(
    ask: Ask, watch: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    too_many = "&".join(f"topic=/queues/{n}" for n in range(api.MAX_TOPICS + 1))
    for query in (too_many, "topic=queues", "topic=/" + "x" * api.MAX_TOPIC):
        async with await ask("/api/live?" + query) as response:
            assert response.status == 400
    monkeypatch.setattr(live, "MAX_VALUE", 10)
    monkeypatch.setattr(live, "MAX_STREAMS", 1)
    async with watch("/overview", "/live") as stream:
        assert (await stream.next())[1]["status"] == 400
        assert (await stream.next())[1]["status"] == 404
        async with await ask("/api/live") as response:
            assert response.status == 503


async def test_a_reader_that_takes_nothing_is_dropped() -> None:
    class Transport:
        aborted = False

        def abort(self) -> None:
            self.aborted = True

    reader = live.Reader("guest", lambda: None)
    reader.transport = transport = Transport()  # type: ignore[assignment]
    reader.give_up()
    assert (reader.bye, transport.aborted) == ("slow", True)


class _Any:
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


ANY = _Any()
