"""How a benchmark is told: rows as they come for people, all together for programs."""

import json
import sys
from collections.abc import Iterable
from typing import Any, NamedTuple

import click

from mgmt_ui.cli.session import Session

Row = dict[str, Any]
LATENCIES = ("p50_us", "p95_us", "p99_us", "p999_us", "max_us")
TOLD = {"p999": "p99.9"}


class Shape(NamedTuple):
    """What a kind of benchmark counts (members of a row, those that people watch) and measures
    (member of the summary -> its title)."""

    counts: tuple[str, ...]
    watched: tuple[str, ...]
    latencies: dict[str, str]


MESSAGES = Shape(
    ("published", "confirmed", "refused", "consumed"),
    ("published", "confirmed", "consumed"),
    {"latency_us": "latency", "confirm_latency_us": "confirm latency"},
)
CHURN = Shape(
    ("cycles",), ("cycles",), {"make_latency_us": "to make", "undo_latency_us": "to undo"}
)


class Report:
    """Tells about one benchmark."""

    def __init__(self, session: Session, shape: Shape) -> None:
        self._session = session
        self._shape = shape
        self._rows: list[Row] = []
        self._format = session.out.format
        self._live = self._format in ("table", "wide")
        # Programs wait for the end; whoever started them sees that it goes on.
        self._notes = not self._live and not session.out.quiet and sys.stderr.isatty()
        # What people watch fits into eighty columns: without p99.9, which the summary has.
        few = [name for name in LATENCIES if name != "p999_us"]
        self._widths = {"second": 6} | dict.fromkeys(shape.watched, 11) | dict.fromkeys(few, 10)

    def second(self, row: Row) -> None:
        """What happened in a second: rates, and latencies where there are any."""
        if self._notes:
            told = self._shape.watched[-1]
            click.echo(f"{row['second']} s: {row[told]:,}/s\r", err=True, nl=False)
        if self._format == "jsonl":
            click.echo(json.dumps(row))
        elif not self._live:
            self._rows.append(row)
        elif not self._session.out.quiet:
            if not self._rows:
                click.echo(click.style(self._line(self._widths), bold=True))
                self._rows.append(row)
            click.echo(self._line(f"{row[n]:,}" if n in row else "" for n in self._widths))

    def _line(self, cells: Iterable[str]) -> str:
        pairs = zip(cells, self._widths.values(), strict=True)
        return "".join(f"{cell.removesuffix('_us'):>{width}}" for cell, width in pairs)

    def end(self, summary: Row, plan: Row) -> None:
        """The summary, behind the rows."""
        if self._format == "json":
            whole = {"plan": plan, "intervals": self._rows, "summary": summary}
            click.echo(json.dumps(whole, indent=1))
        elif self._format == "jsonl":
            click.echo(json.dumps({"summary": summary, "plan": plan}))
        elif self._live:
            self._tell(summary, plan)
        else:
            self._session.out.rows(self._rows, ("second", *self._shape.counts, *LATENCIES))

    def _tell(self, summary: Row, plan: Row) -> None:
        click.echo()
        click.echo(f"{plan['broker']}, {summary['seconds']:.1f} s")
        for name in self._shape.counts:
            if summary[name]:
                click.echo(f"{name:<16}{summary[name]:>14,}{summary['rates'][name]:>12,}/s")
        # Latencies in columns, microseconds.
        found = {title: summary[name] for name, title in self._shape.latencies.items()}
        names = next((list(each) for each in found.values() if each), [])
        if names:
            heads = "".join(f"{TOLD.get(name, name):>11}" for name in names)
            click.echo(click.style(f"{'microseconds':<16}{heads}", bold=True))
        for title, each in found.items():
            if each:
                click.echo(f"{title:<16}" + "".join(f"{value:>11,}" for value in each.values()))
