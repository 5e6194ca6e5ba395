"""Lists: filter by name, sort, page, columns (spec 1.6).

A handler gives a Listing: the things themselves, in default order, and how to describe one.
Only what is asked for is described, so that a page of a long list is cheap.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from mgmt_ui.errors import ApiError, bad_request
from mgmt_ui.patterns import INVALID

T = TypeVar("T")
Row = dict[str, Any]

DEFAULT_PAGE_SIZE = 100
MAX_PAGE_SIZE = 500
MAX_PATTERN = 1024


@dataclass(slots=True)
class Listing(Generic[T]):
    """Things to list; `name` is what the filter looks at, `describe` makes the JSON object.

    So many as `slice` are described and written before others have their turn on the loop. `key`
    gives, for a path to sort by, what reads it without a description; None where that is needed.
    """

    items: Sequence[T]
    name: Callable[[T], str]
    describe: Callable[[T], Row]
    slice: int = 50
    key: Callable[[tuple[str, ...]], Callable[[T], Any] | None] = lambda _: None


@dataclass(slots=True)
class ListQuery:
    """The query parameters of a list; `page` None means the bare array.

    `text` is what names must have somewhere, whatever the case, or a pattern that must match.
    """

    page: int | None
    page_size: int
    text: str
    is_pattern: bool
    sort: tuple[str, ...]
    reverse: bool
    columns: tuple[tuple[str, ...], ...]
    sampled: bool = False

    @classmethod
    def parse(cls, query: Mapping[str, str]) -> "ListQuery":
        """Raises ApiError 400 with the reasons of spec 1.5."""
        page = _integer(query.get("page"))
        given_size = _integer(query.get("page_size"))
        size = DEFAULT_PAGE_SIZE if given_size is None else given_size
        if page is not None and not (page >= 1 and 1 <= size <= MAX_PAGE_SIZE):
            shown = "undefined" if given_size is None else given_size
            reason = f"Invalid pagination parameters: page number {page}, page size {shown}"
            raise ApiError(400, "invalid_pagination_parameters", reason)
        # Only together with `page`: that is what RabbitMQ does, and scripts rely on it.
        text = query.get("name", "") if page is not None else ""
        is_pattern = query.get("use_regex") == "true"
        if is_pattern and len(text) > MAX_PATTERN:
            raise bad_request(INVALID)
        return cls(
            page,
            size,
            text,
            is_pattern,
            _path(query.get("sort", "")),
            query.get("sort_reverse") == "true",
            columns_of(query),
            any(name.endswith("_age") for name in query),
        )

    def slice(self, things: Sequence[T]) -> Sequence[T]:
        """The asked page of what is left after the filter; ApiError 400 beyond the last."""
        if self.page is None:
            return things
        if self.page > max(1, self._page_count(len(things))):
            size, count = self.page_size, len(things)
            reason = f"Page out of range, page: {self.page} page size: {size}, len: {count}"
            raise ApiError(400, "page_out_of_range", reason)
        start = (self.page - 1) * self.page_size
        return things[start : start + self.page_size]

    def _page_count(self, filtered: int) -> int:
        return math.ceil(filtered / self.page_size)

    def envelope(self, total: int, filtered: int, shown: int) -> Row:
        """What stands around the `items` of a page, given how many there are of each."""
        return {
            "filtered_count": filtered,
            "item_count": shown,
            "page": self.page,
            "page_count": self._page_count(filtered),
            "page_size": self.page_size,
            "total_count": total,
        }

    def sort_key(self, row: Row) -> tuple[int, Any]:
        """Where a row stands by the `sort` path; rows without the field count as 0."""
        return place_of(_at(row, self.sort))


def columns_of(query: Mapping[str, str]) -> tuple[tuple[str, ...], ...]:
    """The paths to keep, none for all."""
    return tuple(_path(column) for column in query.get("columns", "").split(",") if column)


def pick(row: Row, columns: Sequence[tuple[str, ...]]) -> Row:
    """The row with nothing but these columns; those that it lacks are left out."""
    if not columns:
        return row
    picked: Row = {}
    for path in columns:
        value = _at(row, path)
        if value is _MISSING:
            continue
        inner = picked
        for key in path[:-1]:
            inner = inner.setdefault(key, {})
        inner[path[-1]] = value
    return picked


_MISSING = object()


def _at(row: Any, path: Sequence[str]) -> Any:
    for key in path:
        if not isinstance(row, dict) or key not in row:
            return _MISSING
        row = row[key]
    return row


def place_of(value: Any) -> tuple[int, Any]:
    """Where a value stands in the order of a list."""
    # Anything can be sorted by anything: numbers first, then texts, then the rest as text.
    if value is _MISSING or value is None:
        return 0, 0
    if isinstance(value, bool | int | float):
        return 0, value
    if isinstance(value, str):
        return 1, value
    return 2, str(value)


def _path(text: str) -> tuple[str, ...]:
    return tuple(text.split(".")) if text else ()


def _integer(text: str | None) -> int | None:
    if text is None:
        return None
    # Not int() alone: it takes spaces, underscores and digits of every script.
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", text):
        raise bad_request(INVALID)
    return int(text)
