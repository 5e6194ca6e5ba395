"""The aiohttp application: one request in, one answer out, whatever a handler does.

Here: the way of a request through router, authentication, tags, handler and error table, and the
headers of all answers. What is answered is in api/, by the table in routes.py.
"""

import inspect
import logging
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING

from aiohttp import web

from broker import audit
from broker.waiting import MAX_QUESTIONS, Waiting
from mgmt_ui import auth, body
from mgmt_ui.answer import Answer, Stream
from mgmt_ui.call import Call
from mgmt_ui.errors import ApiError, bad_request, not_found, translate
from mgmt_ui.paging import Listing
from mgmt_ui.payload import TOO_LARGE
from mgmt_ui.rates import Rates
from mgmt_ui.redirects import moved
from mgmt_ui.routes import MalformedPath, Match, Route, Router
from mgmt_ui.sessions import Sessions
from vhosts.errors import AccessRefused, BrokerError

if TYPE_CHECKING:
    from mgmt_ui.server import Server
    from vhosts.users import User

logger = logging.getLogger("leveret.http")

MAX_REQUEST_BODY = 10_000_000
COMPRESSED_FROM = 300
METRICS = "text/plain"
# What may be done with a path that nobody knows.
READING = "HEAD, GET, OPTIONS"
JSON = {"content-type": "application/json"}
HEADERS = {
    "cache-control": "no-cache",
    "content-security-policy": "script-src 'self'; object-src 'self'",
    "server": "Leveret",
    "vary": "accept, accept-encoding, origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "deny",
}


def make_app(server: "Server", rates: Rates | None = None) -> web.Application:
    """The application that answers for `server`; it runs as long as the server lives.

    Without `rates`, which somebody else starts and stops, it takes its own samples.
    """
    app = web.Application(client_max_size=MAX_REQUEST_BODY)
    entrance = _Entrance(server, rates or Rates(server))
    # One route for all: aiohttp decodes a path before it cuts it, so %2F would not survive.
    # A name may hold a line feed, which a dot would not match.
    app.router.add_route("*", r"/{tail:[\s\S]*}", entrance.answer)
    if rates is None:
        app.cleanup_ctx.append(entrance.sample)
    app.on_shutdown.append(entrance.end_streams)
    return app


