"""`brokerctl tail`: messages passing an exchange or a queue, as they pass."""

import json
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import click

from broker.amqp.tables import Table
from broker.clock import SystemClock
from mgmt_ui.cli.amqp import Target
from mgmt_ui.cli.base import group, with_session
from mgmt_ui.cli.completing import EXCHANGES, QUEUES
from mgmt_ui.cli.exits import Failure
from mgmt_ui.cli.output import Row, one_line
from mgmt_ui.cli.session import Session
from mgmt_ui.cli.tables import cut
from mgmt_ui.cli.tail import Limits, Source, Tail, of_trace
from mgmt_ui.cli.values import pairs
from mgmt_ui.cli.waiting import run
from mgmt_ui.fields import typed

TRACE = "amq.rabbitmq.trace"
# Types whose bindings share the messages out: one more would take them from others.
SHARING = ("x-consistent-hash", "x-modulus-hash", "x-random", "x-local-random")
TURN_ON = "turn tracing on: brokerctl trace on"


def _limits(function: click.decorators.FC) -> click.decorators.FC:
    for option in (
        click.option("--count", type=click.IntRange(1), metavar="N", help="So many, then end."),
        click.option(
            "-z",
            "--duration",
            type=click.FloatRange(0.1),
            metavar="SECONDS",
            help="So long, then end.",
        ),
        click.option(
            "--truncate",
            type=click.IntRange(0),
            default=50_000,
            metavar="BYTES",
            show_default=True,
            help="Show so much of each.",
        ),
    ):
        function = option(function)
    return function


@group("tail")
def tail() -> None:
    """Messages as they pass, until Ctrl-C: exchange, queue. Needs --amqp-url."""


@tail.command("exchange")
@with_session
@click.argument("name", shell_complete=EXCHANGES)
@click.option(
    "-k",
    "--key",
    "keys",
    multiple=True,
    metavar="KEY",
    help="Only these routing keys, with * and # for a topic exchange.",
)
@click.option("--arg", "words", multiple=True, metavar="KEY=VALUE", help="For headers exchanges.")
@_limits
def exchange(
    session: Session, name: str, keys: tuple[str, ...], words: tuple[str, ...], **given: Any
) -> None:
    """Show what is published to an exchange, through a temporary queue bound to it.

    Of a direct exchange, without --key, the keys are seen that others have bound.
    """
    arguments = typed(pairs(words))
    traced = not name or name == "amq.default"
    found: Row = {} if traced else session.api.get(session.below("exchanges", name))
    kind = found.get("arguments", {}).get("x-delayed-type", found.get("type", ""))
    if traced or kind in SHARING:
        _check_tracing(session, f"exchange '{name}' cannot be bound to without harm")
        key = f"publish.{'' if traced else name}"
        _follow(session, Source([(TRACE, key, {})]), of_trace, given)
        return
    chosen = keys or _keys(session, name, kind)
    bindings: list[tuple[str, str, Table]] = [(name, key, arguments) for key in chosen]
    _follow(session, Source(bindings), lambda row: row, given)


def _keys(session: Session, name: str, kind: str) -> tuple[str, ...]:
    if kind != "direct":
        return ("#",)
    rows = session.api.get(session.below("exchanges", name, "bindings", "source"))
    found = tuple(sorted({row["routing_key"] for row in rows}))
    if not found:
        raise Failure(f"nothing is bound to '{name}' yet: say which --key to see")
    return found


@tail.command("queue")
@with_session
@click.argument("name", shell_complete=QUEUES)
@_limits
def queue(session: Session, name: str, **given: Any) -> None:
    """Show what goes into a queue and out of it: by the firehose where tracing is on.

    A stream is read, from now on. Of another queue, without tracing, what comes to its end is
    seen by peeking once a second, where the broker can: what passes faster is missed.
    """
    found = session.api.get(session.below("queues", name))
    if found.get("type") == "stream":
        _follow(session, Source(queue=name), lambda row: row, given)
    elif _is_traced(session):
        bindings: list[tuple[str, str, Table]] = [
            (TRACE, f"deliver.{name}", {}),
            (TRACE, "publish.#", {}),
        ]
        _follow(session, Source(bindings), lambda row: _of_queue(row, name), given)
    else:
        _peek(session, name, given)


