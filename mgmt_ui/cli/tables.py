"""Tables on a terminal: how wide a column is, what is cut where they do not fit.

Here: columns of texts, nothing but their looks.  Not here: what is in them, and the other formats
(output.py).
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from operator import attrgetter

import click

# What people read above a column of a table; programs get the API's own names.
HEADS = {
    "messages_ready": "ready",
    "messages_unacknowledged": "unacked",
    "messages_unconfirmed": "unconfirmed",
    "consumer_count": "consumers",
    "prefetch_count": "prefetch",
    "queue.name": "queue",
    "channel_details.name": "channel",
    "consumer_tag": "tag",
    "ack_required": "acks",
    "destination_type": "kind",
    "user_provided_name": "client",
    "default_queue_type": "queue type",
    "payload_bytes": "bytes",
    "due_in": "due in",
    "to_type": "kind",
} | {
    f"value.{limit}": limit
    for limit in (
        *("max-connections", "max-queues", "max-stored-bytes", "max-publish-rate"),
        "max-channels",
    )
}
# Words in columns of these names that are good or bad news.
JUDGED = ("state", "status")
COLOURS = {
    **dict.fromkeys(("ok", "done"), "green"),
    **dict.fromkeys(("failed", "down", "crashed", "stopped"), "red"),
    **dict.fromkeys(("paused", "flow", "blocked", "blocking", "cancelled"), "yellow"),
}
# Narrower than this no column becomes; what does not fit is cut with an ellipsis.
NARROWEST = 8
# What things are told apart by. Of these more is kept, and both ends: names begin alike.
NAMES = (
    *("name", "queue.name", "queue", "source", "destination", "routing_key", "exchange"),
    *("channel_details.name", "consumer_tag", "user_provided_name"),
)
READABLE = 24
# Columns that give way to names, in this order; a state only where nothing is the matter.
SPARED = ("state", "internal", "auto_delete", "policy", "type")
# One word of a few, which says nothing when it is cut.
WORDS = ("type", "state", "status", "kind", "destination_type")
WELL = "running"
# A connection by its client, and its channel: what else is in the name is the same for all.
CLIENT = re.compile(r"(\S+:\d+) -> \S+:\d+( \(\d+\))?")
# Marks, and what joins letters or changes how they look.
NO_WIDTH = ("Mn", "Me", "Cf")
GAP = "  "


class Column:
    """A column of a table; numbers are read from the right. They and WORDS are never cut."""

    def __init__(self, name: str, head: str, cells: list[str], *, right: bool) -> None:
        self.name = name
        self.head = head
        self.cells = cells
        self._right = right
        self._whole = right or name in WORDS or set(cells) <= {"yes", "no"}
        self._judged = name in JUDGED
        self._cut = cut_inside if name in NAMES else cut
        self.measure()

    def measure(self) -> None:
        """As wide as what is in it."""
        self.width = max((width_of(text) for text in (self.head, *self.cells)), default=0)
        least = READABLE if self.name in NAMES else NARROWEST
        self.least = self.width if self._whole else min(self.width, least)

    def narrow(self) -> None:
        """Less than can be read well, where nothing else helps."""
        if not self._whole:
            self.least = min(self.least, NARROWEST)

    @property
    def spare(self) -> bool:
        """Whether the table can do without."""
        good = self.name != "state" or all(cell == WELL for cell in self.cells)
        return self.name in SPARED and good

    def shorten(self) -> None:
        """Leaves out what is the same in all names of connections and channels."""
        if self.name in NAMES and all(CLIENT.fullmatch(cell) for cell in self.cells):
            self.cells = [short_name(cell) for cell in self.cells]
            self._whole = True
            self.measure()

    def shown(self, cell: str) -> str:
        """A cell in the width of the column."""
        return pad(self._cut(cell, self.width), self.width, self._right)

    def coloured(self, cell: str) -> str:
        """The same in its colour."""
        shown, colour = self.shown(cell), COLOURS.get(cell) if self._judged else None
        return shown.replace(cell, click.style(cell, fg=colour)) if colour else shown


def short_name(name: str) -> str:
    """Of a connection or channel: HOST:PORT of its client, and the number of the channel."""
    return CLIENT.sub(r"\1\2", name)


def fit(columns: list[Column], total: int, *, all_of_them: bool = False) -> list[Column]:
    """Those of them that are shown in `total` columns of a terminal, as narrow as need be.

    Names of connections lose what they share, columns that say little are left out, unless
    `all_of_them` were asked for, and names are kept readable for as long as that goes.
    """
    if _excess(columns, total, _WIDTH) > 0 and not all_of_them:
        columns = [column for column in columns if any(column.cells)]
        columns = _without_spares(columns, total)
    if _excess(columns, total, _LEAST) > 0:
        for column in columns:
            column.narrow()
    for _ in range(_excess(columns, total, _WIDTH)):
        able = [column for column in columns if column.width > column.least]
        if not able:
            break
        max(able, key=lambda column: column.width).width -= 1
    return columns


def _without_spares(columns: list[Column], total: int) -> list[Column]:
    if _excess(columns, total, _WIDTH) > 0:
        for column in columns:
            column.shorten()
    for name in SPARED:
        if _excess(columns, total, _LEAST) <= 0:
            break
        columns = [column for column in columns if column.name != name or not column.spare]
    return columns


def _excess(columns: Sequence[Column], total: int, widths: Callable[[Column], int]) -> int:
    return sum(map(widths, columns)) + len(GAP) * (len(columns) - 1) - total


_WIDTH: Callable[[Column], int] = attrgetter("width")
_LEAST: Callable[[Column], int] = attrgetter("least")


def width_of(text: str) -> int:
    """How many columns of a terminal a text takes: wide letters take two, marks none."""
    if text.isascii():
        return len(text)
    return sum(
        0
        if unicodedata.category(c) in NO_WIDTH
        else 2
        if unicodedata.east_asian_width(c) in "WF"
        else 1
        for c in text
    )


def pad(text: str, width: int, right: bool = False) -> str:
    """Filled up with spaces to a width."""
    space = " " * (width - width_of(text))
    return space + text if right else text + space


def cut(text: str, width: int) -> str:
    """Shortened to a width."""
    return text if width_of(text) <= width else _begin(text, width - 1) + "…"


def cut_inside(text: str, width: int) -> str:
    """Shortened to a width, with its end: a third of what is shown."""
    if width_of(text) <= width:
        return text
    end = _begin(text[::-1], (width - 1) // 3)[::-1]
    # A mark belongs to the letter before it, which is gone.
    while end and not width_of(end[0]):
        end = end[1:]
    return _begin(text, width - 1 - width_of(end)) + "…" + end


def _begin(text: str, width: int) -> str:
    # As much of it as fits.
    taken = 0
    for number, letter in enumerate(text):
        taken += width_of(letter)
        if taken > width:
            return text[:number]
    return text
