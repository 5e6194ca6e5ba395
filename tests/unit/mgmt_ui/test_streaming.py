import json
import logging
from typing import Any

import pytest

from mgmt_ui import body, streaming
from mgmt_ui.api import queues
from mgmt_ui.paging import Listing
from tests.unit.mgmt_ui.conftest import Ask
from tests.unit.mgmt_ui.fakes import FakeServer

COUNT = 120


@pytest.fixture(autouse=True)
def _many(server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "LONG", 100)
    for number in range(COUNT):
        server.add_queue(f"q{number:03}")


@pytest.mark.parametrize("count", [0, 1, 49, 50, 51, 100, 101])
@pytest.mark.parametrize("query", [{}, {"sort": "n", "sort_reverse": "true"}, {"columns": "n"}])
async def test_pieces_make_the_whole(count: int, query: dict[str, str]):
    listing = Listing(range(count), str, lambda n: {"n": n, "x": [n]})
    whole = b"".join([piece async for piece in body.pieces(listing, query)])
    assert whole == await body.encode(listing, query)


async def test_a_long_list(ask: Ask):
    response = await ask("/api/queues?columns=name")
    assert response.headers["transfer-encoding"] == "chunked"
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert [row["name"] for row in await response.json()] == [f"q{n:03}" for n in range(COUNT)]


async def test_compressed(ask: Ask):
    headers = {"accept-encoding": "gzip"}
    response = await ask("/api/queues?columns=name", headers=headers)
    assert response.headers["content-encoding"] == "gzip"
    assert len(await response.json()) == COUNT


@pytest.mark.parametrize("path", ["queues?page=1", "queues?page=1&page_size=500"])
async def test_pages_come_whole(ask: Ask, path: str):
    response = await ask(f"/api/{path}")
    assert "content-length" in response.headers
    assert (await response.json())["total_count"] == COUNT


async def test_the_length_of_a_list_without_its_body(ask: Ask):
    response = await ask("/api/queues", method="HEAD")
    assert int(response.headers["content-length"]) > 1000


async def test_what_goes_wrong_at_once_is_answered(ask: Ask, monkeypatch: pytest.MonkeyPatch):
    from mgmt_ui.errors import bad_request

    def refuse(*_: Any) -> Any:
        raise bad_request("no")

    monkeypatch.setattr(queues, "describe", refuse)
    response = await ask("/api/queues")
    assert (response.status, await response.json()) == (
        400,
        {"error": "bad_request", "reason": "no"},
    )


async def test_what_goes_wrong_later_cuts_the_answer(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    describe = queues.describe

    def fail_late(call: Any, unacked: Any, queue: Any) -> Any:
        if queue.name == "q110":
            raise ZeroDivisionError
        return describe(call, unacked, queue)

    monkeypatch.setattr(queues, "describe", fail_late)
    response = await ask("/api/queues")
    with pytest.raises(Exception, match=r"payload|disconnected|closed"):
        json.loads(await response.read())
    assert [r.levelno for r in caplog.records if r.name == "leveret.http"] == [logging.ERROR]


async def test_a_client_that_takes_nothing_is_cut_off(server: FakeServer):
    aborted = []

    class Transport:
        def abort(self) -> None:
            aborted.append(True)

    class Response:
        async def write(self, _piece: bytes) -> None:
            server.clock.advance(streaming.PATIENCE + 1)

    class Request:
        transport = Transport()

    request: Any = Request()
    response: Any = Response()
    await streaming._write(request, response, server.clock, b"x")
    assert aborted
