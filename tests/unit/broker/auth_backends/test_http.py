"""The web server's protocol: what it is asked, what its answers mean, and which are kept."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from broker.auth_backends import http
from broker.auth_backends.base import Identity, Unavailable
from broker.auth_backends.http import HttpBackend
from broker.options import Options
from tests.support.clock import VirtualClock
from vhosts.users import User


class Judge:
    """A web server that notes what it is asked and says what it is told to."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.methods: set[str] = set()
        self.answer: Any = "allow"
        self.status = 200
        app = web.Application()
        app.router.add_route("*", "/{question}", self._decide)
        self.server = TestServer(app)
        self.clock = VirtualClock()

    async def _decide(self, request: web.Request) -> web.Response:
        facts = request.query if request.method == "GET" else await request.post()
        self.methods.add(request.method)
        asked = {name: str(value) for name, value in facts.items()}
        self.asked.append({"": request.match_info["question"], **asked})
        headers = {"location": "/elsewhere"} if self.status == 302 else {}
        return web.Response(body=self.answer.encode(), status=self.status, headers=headers)

    def backend(self, **changes: Any) -> HttpBackend:
        paths = {name: str(self.server.make_url(f"/{name}")) for name in http.QUESTIONS}
        settings: dict[str, Any] = {"method": "get", "timeout": 5, "keep": 15} | changes
        return HttpBackend(paths, self.clock, **settings)


@pytest.fixture
async def judge() -> AsyncIterator[Judge]:
    judge = Judge()
    await judge.server.start_server()
    yield judge
    await judge.server.close()


@pytest.fixture
async def backend(judge: Judge) -> AsyncIterator[HttpBackend]:
    backend = judge.backend()
    yield backend
    await backend.close()


def ann(backend: HttpBackend) -> Identity:
    return Identity(User("ann", "", tags=("a", "b")), backend)


@pytest.mark.parametrize(
    ("answer", "tags"),
    [
        ("allow", ()),
        ("ALLOW administrator management", ("administrator", "management")),
        ("allow  x \n", ("x",)),
        ("deny", None),
        ("Deny because", None),
    ],
)
async def test_logins(judge, backend, answer, tags):
    judge.answer = answer
    found = await backend.login("ann", "pa ss&word")
    assert (found and found.user.tags) == tags
    assert judge.asked == [{"": "user", "username": "ann", "password": "pa ss&word"}]


async def test_questions(judge, backend):
    identity = ann(backend)
    assert await backend.may_enter(identity, "/", "192.0.2.1")
    assert await backend.may(identity, "/", "write", "exchange", "amq.default")
    assert await backend.may_use_topic(identity, "/", "read", "x", "a.b")
    who = {"username": "ann", "tags": "a b", "vhost": "/"}
    assert judge.asked == [
        {"": "vhost", **who, "ip": "192.0.2.1"},
        {"": "resource", **who, "resource": "exchange", "name": "amq.default"}
        | {"permission": "write"},
        {"": "topic", **who, "resource": "topic", "name": "x", "permission": "read"}
        | {"routing_key": "a.b"},
    ]
    judge.answer = "deny"
    assert not await backend.may_enter(identity, "other", "192.0.2.1")


async def test_posting(judge):
    backend = judge.backend(method="post")
    assert await backend.login("ann", "secret")
    assert judge.methods == {"POST"}
    assert judge.asked == [{"": "user", "username": "ann", "password": "secret"}]
    await backend.close()


async def test_answers_are_kept_for_a_while(judge, backend):
    for _ in range(3):
        assert await backend.login("ann", "secret")
    assert len(judge.asked) == 1
    assert await backend.login("ann", "other")
    assert len(judge.asked) == 2
    judge.answer = "deny"
    judge.clock.advance(15)
    assert await backend.login("ann", "secret") is None
    assert await backend.login("ann", "secret") is None
    assert len(judge.asked) == 3


async def test_facts_do_not_run_into_each_other(judge, backend):
    identity = ann(backend)
    assert await backend.may(identity, "a", "write", "queue", "bc")
    assert await backend.may(identity, "ab", "write", "queue", "c")
    assert len(judge.asked) == 2


async def test_nothing_is_kept_where_so_configured(judge):
    backend = judge.backend(keep=0)
    await backend.login("ann", "secret")
    await backend.login("ann", "secret")
    assert len(judge.asked) == 2
    await backend.close()


async def test_few_answers_are_kept(judge, backend, monkeypatch):
    monkeypatch.setattr(http, "MAX_CACHED", 3)
    for number in range(10):
        await backend.login(f"user{number}", "secret")
    assert len(backend._answers) == 3
    assert all(b"secret" not in digest for digest in backend._answers)


@pytest.mark.parametrize(
    ("status", "answer"),
    [(200, ""), (200, "<html>"), (200, "allowed"), (500, "allow"), (404, "allow"), (302, "allow")],
)
async def test_what_is_no_answer(judge, backend, status, answer):
    judge.status, judge.answer = status, answer
    with pytest.raises(Unavailable, match=str(status)):
        await backend.login("ann", "secret")
    assert len(judge.asked) == 1  # nobody was sent elsewhere with the password
    judge.status, judge.answer = 200, "allow"
    assert await backend.login("ann", "secret")


async def test_endless_answers(judge, backend):
    judge.answer = "allow" + " x" * http.MAX_ANSWER
    with pytest.raises(Unavailable, match="more than 4096"):
        await backend.login("ann", "secret")


async def test_nobody_there(judge, backend):
    await judge.server.close()
    with pytest.raises(Unavailable) as caught:
        await backend.login("ann", "secret")
    assert "secret" not in str(caught.value)


async def test_names_that_are_no_text(judge, backend):
    assert await backend.login("ann\udcff", "secret") is None
    assert judge.asked == []


async def test_made_of_options():
    paths = {f"auth_http_{name}_path": f"http://auth.example/{name}" for name in http.QUESTIONS}
    settings: dict[str, Any] = {**paths, "auth_http_method": "post"}
    backend = http.make(Options(**settings), VirtualClock())
    assert backend._paths["topic"] == "http://auth.example/topic"
    await backend.close()
