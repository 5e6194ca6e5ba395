"""From what a handler returns to the bytes of a JSON body.

Long lists are described and encoded a slice at a time with the event loop let go in between:
whoever looks at ten thousand queues must not hold up the messages in them.
"""

import json
import types
from collections.abc import Generator, Mapping
from typing import Any

from mgmt_ui.paging import Listing, ListQuery, Row, columns_of, pick

SLICE = 50


async def encode(result: object, query: Mapping[str, str]) -> bytes:
    """The body for a handler's result: a Listing by the rules of lists, all else as it is.

    Raises ApiError for bad query parameters of a list.
    """
    if isinstance(result, Listing):
        return await _encode_listing(result, ListQuery.parse(query))
    if isinstance(result, dict):
        result = pick(result, columns_of(query))
    return dump(result)


async def _encode_listing(listing: Listing[Any], query: ListQuery) -> bytes:
    name, matches = listing.name, query.matches
    found = [item for item in listing.items if matches(name(item))]
    if query.sort:
        rows = await _describe(listing, found)
        query.order(rows)
        rows = query.slice(rows)
    else:
        rows = await _describe(listing, query.slice(found))
    if query.page is not None:
        picked = [pick(row, query.columns) for row in rows]
        return dump(query.envelope(len(listing.items), found, picked))
    return await _dump_rows(rows, query)


async def _describe(listing: Listing[Any], items: list[Any]) -> list[Row]:
    rows = []
    for number, item in enumerate(items, 1):
        rows.append(listing.describe(item))
        if not number % SLICE:
            await _next_turn()
    return rows


async def _dump_rows(rows: list[Row], query: ListQuery) -> bytes:
    pieces = []
    for number, row in enumerate(rows, 1):
        pieces.append(dump(pick(row, query.columns)))
        if not number % SLICE:
            await _next_turn()
    return b"[" + b",".join(pieces) + b"]"


@types.coroutine
def _next_turn() -> Generator[None, None, None]:
    # A bare yield in a task lets every other task and socket have its turn.
    yield


def dump(value: object) -> bytes:
    """JSON as UTF-8. Names that are no UTF-8 (AMQP allows any bytes) show question marks."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8", "replace")
