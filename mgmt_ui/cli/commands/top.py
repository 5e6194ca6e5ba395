"""`brokerctl top`: the busiest queues and the totals, as they change."""

import shutil
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import click

from mgmt_ui.cli.base import Command, with_session
from mgmt_ui.cli.exits import TEMPORARY, UNAVAILABLE, Failure
from mgmt_ui.cli.output import Row, at, one_line
from mgmt_ui.cli.screen import Screen
from mgmt_ui.cli.session import Session
from mgmt_ui.cli.tables import cut, pad, width_of

IN, OUT = "message_stats.publish_details.rate", "message_stats.deliver_get_details.rate"
ACKED = "message_stats.ack_details.rate"
# Order -> (key, member to sort by, whether the largest come first).
ORDERS = {
    "rate": ("r", IN, True),
    "out": ("o", OUT, True),
    "messages": ("m", "messages", True),
    "unacked": ("u", "messages_unacknowledged", True),
    "name": ("n", "name", False),
}
KEYS = {key: order for order, (key, _, _) in ORDERS.items()}
# Head -> member, and how wide; the name takes what is left.
NUMBERS = (
    ("ready", "messages_ready", 9),
    ("unacked", "messages_unacknowledged", 9),
    ("in/s", IN, 9),
    ("out/s", OUT, 9),
    ("ack/s", ACKED, 9),
    ("cons", "consumers", 5),
)
# From this width on, there is room for them.
ACKED_FROM, TYPE_FROM, VHOST_FROM = 72, 90, 110
VHOST, TYPE = 16, 8
COLUMNS = (
    *("name", "vhost", "type", "state", "consumers"),
    *("messages", "messages_ready", "messages_unacknowledged", IN, OUT, ACKED),
)
RATES = ("publish", "confirm", "deliver_get", "ack", "redeliver")
COUNTS = ("connections", "channels", "consumers", "queues")
# Lines above the queues.
HEADING = 6
WHOLE = 100
WIDEST = 120


@dataclass(slots=True)
class View:
    """What was found at one look; `error` says why it is an older one."""

    overview: Row
    queues: list[Row]
    found: int
    alarms: list[str]
    order: str
    error: str = ""


@click.command(cls=Command)
@with_session
@click.option("--by", "order", type=click.Choice(list(ORDERS)), default="rate", show_default=True)
@click.option(
    "--interval",
    type=click.FloatRange(0.2, 3600),
    default=1.0,
    show_default=True,
    metavar="SECONDS",
    help="Above 1, or without a live stream: between two looks.",
)
@click.option("--once", is_flag=True, help="One look, as without a terminal.")
def top(session: Session, order: str, interval: float, once: bool) -> None:
    """Watch the busiest queues, the totals and the alarms.

    Keys: r, o, m, u, n for the order (rate in, rate out, messages, unacknowledged, name), q to
    quit. Rates are those of the management API, means over its last five seconds. Leveret tells
    what changes by its live stream, another broker is asked.
    """
    if once or not sys.stdout.isatty() or session.out.format not in ("table", "wide"):
        _once(session, order)
        return
    # Ctrl-C is one of the ways to quit.
    with suppress(KeyboardInterrupt), Screen() as screen:
        _watch(session, screen, order, interval)


def _once(session: Session, order: str) -> None:
    limit = session.settings.value("limit")
    view = Polled(session).look(order, WHOLE if limit is None else max(1, min(limit, 500)))
    assert view is not None  # who asks gets an answer
    if session.out.format in ("json", "jsonl"):
        totals = {key: view.overview.get(key) for key in ("object_totals", "queue_totals")}
        stats = view.overview.get("message_stats", {})
        session.out.item(
            {"alarms": view.alarms, **totals, "message_stats": stats, "queues": view.queues}
        )
        return
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDEST
    for line in frame(view, width, len(view.queues) + HEADING):
        click.echo(click.unstyle(line).rstrip())


def _watch(session: Session, screen: Screen, order: str, interval: float) -> None:
    source = _source(session, interval)
    view = None
    while True:
        size = screen.size
        try:
            view = source.look(order, max(1, min(size.lines - HEADING, 500))) or view
        except Failure as failure:
            if view is None or failure.code not in (TEMPORARY, UNAVAILABLE):
                raise
            view.error = failure.text  # it may come back
        if view is not None:
            lines = frame(view, size.columns, size.lines)
            plain = session.settings.colourless
            screen.draw([click.unstyle(line) for line in lines] if plain else lines)
        key = screen.key(interval, source.wake)[:1].lower()
        if key == "q":
            return
        order = KEYS.get(key, order)


# -- where it comes from -----------------------------------------------------------------------


class Polled:
    """Asks at every look: for brokers without a live stream, and for one look."""

    wake: int | None = None

    def __init__(self, session: Session) -> None:
        self._session = session

    def look(self, order: str, rows: int) -> View | None:
        """What there is now."""
        api = self._session.api
        overview = api.get("/overview")
        where, query = _queues(self._session, order, rows)
        page = api.get(where, **query)
        _, health = api.call("GET", "/health/checks/alarms", accept=(503,))
        return _view(overview, page, health.get("alarms", []), order)


class Streamed:
    """Is told what changes; `wake` is readable then."""

    def __init__(self, session: Session) -> None:
        from mgmt_ui.cli.live import Live

        self._session = session
        self._live = Live(session.api)
        self.wake: int | None = self._live.wake

    def look(self, order: str, rows: int) -> View | None:
        """What there is by now; None before all of it has come."""
        where, query = _queues(self._session, order, rows)
        topics = ("/overview", f"{where}?{urlencode(query)}", "/alarms")
        self._live.watch(topics)
        self._live.take()
        if any(topic not in self._live.values for topic in topics):
            return None
        overview, page, alarms = (self._live.values[topic] for topic in topics)
        return _view(overview, page, alarms, order)