def _of_queue(row: Row, name: str) -> Row | None:
    told = of_trace(row)
    return told if told.get("queue") == name or name in told.get("queues", ()) else None


def _is_traced(session: Session) -> bool:
    rows = session.api.get("/vhosts")
    return any(row["name"] == session.vhost and row.get("tracing") for row in rows)


def _check_tracing(session: Session, why: str) -> None:
    if not _is_traced(session):
        raise Failure(f"{why}; {TURN_ON}")


def _follow(
    session: Session, source: Source, told: Callable[[Row], Row | None], given: dict[str, Any]
) -> None:
    target = Target.of(session.settings)
    printer, clock = Printer(session), SystemClock()

    def show(row: Row) -> bool:
        message = told(row)
        if message is not None:
            printer.show(message, clock.now_ms())
        return message is not None

    async def main() -> None:
        limits = Limits(given["count"] or 0, given["duration"] or 0.0, given["truncate"])
        await Tail(target, clock, limits).follow(source, show)

    run(main())


# -- peeking -----------------------------------------------------------------------------------

SEEN_AT_ONCE = 100
LOOK_EVERY = 1.0


class Peek:
    """What has come to the end of a queue since the last look; nothing at the first."""

    def __init__(self, session: Session, name: str, octets: int) -> None:
        self._session = session
        self._where = session.below("queues", name)
        self._octets = octets
        self._seen: set[str] | None = None

    def look(self) -> Iterator[Row]:
        """The new ones, oldest first; Failure where the broker cannot peek."""
        count = self._session.api.get(self._where, columns="messages").get("messages", 0)
        rows = self._peek(max(0, count - SEEN_AT_ONCE))
        places = {row["place"] for row in rows}
        if self._seen is not None:
            yield from (row for row in rows if row["place"] not in self._seen)
        self._seen = places | (self._seen or set()) if len(self._seen or ()) < 10_000 else places

    def _peek(self, offset: int) -> list[Row]:
        query = {
            "offset": str(offset),
            "count": str(SEEN_AT_ONCE),
            "truncate": str(self._octets),
        }
        status, rows = self._session.api.call(
            "GET", f"{self._where}/peek", query=query, accept=(404, 405)
        )
        if status != 200:
            raise Failure(f"this broker cannot peek into queues; {TURN_ON}")
        found: list[Row] = rows
        return found


def _peek(session: Session, name: str, given: dict[str, Any]) -> None:
    printer, clock = Printer(session), SystemClock()
    peek = Peek(session, name, given["truncate"])
    began, shown = clock.monotonic(), 0
    try:
        while True:
            for row in peek.look():
                printer.show(row, clock.now_ms())
                shown += 1
                if given["count"] and shown >= given["count"]:
                    return
            if given["duration"] and clock.monotonic() - began >= given["duration"]:
                return
            threading.Event().wait(LOOK_EVERY)
    except KeyboardInterrupt:
        return


# -- how it looks ------------------------------------------------------------------------------


# Letters of the time that a line begins with.
CLOCK = 12


class Printer:
    """A line for each message: JSON for programs, the payload alone with `plain`."""

    def __init__(self, session: Session) -> None:
        self._format = session.out.format
        self._cut = self._format == "table" and sys.stdout.isatty()

    def show(self, row: Row, now_ms: int) -> None:
        """Prints one, at once."""
        if self._format in ("json", "jsonl"):
            click.echo(json.dumps({"at": now_ms, **row}, ensure_ascii=False))
        elif self._format == "plain":
            click.echo(one_line(str(row["payload"])))
        else:
            line = self._line(row, now_ms)
            if self._cut:
                line = cut(line, shutil.get_terminal_size().columns)
            click.echo(click.style(line[:CLOCK], dim=True) + line[CLOCK:])

    def _line(self, row: Row, now_ms: int) -> str:
        at = datetime.fromtimestamp(now_ms / 1000, tz=UTC).astimezone()
        cells = [at.strftime("%H:%M:%S.") + f"{now_ms % 1000:03}"]
        if "event" in row:
            cells.append(row["event"])
        cells += [row["exchange"] or "(default)", row["routing_key"], f"{row['payload_bytes']} B"]
        if row.get("redelivered"):
            cells.append("redelivered")
        cells.append(str(row["payload"]))
        return "  ".join(one_line(cell) for cell in cells)
