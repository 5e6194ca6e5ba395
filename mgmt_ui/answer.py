"""What a handler returns when 200 with a body is not enough."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import web


@dataclass(slots=True)
class Answer:
    """A body (None for none at all) with a status and headers of its own."""

    body: object
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


CREATED = Answer(None, 201)
"""What a PUT answers that made something new (spec 1.2)."""

DONE = Answer(None, 204)
"""What a change or a deletion answers that has nothing to say."""


def created(new: bool) -> Answer:
    """201 for what is new, 204 for what was there before."""
    return CREATED if new else DONE


@dataclass(slots=True)
class Stream:
    """An answer that writes itself, piece by piece; the headers are those of all answers."""

    serve: "Callable[[web.Request, Mapping[str, str]], Awaitable[web.StreamResponse]]"
