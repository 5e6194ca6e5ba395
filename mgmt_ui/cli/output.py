"""How answers look: tables for people, JSON, CSV, tab-separated and plain names for scripts."""

import csv
import io
import json
import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click

from mgmt_ui.cli.settings import Settings
from mgmt_ui.cli.tables import GAP, HEADS, Column, fit, pad, width_of
from mgmt_ui.cli.units import readable

Row = dict[str, Any]
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
        pairs = list(flat(row))
        if self.format not in ("table", "wide"):
            self.rows([{"key": key, "value": value} for key, value in pairs], ("key", "value"))
            return
        wide = max((width_of(key) for key, _ in pairs), default=0)
        room = shutil.get_terminal_size().columns - wide - len(GAP)
        for path, value in pairs:
            lines = _lines(path, value, room if self.format == "table" else None)
            key = one_line(path)
            click.echo(_dim(key) + f"{pad('', wide - width_of(key))}{GAP}{lines[0]}".rstrip())
            for line in lines[1:]:
                click.echo(f"{pad('', wide)}{GAP}{line}")

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
            shown = fit(shown, shutil.get_terminal_size().columns, all_of_them=not short)
        if not headless:
            click.echo(_bold(GAP.join(column.shown(column.head) for column in shown).rstrip()))
        for line in zip(*(column.cells for column in shown), strict=True):
            cells = zip(shown, line, strict=True)
            click.echo(GAP.join(column.coloured(cell) for column, cell in cells).rstrip())


def _column(rows: Sequence[Row], name: str, *, short: bool) -> Column:
    head = HEADS.get(name, name) if short else name
    cells = [one_line(text_of(readable(name, at(row, name)))) for row in rows]
    if short and name in NAMELESS:
        cells = [cell or DEFAULT for cell in cells]
    return Column(name, one_line(head), cells, right=at_right(rows, name))


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
    """Members by their paths, those of objects in lists by number, too; empty objects and lists
    stay as they are."""
    for key, value in row.items():
        if isinstance(value, dict) and value:
            yield from flat(value, f"{before}{key}.")
        elif isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
            for number, each in enumerate(value):
                yield from flat(each, f"{before}{key}[{number}].")
        else:
            yield before + key, value


def _lines(key: str, value: Any, room: int | None) -> list[str]:
    # A list that has no room in one line has one for each of its texts.
    text = one_line(text_of(readable(key, value)))
    if room is not None and isinstance(value, list) and width_of(text) > room:
        return [one_line(text_of(each)) for each in value]
    return [text]


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
