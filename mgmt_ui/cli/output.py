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
# Narrower than this no column becomes; what does not fit is cut with an ellipsis.
NARROWEST = 8
GAP = "  "


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
        if self.format == "json":
            click.echo(json.dumps(rows, indent=1, ensure_ascii=False))
            return
        if self.format == "jsonl":
            for row in rows:
                click.echo(json.dumps(row, ensure_ascii=False))
            return
        chosen = self._columns(columns)
        cells = [[text_of(at(row, column)) for column in chosen] for row in rows]
        heads = [] if self._settings.flag("no_headers") else [list(chosen)]
        if self.format == "csv":
            click.echo(_csv(heads + cells), nl=False)
        elif self.format == "tsv":
            for line in heads + cells:
                click.echo("\t".join(one_line(cell, "\t") for cell in line))
        elif self.format == "plain":
            for line in cells:
                click.echo(" ".join(one_line(cell) for cell in line[:1]))
        else:
            self._table(heads, cells, [at_right(rows, column) for column in chosen])

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

    def value(self, value: Any) -> None:
        """Something that is no object."""
        click.echo(json.dumps(value, ensure_ascii=False) if self.format == "json" else value)

    def _columns(self, columns: Sequence[str]) -> Sequence[str]:
        chosen = self._settings.value("columns")
        return [part.strip() for part in chosen.split(",") if part.strip()] if chosen else columns

    def _table(self, heads: list[list[str]], cells: list[list[str]], right: list[bool]) -> None:
        if not cells:
            self.note("none")
            return
        lines = [[one_line(cell) for cell in line] for line in cells]
        widths = [max(width_of(line[at]) for line in heads + lines) for at in range(len(lines[0]))]
        if self.format == "table" and sys.stdout.isatty():
            widths = fitted(widths, shutil.get_terminal_size().columns)
        for line in heads:
            click.echo(_bold(_joined(line, widths, right)))
        for line in lines:
            click.echo(_joined(line, widths, right))


def _joined(line: list[str], widths: list[int], right: list[bool]) -> str:
    cells = zip(line, widths, right, strict=True)
    return GAP.join(pad(cut(cell, width), width, to) for cell, width, to in cells).rstrip()


def fitted(widths: list[int], total: int) -> list[int]:
    """The widths, the widest made narrower until all fit into `total` or none can give more."""
    fit = list(widths)
    excess = sum(fit) + len(GAP) * (len(fit) - 1) - total
    while excess > 0:
        widest = max(range(len(fit)), key=fit.__getitem__)
        if fit[widest] <= NARROWEST:
            break
        fit[widest] -= 1
        excess -= 1
    return fit


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
    return "".join(c if c.isprintable() and c not in also else "\ufffd" for c in text)


def _csv(lines: list[list[str]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(lines)
    return buffer.getvalue()


def _bold(text: str) -> str:
    return click.style(text, bold=True)


def _dim(text: str) -> str:
    return click.style(text, dim=True)