@dataclass
class _Entrance:
    server: "Server"
    rates: Rates
    router: Router = field(default_factory=Router)

    @cached_property
    def sessions(self) -> Sessions:
        """Made with the first request: before the server has started there are no users."""
        return Sessions(self.server.clock, self.server.vhosts.users)

    async def sample(self, _app: web.Application) -> AsyncIterator[None]:
        """Rates are kept while the application runs."""
        self.rates.start()
        yield
        self.rates.stop()

    async def end_streams(self, _app: web.Application) -> None:
        """Whoever watches would otherwise hold up the stop of the broker, and so would jobs."""
        if (live := sys.modules.get("mgmt_ui.live")) is not None:
            live.end_all(self.server)
        if (jobs := sys.modules.get("mgmt_ui.jobs")) is not None:
            await jobs.end_all(self.server)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Never raises but for cancellation: all errors are answers."""
        general = HEADERS | self._for_others(request)
        try:
            answer = await self._answer(request)
            if isinstance(answer, Stream):
                return await answer.serve(request, general)
        except ApiError as error:
            answer = _refusal(error)
        except BrokerError as error:
            answer = _refusal(translate(error) or _unforeseen(request, error))
        except Exception as error:
            answer = _refusal(_unforeseen(request, error))
        response = web.Response(
            status=answer.status, body=answer.body, headers=general | answer.headers
        )
        if len(answer.body) > COMPRESSED_FROM and "content-encoding" not in answer.headers:
            response.enable_compression()
        return response

    async def _answer(self, request: web.Request) -> "_Encoded | Stream":
        path = self._path(request)
        if (to := moved(path, self.server.options.http_path_prefix)) is not None:
            return _Encoded(301, b"", {"location": to})
        match = self._match(path)
        if match is None:
            return _console_file(request, path)
        if request.method == "OPTIONS":
            asked = self._for_others(request, match.allow)
            return _Encoded(200, b"", {"allow": match.allow, **asked})
        route = match.find(request.method)
        if route is None:
            raise ApiError(405, headers={"allow": match.allow})
        if not _accepts(request.headers.get("accept", ""), route.kind):
            raise ApiError(406)
        call = self._call(request, match, await self._user(request, route.tag))
        await call.find_open_doors()
        result = await _handled(route, call)
        if isinstance(result, Stream):
            return result
        answer = result if isinstance(result, Answer) else Answer(result)
        if answer.body is None:
            return _Encoded(answer.status, b"", dict(answer.headers))
        if isinstance(answer.body, bytes):
            return _Encoded(answer.status, answer.body, dict(answer.headers))
        if body.is_long(answer.body, request.query) and request.method == "GET":
            return await _stream(self.server, answer, request.query)
        encoded = await body.encode(answer.body, request.query)
        return _Encoded(answer.status, encoded, {**JSON, **answer.headers})

    async def _user(self, request: web.Request, tag: auth.Tag) -> "User | None":
        if tag is auth.Tag.NONE:
            return None
        user = await auth.authenticate(
            self.server,
            self.sessions,
            request.headers.get("authorization"),
            request.remote,
            scripted="x-requested-with" in request.headers,
        )
        auth.check_tag(user, tag)
        return user

    def _call(self, request: web.Request, match: Match, user: "User | None") -> Call:
        return Call(
            self.server,
            self.rates,
            user,
            match.path,
            request.query,
            request.headers.get("x-vhost"),
            method=request.method,
            headers=request.headers,
            remote=request.remote,
            read=partial(_read, request),
            sessions=self.sessions,
        )

    def _path(self, request: web.Request) -> str:
        # Behind the prefix that stands before all of ours.
        path, prefix = _raw_path(request), self.server.options.http_path_prefix
        if not prefix:
            return path
        if path == prefix:
            return "/mgmt"  # which leads to where the console is
        if not path.startswith(prefix + "/"):
            raise not_found()
        return path.removeprefix(prefix)

    def _for_others(self, request: web.Request, allow: str = "") -> dict[str, str]:
        # What scripts of other origins are told: most brokers have none.
        if not (origins := self.server.options.cors_origins):
            return {}
        from mgmt_ui import cors

        return cors.headers(origins, request.headers, allow)

    def _match(self, path: str) -> Match | None:
        try:
            return self.router.match(path)
        except MalformedPath:
            raise ApiError(400) from None


async def _handled(route: Route, call: Call) -> object:
    # Once, but for those whose permissions another back end knows: it is asked in between.
    for _ in range(MAX_QUESTIONS):
        try:
            result = route.resolve()(call)
            if inspect.isawaitable(result):
                result = await result
            if route.method not in {"GET", "HEAD"}:
                from mgmt_ui import audited, changes  # not for those who only look

                changes.remember(route, call)
                if audit.on:
                    audited.note(route, call)
            return result
        except (AccessRefused, ApiError) as error:
            if audit.on:
                from mgmt_ui import audited

                audited.refused(call, error)
            raise
        except Waiting as waiting:
            await waiting.ask()
    raise ApiError(403, "forbidden", "too many permissions needed")


async def _stream(server: "Server", answer: Answer, query: Mapping[str, str]) -> Stream:
    # Imported with the first long list: most brokers have none.
    from mgmt_ui.streaming import stream

    assert isinstance(answer.body, Listing)
    return await stream(body.pieces(answer.body, query), server.clock, JSON)


@dataclass(slots=True)
class _Encoded:
    status: int
    body: bytes
    headers: dict[str, str]


async def _read(request: web.Request) -> bytes:
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise bad_request(TOO_LARGE) from None


def _console_file(request: web.Request, path: str) -> _Encoded:
    # Imported when asked for: a broker that nobody looks at does without.
    from mgmt_ui import static

    if request.method in {"GET", "HEAD"}:
        wanted = request.headers.get("accept-encoding", "")
        known = request.headers.get("if-none-match", "")
        if (file := static.find(path, wanted, known)) is not None:
            return _Encoded(file.status, file.body, file.headers)
    # A path that nobody knows is no place to write to (spec 1.2).
    if request.method in {"POST", "PUT"}:
        raise ApiError(405, headers={"allow": READING})
    raise not_found()


def _refusal(error: ApiError) -> _Encoded:
    if error.body is None:
        return _Encoded(error.status, b"", error.headers)
    return _Encoded(error.status, body.dump(error.body), JSON | error.headers)


def _unforeseen(request: web.Request, error: Exception) -> ApiError:
    logger.error("%s %s: internal error", request.method, request.path, exc_info=error)
    return ApiError(500, "internal_error", "the broker's log says more")


def _raw_path(request: web.Request) -> str:
    # The request line's own text; proxies may send a whole URL.
    target = request.raw_path.partition("?")[0].partition("#")[0]
    if not target.startswith("/"):
        return "/" + target.partition("://")[2].partition("/")[2]
    return target


def _accepts(accept: str, kind: str) -> bool:
    # A wildcard is enough: what curl and browsers send. The weights do not matter, there is
    # only one thing to choose; but that metrics have two forms.
    kinds = {each.partition(";")[0].strip().lower() for each in accept.split(",") if each.strip()}
    able = {"*/*", kind, kind.partition("/")[0] + "/*"}
    if kind == METRICS:
        able.add("application/openmetrics-text")
    return not kinds or not kinds.isdisjoint(able)
