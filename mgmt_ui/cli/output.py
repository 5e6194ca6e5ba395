"""How answers look: tables for people, JSON, CSV, tab-separated and plain names for scripts."""

import csv
import io
import json
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

import click

from mgmt_ui.cli.settings import Settings

Row = dict[str, Any]
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
GAP = "  "
# Where a name is empty, it is the default exchange's.
NAMELESS, DEFAULT = ("exchange", "source", "name"), "(default)"


class Output:
    """Prints by the format that was asked for: `table` on a terminal, else `tsv`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.quiet = settings.flag("quiet")

    @property
    def format(self) -> str:
        """One of settings.FORMATS."""
        chosen = self._settings.value("output")
        return str(chosen or ("table" if sys.stdout.isatty() else "tsv"))

    def note(self, text: str) -> None:
        """What was done, in a word or two; not with --quiet, and not among data."""
        if not self.quiet:
            click.echo(text)

    def rows(self, rows: Sequence[Row], columns: Sequence[str]) -> None:
        """A list of objects; `columns` are the paths that people see unless they chose others."""
        chosen = self._columns(columns)
        if self.format in ("json", "jsonl") and chosen is not columns:
            rows = [{column: at(row, column) for column in chosen} for row in rows]
        if self.format == "json":
            click.echo(json.dumps(rows, indent=1, ensure_ascii=False))
            return
        if self.format == "jsonl":
            for row in rows:
                click.echo(json.dumps(row, ensure_ascii=False))
            return
        if self.format in ("table", "wide"):
            self._table(rows, chosen, short=chosen is columns)
            return
        cells = [[text_of(at(row, column)) for column in chosen] for row in rows]
        heads = [] if self._settings.flag("no_headers") else [list(chosen)]
        if self.format == "csv":
            click.echo(_csv(heads + cells), nl=False)
        elif self.format == "tsv":
            for line in heads + cells:
                click.echo("\t".join(one_line(cell, "\t") for cell in line))
        else:
            for line in cells:
                click.echo(" ".join(one_line(cell) for cell in line[:1]))

    def item(self, row: Row) -> None:
        """One object: a line for each member, nested ones by their paths."""
        if self.format in ("json", "jsonl"):
            indent = 1 if self.format == "json" else None
            click.echo(json.dumps(row, indent=indent, ensure_ascii=False))
            return
        pairs = [{"key": key, "value": value} for key, value in flat(row)]
        if self.format in ("table", "wide"):
            wide = max((width_of(pair["key"]) for pair in pairs), default=0)
            for pair in pairs:
                click.echo(f"{_dim(pad(pair['key'], wide))}{GAP}{text_of(pair['value'])}")
        else:
            self.rows(pairs, ("key", "value"))

    def raw(self, texts: Iterable[str]) -> None:
        """Texts as they are, unless a terminal would obey what is in them."""
        for text in texts:
            click.echo(one_line(text) if sys.stdout.isatty() else text)

    def value(self, value: Any) -> None:
        """Something that is no object."""
        click.echo(json.dumps(value, ensure_ascii=False) if self.format == "json" else value)

    def _columns(self, columns: Sequence[str]) -> Sequence[str]:
        chosen = self._settings.value("columns")
        return [part.strip() for part in chosen.split(",") if part.strip()] if chosen else columns

    def _table(self, rows: Sequence[Row], columns: Sequence[str], *, short: bool) -> None:
        if not rows:
            self.note("none")
            return
        shown = [_column(rows, column, short=short) for column in columns]
        headless = self._settings.flag("no_headers")
        if headless:
            for column in shown:
                column.head = ""
        if self.format == "table" and sys.stdout.isatty():
            room = shutil.get_terminal_size().columns
            if short and sum(column.width + len(GAP) for column in shown) - len(GAP) > room:
                shown = [column for column in shown if any(column.cells)]
            fit(shown, room)
        if not headless:
            click.echo(_bold(GAP.join(column.shown(column.head) for column in shown).rstrip()))
        for line in zip(*(column.cells for column in shown), strict=True):
            cells = zip(shown, line, strict=True)
            click.echo(GAP.join(column.coloured(cell) for column, cell in cells).rstrip())


class Column:
    """A column of a table; numbers are read from the right, and never cut."""

    def __init__(self, name: str, head: str, cells: list[str], *, right: bool) -> None:
        self.head = head
        self.cells = cells
        self._right = right
        self._judged = name in JUDGED
        widest = max((width_of(cell) for cell in cells), default=0)
        self.width = max(width_of(head), widest)
        self.least = widest if right else min(self.width, NARROWEST)

    def shown(self, cell: str) -> str:
        """A cell in the width of the column."""
        return pad(cut(cell, self.width), self.width, self._right)

    def coloured(self, cell: str) -> str:
        """The same in its colour."""
        colour = COLOURS.get(cell) if self._judged else None
        return click.style(self.shown(cell), fg=colour) if colour else self.shown(cell)


def _column(rows: Sequence[Row], name: str, *, short: bool) -> Column:
    head = HEADS.get(name, name) if short else name
    cells = [one_line(text_of(at(row, name))) for row in rows]
    if short and name in NAMELESS:
        cells = [cell or DEFAULT for cell in cells]
    return Column(name, one_line(head), cells, right=at_right(rows, name))


def fit(columns: Sequence[Column], total: int) -> None:
    """Makes the widest column narrower until all fit into `total` or none can give more."""
    excess = sum(column.width for column in columns) + len(GAP) * (len(columns) - 1) - total
    while excess > 0:
        able = [column for column in columns if column.width > column.least]
        if not able:
            break
        max(able, key=lambda column: column.width).width -= 1
        excess -= 1


def at(row: Any, column: str) -> Any:
    """The value at a dotted path, None where there is none."""
    if isinstance(row, dict) and column in row:
        return row[column]
    for key in column.split("."):
        if not isinstance(row, dict):
            return None
        row = row.get(key)
    return row


def at_right(rows: Sequence[Row], column: str) -> bool:
    """Whether a column has numbers, which are read from the right."""
    values = [at(row, column) for row in rows]
    return any(_number(value) for value in values) and all(
        value is None or _number(value) for value in values
    )


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def flat(row: Row, before: str = "") -> Iterable[tuple[str, Any]]:
    """Members by their paths; empty objects and lists stay as they are."""
    for key, value in row.items():
        if isinstance(value, dict) and value:
            yield from flat(value, f"{before}{key}.")
        else:
            yield before + key, value


def text_of(value: Any) -> str:
    """A value in one cell."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.1f}"
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ",".join(value)
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False) if value else ""
    return str(value)


def width_of(text: str) -> int:
    """How many columns of a terminal a text takes: wide letters take two, marks none."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def pad(text: str, width: int, right: bool = False) -> str:
    """Filled up with spaces to a width."""
    space = " " * (width - width_of(text))
    return space + text if right else text + space


def cut(text: str, width: int) -> str:
    """Shortened to a width."""
    if width_of(text) <= width:
        return text
    while text and width_of(text) > width - 1:
        text = text[:-1]
    return text + "…"


def one_line(text: str, also: str = "") -> str:
    """The text without what is not for the eye."""
    # Names may hold anything, and must neither break a line nor command the terminal.
    if text.isprintable() and not also:
        return text
    text = text.replace("\r\n", "\n").replace("\n", "↵")
    return "".join(c if c.isprintable() and c not in also else "\ufffd" for c in text)


def _csv(lines: list[list[str]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(lines)
    return buffer.getvalue()


def _bold(text: str) -> str:
    return click.style(text, bold=True)


def _dim(text: str) -> str:
    return click.style(text, dim=True)
