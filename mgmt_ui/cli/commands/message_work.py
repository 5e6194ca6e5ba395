"""`brokerctl message peek|search|delete|move|redrive`, and `brokerctl job`."""

import sys
from collections.abc import Callable
from threading import Event
from typing import Any, TypeVar

import click

from mgmt_ui.cli.base import Command, group, with_session
from mgmt_ui.cli.completing import EXCHANGES, JOBS, QUEUES
from mgmt_ui.cli.exits import DATA, TEMPORARY, USAGE, Failure
from mgmt_ui.cli.session import Session
from mgmt_ui.cli.values import pairs, path

F = TypeVar("F", bound=Callable[..., Any])
COLUMNS = ("state", "age", "exchange", "routing_key", "payload_bytes", "payload")
JOB_COLUMNS = ("id", "kind", "vhost", "queue", "state", "total", "matched", "done", "error")
PAGE = 1000
# Seconds between two looks at how far a job got.
PERIOD = 0.2
# Fewer messages than this are searched before a bar could be read.
LONG = 50_000
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
UNDOABLE = "Keep them for ten minutes, for job undo."
REASONS = {
    "no_death": "not dead-lettered by this broker",
    "no_queue": "their queue is gone",
    "no_exchange": "their exchange is gone",
    "unroutable": "no queue is bound",
    "refused": "not permitted there",
    "same_queue": "died in this queue",
    "gone": "delivered meanwhile",
}


def _age(_context: click.Context, _parameter: click.Parameter, text: str | None) -> float | None:
    if text is None:
        return None
    unit = UNITS.get(text[-1:])
    try:
        return float(text if unit is None else text[:-1]) * (unit or 1)
    except ValueError:
        raise click.BadParameter("seconds, or a number with s, m, h or d: 90, 15m, 2h") from None


_FILTERS = (
    click.option("--message-id", metavar="ID"),
    click.option("--correlation-id", metavar="ID"),
    click.option("--type", metavar="TYPE"),
    click.option("--app-id", metavar="ID"),
    click.option("--routing-key", metavar="KEY"),
    click.option("--header", "headers", multiple=True, metavar="KEY=VALUE", help="null: any."),
    click.option("--body", metavar="TEXT", help="Somewhere in the body."),
    click.option("--older-than", callback=_age, metavar="AGE", help="90, 15m, 2h: in the queue."),
    click.option("--newer-than", callback=_age, metavar="AGE"),
    click.option("--death-queue", metavar="NAME", help="Died last in this queue."),
    click.option("--death-reason", metavar="REASON", help="rejected, expired, maxlen ..."),
)
_NAMES = (
    *("message_id", "correlation_id", "type", "app_id", "routing_key", "headers", "body"),
    *("older_than", "newer_than", "death_queue", "death_reason"),
)


def filtered(function: F) -> F:
    """A command with the options of a filter."""
    for option in reversed(_FILTERS):
        function = option(function)
    return function


def _filter(given: dict[str, Any]) -> dict[str, Any]:
    wanted = {name: given[name] for name in _NAMES if given[name] not in (None, ())}
    if "headers" in wanted:
        wanted["headers"] = pairs(wanted["headers"])
    return wanted


@click.command(cls=Command)
@with_session
@click.argument("queue", shell_complete=QUEUES)
@click.option("-n", "--count", type=click.IntRange(1, PAGE), default=10, show_default=True)
@click.option("--offset", type=click.IntRange(0), default=0, help="Leave out so many.")
@click.option("--state", type=click.Choice(["all", "ready", "unacked"]), default="all")
@click.option("--truncate", type=click.IntRange(0), metavar="BYTES", help="Show so much of each.")
def peek(session: Session, queue: str, truncate: int | None, **given: Any) -> None:
    """Look at the messages of a queue where they stand; nothing is touched."""
    query = {name: str(value) for name, value in given.items()}
    if truncate is not None:
        query["truncate"] = str(truncate)
    rows = session.api.get(session.below("queues", queue, "peek"), **query)
    session.show(rows, COLUMNS, plain="payload")


