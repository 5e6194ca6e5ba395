"""`brokerctl bench`: load for any AMQP 0-9-1 broker, and how it bears it."""

import json
import sys
from collections.abc import Iterable
from typing import Any

import click

from broker.clock import SystemClock
from mgmt_ui.cli.amqp import Target
from mgmt_ui.cli.base import Command, with_session
from mgmt_ui.cli.bench.plan import Plan
from mgmt_ui.cli.bench.run import Bench, Row
from mgmt_ui.cli.exits import USAGE, Failure
from mgmt_ui.cli.session import Session
from mgmt_ui.cli.waiting import run

RATES = ("published", "confirmed", "refused", "consumed")
LATENCIES = ("p50_us", "p95_us", "p99_us", "max_us")
COLUMNS = ("second", *RATES, *LATENCIES)
# Of the table that people watch, which fits into eighty columns.
WIDTHS = {"second": 6, **dict.fromkeys(("published", "confirmed", "consumed"), 11)}
WIDTHS |= dict.fromkeys(LATENCIES, 10)
# Clients beyond this would measure their own machine.
MOST = 1000
LARGEST = 128 << 20


@click.command(cls=Command)
@with_session
@click.option("--publishers", type=click.IntRange(0, MOST), default=1, show_default=True)
@click.option("--consumers", type=click.IntRange(0, MOST), default=1, show_default=True)
@click.option(
    "-s",
    "--size",
    type=click.IntRange(0, LARGEST),
    default=100,
    show_default=True,
    metavar="BYTES",
    help="Of each message; under 8 no latency can be told.",
)
@click.option(
    "-r",
    "--rate",
    type=click.IntRange(0),
    default=0,
    metavar="N",
    help="So many messages a second, of all publishers together; default: all it can.",
)
@click.option(
    "-c",
    "--confirm",
    "window",
    type=click.IntRange(0),
    default=1000,
    metavar="N",
    show_default=True,
    help="Unconfirmed messages of a publisher; 0: no confirms.",
)
@click.option(
    "--prefetch",
    type=click.IntRange(0, 65535),
    default=1000,
    show_default=True,
    metavar="N",
    help="Unacknowledged messages of a consumer; 0: no acks.",
)
@click.option("--persistent", is_flag=True, help="Messages that a restart does not lose.")
@click.option(
    "--type",
    "kind",
    type=click.Choice(["classic", "quorum", "stream"]),
    default="classic",
    show_default=True,
    help="Of the queue that is made for it.",
)
@click.option("--queue", default="", metavar="NAME", help="A queue that is there, instead.")
@click.option("--exchange", default="", metavar="NAME", help="Publish to this exchange.")
@click.option("-k", "--key", default="bench", metavar="KEY", help="With this key, then.")
@click.option(
    "-z",
    "--duration",
    type=click.FloatRange(0.1, 86_400),
    metavar="SECONDS",
    help="Default: 10, without --count.",
)
@click.option("-C", "--count", type=click.IntRange(1), metavar="N", help="So many messages.")
@click.option(
    "--backlog",
    type=click.IntRange(0),
    default=100_000,
    show_default=True,
    metavar="N",
    help="How far publishers may be ahead of consumers; 0: any.",
)
def bench(session: Session, kind: str, **given: Any) -> None:
    """Publish and consume as fast as the broker can, and report rates and latencies.

    Needs nothing but --amqp-url, and is for any AMQP 0-9-1 broker. The queue that it makes is
    deleted at the end; Ctrl-C ends it early, with a report. Latencies are in microseconds, from
    publishing to delivery, or to the confirm where nobody consumes.
    """
    plan = _plan(given, kind)
    target = Target.of(session.settings)
    if session.settings.flag("dry_run"):
        session.out.note(f"would load {target.shown}")
        return
    report = _Report(session)
    clock = SystemClock()

    async def main() -> tuple[Row, Plan]:
        made = Bench(target, plan, clock, report.second)
        return await made.run(kind), made.plan

    report.end(*run(main()))


def _plan(given: dict[str, Any], kind: str) -> Plan:
    duration, count = given.pop("duration"), given.pop("count") or 0
    if not given["publishers"] and not given["consumers"]:
        raise Failure("there must be a publisher or a consumer", USAGE)
    if kind == "stream" and not given["prefetch"]:
        raise Failure("a stream needs consumers that acknowledge: give --prefetch", USAGE)
    # Who counts waits as long as it takes, within a day.
    seconds = duration or (86_400.0 if count and given["publishers"] else 10.0)
    more = {"x-stream-offset": ("S", "next")} if kind == "stream" else {}
    return Plan(**given, seconds=seconds, count=count, consumer_arguments=more)


class _Report:
    """Rows as they come for people; all together for programs."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._rows: list[Row] = []
        self._format = session.out.format
        self._live = self._format in ("table", "wide")
        # Programs wait for the end; whoever started them sees that it goes on.
        self._notes = not self._live and not session.out.quiet and sys.stderr.isatty()

    def second(self, row: Row) -> None:
        """What happened in a second: rates, and latencies where there are any."""
        if self._notes:
            click.echo(f"{row['second']} s: {row['consumed']:,}/s\r", err=True, nl=False)
        if self._format == "jsonl":
            click.echo(json.dumps(row))
        elif not self._live:
            self._rows.append(row)
        elif not self._session.out.quiet:
            if not self._rows:
                click.echo(click.style(_line(WIDTHS), bold=True))
                self._rows.append(row)
            click.echo(_line([f"{row[name]:,}" if name in row else "" for name in WIDTHS]))

    def end(self, summary: Row, plan: Plan) -> None:
        """The summary, behind the rows."""
        settings = {name: getattr(plan, name) for name in ("publishers", "consumers", "size")}
        settings |= {"window": plan.window, "prefetch": plan.prefetch, "rate": plan.rate}
        if self._format == "json":
            whole = {"plan": settings, "intervals": self._rows, "summary": summary}
            click.echo(json.dumps(whole, indent=1))
        elif self._format == "jsonl":
            click.echo(json.dumps({"summary": summary, "plan": settings}))
        elif self._live:
            _tell(summary)
        else:
            self._session.out.rows(self._rows, COLUMNS)


def _line(cells: Iterable[str]) -> str:
    pairs = zip(cells, WIDTHS.values(), strict=True)
    return "".join(f"{cell.removesuffix('_us'):>{width}}" for cell, width in pairs)


def _tell(summary: Row) -> None:
    click.echo()
    click.echo(f"{summary['seconds']:.1f} s")
    for name in RATES:
        if summary[name]:
            click.echo(f"{name:<16}{summary[name]:>14,}{summary['rates'][name]:>12,}/s")
    for name, title in (("latency_us", "latency"), ("confirm_latency_us", "confirm latency")):
        found = summary[name]
        if found:
            cells = "  ".join(f"{each} {value:,} us" for each, value in found.items())
            click.echo(f"{title:<16}{cells}")
