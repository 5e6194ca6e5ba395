"""Fixtures of the management plane's tests: a fake broker and an HTTP client that asks about it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from mgmt_ui.app import make_app
from tests.support.engine import Engine
from tests.unit.mgmt_ui.fakes import FakeServer, basic
from tests.unit.mgmt_ui.live import Http, LiveServer, asker

Ask = Callable[..., Awaitable[ClientResponse]]


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture
async def ask(server: FakeServer) -> AsyncIterator[Ask]:
    """`await ask("/api/queues", user="guest", method="GET")`: the response, for any path."""
    async with TestClient(TestServer(make_app(server.as_server))) as client:

        async def ask(
            path: str, user: str | None = "guest", method: str = "GET", **options: Any
        ) -> ClientResponse:
            headers = (basic(user) if user else {}) | options.pop("headers", {})
            # `encoded`: the client must not repair what the test wants to send.
            url = URL(str(client.make_url("/"))[:-1] + path, encoded=True)
            return await client.session.request(method, url, headers=headers, **options)

        yield ask


@pytest.fixture
async def get(ask: Ask) -> Callable[..., Awaitable[Any]]:
    """`await get(path)`: the JSON of a 200."""

    async def get(path: str, **options: Any) -> Any:
        async with await ask(path, **options) as response:
            assert response.status == 200, await response.text()
            return await response.json()

    return get


@pytest.fixture
def live() -> Iterator[LiveServer]:
    """A whole broker in memory, for what changes something."""
    with Engine() as engine:
        yield LiveServer(engine)


@pytest.fixture
async def http(live: LiveServer) -> AsyncIterator[Http]:
    """Requests to `live`; see `asker`."""
    async with TestClient(TestServer(make_app(live.as_server))) as client:
        yield asker(client.session, str(client.make_url("/"))[:-1])