@click.command(cls=Command)
@with_session
@click.argument("queue", shell_complete=QUEUES)
@click.option("-n", "--count", type=click.IntRange(1), default=100, show_default=True)
@click.option("--state", type=click.Choice(["all", "ready", "unacked"]), default="all")
@click.option("--truncate", type=click.IntRange(0), metavar="BYTES", help="Show so much of each.")
@filtered
def search(
    session: Session, queue: str, count: int, state: str, truncate: int | None, **given: Any
) -> None:
    """Find messages of a queue, ready or unacked; nothing is touched."""
    where = session.below("queues", queue, "search")
    body: dict[str, Any] = {"filter": _filter(given), "state": state}
    if truncate is not None:
        body["truncate"] = truncate
    found: list[Any] = []
    total = session.api.get(session.below("queues", queue)).get("messages", 0)
    with _bar(session, total, "searching", hidden=total < LONG) as bar:
        while len(found) < count:
            body["count"] = min(PAGE, count - len(found))
            _, answer = session.api.call("POST", where, body)
            if answer is None:
                return  # --dry-run has shown the request
            found += answer["items"]
            bar.update(answer["scanned"])
            if answer["cursor"] is None:
                break
            body["cursor"] = answer["cursor"]
    session.show(found, COLUMNS, plain="payload")


@click.command(cls=Command)
@with_session
@click.argument("queue", shell_complete=QUEUES)
@filtered
@click.option("--all", "everything", is_flag=True, help="All of them.")
@click.option("--undoable", is_flag=True, help=UNDOABLE)
@click.option("--count-only", is_flag=True, help="Say how many it would be.")
def delete(
    session: Session,
    queue: str,
    everything: bool,
    undoable: bool,
    count_only: bool,
    **given: Any,
) -> None:
    """Delete the ready messages of a queue that fit."""
    wanted = _filter(given)
    if not wanted and not everything:
        raise Failure("say which messages: --message-id, --header ..., or --all", USAGE)
    body = {"filter": wanted} | ({"undo": True} if undoable else {})
    _work(session, queue, "delete-messages", body, "Delete", count_only)


@click.command(cls=Command)
@with_session
@click.argument("queue", shell_complete=QUEUES)
@click.option(
    "--to",
    "target",
    metavar="QUEUE",
    help="Move them to this queue, as they are.",
    shell_complete=QUEUES,
)
@click.option(
    "--to-exchange",
    metavar="NAME",
    help="Route them anew by this exchange.",
    shell_complete=EXCHANGES,
)
@click.option("--with-key", metavar="KEY", help="With this routing key; else the one they had.")
@filtered
@click.option("--rate", type=click.FloatRange(0, min_open=True), metavar="N", help="A second.")
@click.option("--undoable", is_flag=True, help=UNDOABLE)
@click.option("--count-only", is_flag=True, help="Say how many it would be.")
def move(
    session: Session,
    queue: str,
    target: str | None,
    to_exchange: str | None,
    with_key: str | None,
    rate: float | None,
    undoable: bool,
    count_only: bool,
    **given: Any,
) -> None:
    """Move the ready messages of a queue that fit, all without a filter."""
    if (target is None) == (to_exchange is None):
        raise Failure("say where to: --to QUEUE or --to-exchange NAME", USAGE)
    body: dict[str, Any] = {"filter": _filter(given), "rate": rate}
    if undoable:
        body["undo"] = True
    if target is not None:
        body["queue"] = target
    else:
        body["exchange"] = to_exchange or "amq.default"
        if with_key is not None:
            body["routing_key"] = with_key
    _work(session, queue, "move", body, "Move", count_only)


@click.command(cls=Command)
@with_session
@click.argument("queue", shell_complete=QUEUES)
@click.option("--by-exchange", is_flag=True, help="By the exchange and key they came with.")
@filtered
@click.option("--rate", type=click.FloatRange(0, min_open=True), metavar="N", help="A second.")
@click.option("--count-only", is_flag=True, help="Say how many it would be.")
def redrive(
    session: Session,
    queue: str,
    by_exchange: bool,
    rate: float | None,
    count_only: bool,
    **given: Any,
) -> None:
    """Send the dead letters in a queue back to where they died."""
    to = "exchange" if by_exchange else "queue"
    body = {"filter": _filter(given), "rate": rate, "to": to}
    _work(session, queue, "redrive", body, "Redrive", count_only)


def _work(
    session: Session, queue: str, what: str, body: dict[str, Any], verb: str, count_only: bool
) -> None:
    where = session.below("queues", queue, what)
    if not session.settings.flag("dry_run") and (count_only or not session.settings.flag("yes")):
        counted = _follow(session, where, {**body, "rate": None, "dry_run": True}, "counting")
        if count_only:
            _tell_count(session, counted)
            return
        session.confirm(f"{verb} {counted['matched']} messages of queue '{queue}'?")
    _, job = session.api.call("POST", where, {**body, "wait": 0})
    if job is None:
        return  # --dry-run has shown the request
    _report(session, _wait(session, job, verb.lower()))