def _source(session: Session, interval: float) -> Polled | Streamed:
    from mgmt_ui.cli.live import NoStream

    # Who wants it less often is not to be told every second.
    if interval > 1:
        return Polled(session)
    source = Streamed(session)
    try:
        source.look("rate", 1)
    except NoStream:
        return Polled(session)
    return source


def _queues(session: Session, order: str, rows: int) -> tuple[str, dict[str, str]]:
    _, member, falling = ORDERS[order]
    query = {
        "page": "1",
        "page_size": str(rows),
        "sort": member,
        "sort_reverse": "true" if falling else "false",
        "columns": ",".join(COLUMNS),
    }
    wanted = session.settings.value("filter")
    if wanted:
        query |= {"name": wanted, "use_regex": "false"}
    return session.below("queues") if session.settings.value("vhost") else "/queues", query


def _view(overview: Row, page: Row, alarms: list[Row], order: str) -> View:
    resources = [each["resource"] for each in alarms]
    return View(overview, page["items"], page["filtered_count"], resources, order)


# -- how it looks ------------------------------------------------------------------------------


def frame(view: View, width: int, lines: int) -> list[str]:
    """All lines of one look, within this width and number."""
    shown = [*_heading(view, width), _queue_heads(view, width)]
    shown += [_queue(row, width) for row in view.queues]
    return shown[:lines]


def _heading(view: View, width: int) -> list[str]:
    overview = view.overview
    name = f"{overview.get('node', '')}  {overview['product_name']} {overview['product_version']}"
    state, colour = "no alarms", "green"
    if view.alarms:
        state, colour = f"ALARM: {', '.join(view.alarms)}", "red"
    if view.error:
        state, colour = cut(one_line(view.error), width // 2), "red"
    space = max(2, width - width_of(name) - width_of(state))
    first = cut(name, width - width_of(state) - 2) + " " * space
    totals, queues = overview["object_totals"], overview["queue_totals"]
    stats = overview.get("message_stats", {})
    counts = "  ".join(f"{each} {short(totals.get(each, 0))}" for each in COUNTS)
    messages = "  ".join(
        f"{each} {short(queues.get(member, 0))}"
        for each, member in (
            ("messages", "messages"),
            ("ready", "messages_ready"),
            ("unacked", "messages_unacknowledged"),
        )
    )
    rates = "  ".join(
        f"{each.removesuffix('_get')} {short(at(stats, f'{each}_details.rate') or 0)}/s"
        for each in RATES
    )
    left = f"{len(view.queues)} of {view.found} queues, by {view.order}"
    shown = click.style(state, fg=colour, bold=True if view.alarms else None)
    return [
        click.style(first, bold=True) + shown,
        cut(counts, width),
        cut(messages, width),
        cut(rates, width),
        click.style(cut(left, width), dim=True),
    ]


def _queue_heads(view: View, width: int) -> str:
    cells = [pad("queue", _name_width(width))]
    cells += [pad("vhost", VHOST)] if width >= VHOST_FROM else []
    cells += [pad("type", TYPE)] if width >= TYPE_FROM else []
    member = ORDERS[view.order][1]
    for head, each, size in _numbers(width):
        cell = pad(head, size, True)
        cells.append(click.style(cell, underline=True) if each == member else cell)
    return click.style(" ".join(cells), reverse=True)


def _numbers(width: int) -> list[tuple[str, str, int]]:
    return [each for each in NUMBERS if width >= ACKED_FROM or each[1] != ACKED]


def _name_width(width: int) -> int:
    taken = sum(size + 1 for _, _, size in _numbers(width))
    taken += VHOST + 1 if width >= VHOST_FROM else 0
    taken += TYPE + 1 if width >= TYPE_FROM else 0
    return max(8, width - taken)


def _queue(row: Row, width: int) -> str:
    name = row["name"]
    if width < VHOST_FROM and row["vhost"] != "/":
        name = f"{name} @{row['vhost']}"
    cells = [_fit(name, _name_width(width))]
    cells += [_fit(row["vhost"], VHOST)] if width >= VHOST_FROM else []
    cells += [_fit(row.get("type", ""), TYPE)] if width >= TYPE_FROM else []
    for _, member, size in _numbers(width):
        value = at(row, member) or 0
        cell = pad(short(value), size, True)
        cells.append(click.style(cell, fg=_colour(member, row)) if value else _dim(cell))
    return " ".join(cells)


def _fit(text: str, width: int) -> str:
    return pad(cut(one_line(text), width), width)


def _colour(member: str, row: Row) -> str | None:
    # What waits with nobody to take it is what people look for.
    if member == "messages_ready" and not row.get("consumers"):
        return "yellow"
    return "green" if member in (IN, OUT, ACKED) else None


def _dim(text: str) -> str:
    return click.style(text, dim=True)


def short(value: Any) -> str:
    """A number in at most nine columns: 1,234,567 or 12.3M."""
    if isinstance(value, float) and 0 < value < 10:
        return f"{value:.1f}"
    whole = round(value)
    if whole < 10_000_000:
        return f"{whole:,}"
    for unit in "MGTPE":
        value /= 1000 if unit != "M" else 1_000_000
        if value < 1000 or unit == "E":
            break
    return f"{value:.1f}{unit}"
