"""Asks a web server, by the protocol of RabbitMQ's rabbitmq_auth_backend_http.

Each question is one request with its facts as a query (or a form); the answer is `allow`, with the
user's tags behind it at a login, or `deny`.  Anything else counts as no answer.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import OrderedDict
from typing import TYPE_CHECKING

import aiohttp

from broker.auth_backends.base import Identity, Unavailable, read_up_to
from broker.startup import StartError
from vhosts.users import User

if TYPE_CHECKING:
    from broker.clock import Clock
    from broker.options import Options

MAX_ANSWER = 4096
MAX_CACHED = 10_000
MAX_REQUESTS = 100
QUESTIONS = ("user", "vhost", "resource", "topic")


class HttpBackend:
    """`paths` by question, as of QUESTIONS; answers are kept for `keep` seconds."""

    name = "http"
    lasting = False

    def __init__(
        self, paths: dict[str, str], clock: Clock, *, method: str, timeout: float, keep: float
    ) -> None:
        self._paths = paths
        self._clock = clock
        self._method = method
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._keep = keep
        self._session: aiohttp.ClientSession | None = None
        # Digest of a question -> until when its answer is good, and the answer; the eldest first.
        self._answers: OrderedDict[bytes, tuple[float, str]] = OrderedDict()
        # Questions hold passwords: what is kept of them tells nobody anything.
        self._key = secrets.token_bytes(32)

    async def login(self, name: str, password: str | None) -> Identity | None:
        """As of Backend."""
        answer = await self._ask("user", {"username": name, "password": password or ""})
        if answer is None:
            return None
        return Identity(User(name, "", tags=tuple(answer.split())), self)

    async def may_enter(self, identity: Identity, vhost: str, address: str) -> bool:
        """As of Backend."""
        return await self._allowed("vhost", identity, vhost=vhost, ip=address)

    async def may(
        self, identity: Identity, vhost: str, permission: str, kind: str, name: str
    ) -> bool:
        """As of Backend."""
        facts = {"resource": kind, "name": name, "permission": permission}
        return await self._allowed("resource", identity, vhost=vhost, **facts)

    async def may_use_topic(
        self, identity: Identity, vhost: str, permission: str, exchange: str, key: str
    ) -> bool:
        """As of Backend."""
        facts = {"resource": "topic", "name": exchange, "permission": permission}
        return await self._allowed("topic", identity, vhost=vhost, routing_key=key, **facts)

    async def close(self) -> None:
        """As of Backend."""
        if self._session is not None:
            await self._session.close()

    async def _allowed(self, question: str, identity: Identity, **facts: str) -> bool:
        user = identity.user
        known = {"username": user.name, "tags": " ".join(user.tags)}
        return await self._ask(question, known | facts) is not None

    async def _ask(self, question: str, facts: dict[str, str]) -> str | None:
        # What stands behind `allow`; None for `deny`.  Text that is no UTF-8 is nobody's name.
        try:
            parts = [question.encode(), *(value.encode() for value in facts.values())]
        except UnicodeEncodeError:
            return None
        sized = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        digest = hmac.digest(self._key, sized, hashlib.sha256)
        now = self._clock.monotonic()
        until, answer = self._answers.get(digest, (0.0, ""))
        if until <= now:
            answer = await self._fetch(self._paths[question], facts)
            self._remember(digest, self._clock.monotonic() + self._keep, answer)
        word, _, rest = answer.partition(" ")
        return rest if word == "allow" else None

    def _remember(self, digest: bytes, until: float, answer: str) -> None:
        if self._keep:
            self._answers.pop(digest, None)
            self._answers[digest] = (until, answer)
            if len(self._answers) > MAX_CACHED:
                self._answers.popitem(last=False)

    async def _fetch(self, url: str, facts: dict[str, str]) -> str:
        asking = self._method == "get"
        try:
            # A redirect would carry the password to wherever it points.
            async with self._client().request(
                self._method,
                url,
                params=facts if asking else None,
                data=None if asking else facts,
                allow_redirects=False,
                timeout=self._timeout,
            ) as response:
                body = await read_up_to(response.content, MAX_ANSWER)
                status = response.status
        except TimeoutError:
            raise Unavailable("the web server does not answer in time") from None
        except (aiohttp.ClientError, OSError) as error:
            raise Unavailable(f"no answer from the web server: {type(error).__name__}") from None
        text = body.decode("utf-8", "replace").strip()
        word = text.partition(" ")[0].lower()
        if status != 200 or word not in {"allow", "deny"}:
            raise Unavailable(f"the web server answers with {status}, neither allow nor deny")
        return word + text[len(word) :]

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=MAX_REQUESTS)
            self._session = aiohttp.ClientSession(connector=connector)
        return self._session


def make(options: Options, clock: Clock) -> HttpBackend:
    """By the options `auth_http_*`; raises StartError where a path is missing."""
    paths = {name: getattr(options, f"auth_http_{name}_path") for name in QUESTIONS}
    for name, path in paths.items():
        if path is None:
            raise StartError(f"the auth back end http needs --auth-http-{name}-path")
    return HttpBackend(
        paths,
        clock,
        method=options.auth_http_method,
        timeout=options.auth_http_timeout,
        keep=options.auth_cache_seconds,
    )
