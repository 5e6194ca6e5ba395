"""The live stream as a resource: who opens one, and what it watches (live.py does the rest)."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from aiohttp import web
from multidict import MultiMapping

from mgmt_ui import auth
from mgmt_ui.answer import DONE, Answer, Stream
from mgmt_ui.call import Call
from mgmt_ui.errors import bad_request, not_found
from mgmt_ui.live import hub_of

if TYPE_CHECKING:
    from vhosts.users import User

MAX_TOPICS = 12
MAX_TOPIC = 4096


def stream(call: Call) -> Stream:
    """GET /live?topic=...&topic=...: the stream of events, watching these topics at first."""
    hub = hub_of(call.server, call.rates)
    topics, who = _topics(call.query), _holder(call)

    async def serve(request: web.Request, headers: Mapping[str, str]) -> web.StreamResponse:
        reader = hub.open(call.user.name, who, topics)
        response = web.StreamResponse(
            headers=dict(headers)
            | {
                "content-type": "text/event-stream",
                "cache-control": "no-store",
                # For proxies that gather an answer before they pass it on.
                "x-accel-buffering": "no",
            }
        )
        try:
            await response.prepare(request)
            reader.transport = request.transport
            await hub.run(reader, response)
        finally:
            hub.readers.pop(reader.name, None)
        return response

    return Stream(serve)


def change(call: Call) -> Answer:
    """PUT /live/:stream?topic=...&topic=...: watch these from now on, and no others."""
    reader = hub_of(call.server, call.rates).readers.get(call.path["stream"])
    if reader is None or reader.user != call.user.name:
        raise not_found()
    reader.watch(_topics(call.query))
    return DONE


def _holder(call: Call) -> "Callable[[], User | None]":
    """Who the stream is for, as long as what they came with is good: a token, or a password."""
    token = auth.parse_bearer(call.headers.get("authorization", ""))
    if token is not None and call.sessions.user(token) is not None:
        return partial(call.sessions.user, token)
    if call.user.identity is not None:
        return partial(_visitor, call, call.user)
    users, name, password_hash = call.server.vhosts.users, call.user.name, call.user.password_hash

    def same() -> "User | None":
        user = users.get(name)
        return user if user is not None and user.password_hash == password_hash else None

    return same


def _visitor(call: Call, user: "User") -> "User | None":
    # Whom another back end knows, nobody here does: their name may be another's here.
    expires = user.identity.expires_at
    return None if expires is not None and expires <= call.server.clock.now_ms() else user


def _topics(query: Mapping[str, str]) -> list[str]:
    # What aiohttp gives is a mapping of many values to a name.
    topics = query.getall("topic", []) if isinstance(query, MultiMapping) else []
    if len(topics) > MAX_TOPICS:
        raise bad_request(f"at most {MAX_TOPICS} topics can be watched at a time")
    if any(len(topic) > MAX_TOPIC or not topic.startswith("/") for topic in topics):
        raise bad_request(f"a topic is a path below /api of at most {MAX_TOPIC} characters")
    return topics