def _tell_count(session: Session, counted: dict[str, Any]) -> None:
    if session.out.format in ("json", "jsonl"):
        session.out.item(counted)
    else:
        session.out.value(counted["matched"])


def _follow(session: Session, where: str, body: dict[str, Any], label: str) -> dict[str, Any]:
    _, job = session.api.call("POST", where, {**body, "wait": 0})
    return _wait(session, job, label)


def _wait(session: Session, job: dict[str, Any], label: str) -> dict[str, Any]:
    # Ctrl-C cancels the job: what is done stays done.
    where = path("jobs", job["id"])
    try:
        if job["state"] == "running":
            # What is over by then needs no bar.
            Event().wait(PERIOD)
            job = session.api.get(where)
        if job["state"] == "running":
            with _bar(session, job["total"], label) as bar:
                shown = 0
                while job["state"] == "running":
                    bar.update(job["scanned"] - shown)
                    shown = job["scanned"]
                    Event().wait(PERIOD)
                    job = session.api.get(where)
                bar.update(job["scanned"] - shown)
    except KeyboardInterrupt:
        session.api.call("DELETE", where)
        job = session.api.get(where)
    return job


def _bar(session: Session, length: int, label: str, *, hidden: bool = False) -> Any:
    # On standard error, so that what is printed can be piped on.
    hidden = hidden or session.out.quiet or not sys.stderr.isatty()
    return click.progressbar(
        length=max(length, 1), label=label, file=sys.stderr, hidden=hidden, show_pos=True
    )


def _report(session: Session, job: dict[str, Any]) -> None:
    if session.out.format in ("json", "jsonl"):
        session.out.item(job)
    else:
        session.out.note(f"{job['done']} of {job['matched']} messages done")
        if job.get("undoable"):
            session.out.note(f"brokerctl job undo {job['id']} puts them back, for ten minutes")
        for reason, number in job["skipped"].items():
            session.out.note(f"{number} left: {REASONS.get(reason, reason)}")
    if job["state"] == "cancelled":
        raise Failure(f"cancelled; `brokerctl job resume {job['id']}` goes on", TEMPORARY)
    if job["state"] != "done":
        text = f"{job['error']}; `brokerctl job resume {job['id']}` goes on with the rest"
        raise Failure(text, DATA, job["state"])


@group("job")
def job() -> None:
    """Work on messages that goes on: list, show, pause, resume, cancel, undo."""


@job.command("list")
@with_session
def index(session: Session) -> None:
    """List the jobs that run and those that have ended."""
    session.fetch("/jobs", JOB_COLUMNS)


@job.command()
@with_session
@click.argument("number", shell_complete=JOBS)
def show(session: Session, number: str) -> None:
    """Show how far a job got."""
    session.out.item(session.api.get(path("jobs", number)))


@job.command()
@with_session
@click.argument("number", shell_complete=JOBS)
def cancel(session: Session, number: str) -> None:
    """Cancel a job that runs; forget one that has ended."""
    session.api.call("DELETE", path("jobs", number))
    session.out.note("cancelled")


@job.command()
@with_session
@click.argument("number", shell_complete=JOBS)
def pause(session: Session, number: str) -> None:
    """Stop a job that runs; resume goes on with the rest."""
    found = session.api.get(path("jobs", number))
    if found["state"] != "running":
        raise Failure(f"job {number} does not run: it is {found['state']}")
    session.api.call("DELETE", path("jobs", number))
    session.out.note(f"paused; brokerctl job resume {number} goes on")


@job.command()
@with_session
@click.argument("number", shell_complete=JOBS)
def resume(session: Session, number: str) -> None:
    """Go on with a job that was cancelled or stopped."""
    _, resumed = session.api.call("POST", path("jobs", number, "resume"))
    if resumed is not None:
        _report(session, _wait(session, resumed, resumed["kind"]))


@job.command()
@with_session
@click.argument("number", shell_complete=JOBS)
def undo(session: Session, number: str) -> None:
    """Put back what a job with --undoable has deleted or moved, within ten minutes."""
    found = session.api.get(path("jobs", number))
    where = path("queues", found["vhost"], found["queue"], "undo")
    _, answer = session.api.call("POST", where, {"job": found["id"]})
    if answer is not None:
        session.out.note(f"put back {answer['restored']}")


WORK = (peek, search, delete, move, redrive)
"""What there is to do with messages, for `brokerctl message`."""
