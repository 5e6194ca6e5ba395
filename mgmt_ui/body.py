"""From what a handler returns to the bytes of a JSON body.

Long lists are described and encoded a slice at a time with the event loop let go in between:
whoever looks at ten thousand queues must not hold up the messages in them.
"""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from operator import itemgetter
from typing import Any

from mgmt_ui import patterns
from mgmt_ui.paging import Listing, ListQuery, columns_of, pick, place_of
from mgmt_ui.turns import next_turn

# A list of more items is sent as it is made.
LONG = 500
# Values to sort by that are read before others have their turn on the loop.
KEYS = 250


async def encode(result: object, query: Mapping[str, str]) -> bytes:
    """The body for a handler's result: a Listing by the rules of lists, all else as it is.

    Raises ApiError for bad query parameters of a list.
    """
    if isinstance(result, Listing):
        return await _encode_listing(result, ListQuery.parse(query))
    if isinstance(result, dict):
        return await _encode_object(pick(result, columns_of(query)))
    return dump(result)


def is_long(result: object, query: Mapping[str, str]) -> bool:
    """Whether it is better sent in `pieces` than in one."""
    return isinstance(result, Listing) and "page" not in query and len(result.items) > LONG


async def pieces(listing: Listing[Any], query: Mapping[str, str]) -> AsyncIterator[bytes]:
    """What `encode` gives for a list without pages, a slice of rows at a time."""
    wanted = ListQuery.parse(query)
    items = await _order(listing, wanted, listing.items)
    step = _step(listing, wanted)
    rows: list[bytes] = []
    before = b"["
    for number, item in enumerate(items, 1):
        rows.append(dump(pick(listing.describe(item), wanted.columns)))
        if not number % step:
            yield before + b",".join(rows)
            rows.clear()
            before = b","
            await next_turn()
    if not rows and before == b",":
        before = b""
    yield before + b",".join(rows) + b"]"


async def _encode_listing(listing: Listing[Any], query: ListQuery) -> bytes:
    found = await _filter(listing, query)
    shown = query.slice(await _order(listing, query, found))
    dumped = await _dump_rows(listing, query, shown)
    if query.page is None:
        return dumped
    envelope = dump(query.envelope(len(listing.items), len(found), len(shown)))
    return b"".join((envelope[:-1], b',"items":', dumped, b"}"))


async def _encode_object(row: dict[str, Any]) -> bytes:
    # The lists in it can be long: what the default exchange of ten thousand queues gives out.
    if not any(isinstance(value, list) and len(value) > LONG for value in row.values()):
        return dump(row)
    members = []
    for name, value in row.items():
        dumped = await _encode_items(value) if isinstance(value, list) else dump(value)
        members.append(dump(name) + b":" + dumped)
    return b"{" + b",".join(members) + b"}"


async def _encode_items(items: list[Any]) -> bytes:
    pieces = []
    for start in range(0, len(items), LONG):
        pieces.append(dump(items[start : start + LONG])[1:-1])
        await next_turn()
    return b"[" + b",".join(pieces) + b"]"


def _step(listing: Listing[Any], query: ListQuery) -> int:
    # Rows with samples are some thousand numbers each.
    return max(1, listing.slice // 10) if query.sampled else listing.slice


async def _filter(listing: Listing[Any], query: ListQuery) -> list[Any]:
    items, text = listing.items, query.text
    if not text:
        return list(items)
    names = [listing.name(item) for item in items]
    if query.is_pattern:
        matches = await patterns.search(text, names)
        return [item for item, match in zip(items, matches, strict=True) if match]
    lowered = text.lower()
    return [item for item, name in zip(items, names, strict=True) if lowered in name.lower()]


async def _order(listing: Listing[Any], query: ListQuery, items: Sequence[Any]) -> Sequence[Any]:
    if not query.sort:
        return items[::-1] if query.reverse else items
    # Only the values to sort by are kept: the rows of a long list take much memory.
    read = listing.key(query.sort)
    keyed = []
    step = _step(listing, query) if read is None else KEYS
    for number, item in enumerate(items, 1):
        place = query.sort_key(listing.describe(item)) if read is None else place_of(read(item))
        keyed.append((place, item))
        if not number % step:
            await next_turn()
    keyed.sort(key=itemgetter(0), reverse=query.reverse)
    return [item for _, item in keyed]


async def _dump_rows(listing: Listing[Any], query: ListQuery, items: Sequence[Any]) -> bytes:
    pieces = []
    step = _step(listing, query)
    for number, item in enumerate(items, 1):
        pieces.append(dump(pick(listing.describe(item), query.columns)))
        if not number % step:
            await next_turn()
    return b"[" + b",".join(pieces) + b"]"


def dump(value: object) -> bytes:
    """JSON as UTF-8. Names that are no UTF-8 (AMQP allows any bytes) show question marks."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8", "replace")
