"""`brokerctl bench`: load for any AMQP 0-9-1 broker, and how it bears it."""

from dataclasses import asdict
from typing import Any

import click

from broker.clock import SystemClock
from mgmt_ui.cli.amqp import Target
from mgmt_ui.cli.base import Command, with_session
from mgmt_ui.cli.bench.churn import KINDS, Churn
from mgmt_ui.cli.bench.plan import ChurnPlan, Plan
from mgmt_ui.cli.bench.report import CHURN, MESSAGES, Report, Row
from mgmt_ui.cli.bench.run import Bench
from mgmt_ui.cli.exits import TEMPORARY, USAGE, Failure
from mgmt_ui.cli.session import Session
from mgmt_ui.cli.waiting import run

# Clients beyond this would measure their own machine.
MOST = 1000
LARGEST = 128 << 20
# What churn goes by; all else is of messages.
CHURNED = ("rate", "persistent", "kind", "duration", "count")


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
@click.option(
    "--churn",
    type=click.Choice(list(KINDS)),
    help="No messages: make and undo these instead, again and again.",
)
@click.option(
    "--clients",
    type=click.IntRange(1, MOST),
    default=1,
    show_default=True,
    metavar="N",
    help="So many at a time, with --churn.",
)
def bench(session: Session, churn: str | None, clients: int, **given: Any) -> None:
    """Publish and consume as fast as the broker can, and report rates and latencies.

    Needs nothing but --amqp-url, and is for any AMQP 0-9-1 broker. The queue that it makes is
    deleted at the end; Ctrl-C ends it early, with a report. Latencies are in microseconds, from
    publishing to delivery, or to the confirm where nobody consumes. With --churn, --rate and
    --count are of cycles. Ends with 75 where something is not confirmed or consumed in time.
    """
    target = Target.of(session.settings)
    if churn is not None:
        _churn(session, target, _churn_plan(churn, clients, given))
        return
    kind = given.pop("kind")
    plan = _plan(given, kind)
    if _is_dry(session, target):
        return
    clock, report = SystemClock(), Report(session, MESSAGES)

    async def main() -> tuple[Row, Row]:
        made = Bench(target, plan, clock, report.second)
        summary = await made.run(kind)
        told = asdict(made.plan) | {"type": kind, "url": target.shown, "broker": made.server}
        del told["consumer_arguments"]
        return summary, told

    summary, told = run(main())
    report.end(summary, told)
    _complain(summary)


def _is_dry(session: Session, target: Target) -> bool:
    if session.settings.flag("dry_run"):
        session.out.note(f"would load {target.shown}")
        return True
    return False


def _complain(summary: Row) -> None:
    for name, what in (("unconfirmed", "not confirmed"), ("unconsumed", "not delivered")):
        if summary[name]:
            raise Failure(f"{summary[name]:,} messages were {what} in time", TEMPORARY)


def _churn(session: Session, target: Target, plan: ChurnPlan) -> None:
    if _is_dry(session, target):
        return
    clock, report = SystemClock(), Report(session, CHURN)

    async def main() -> tuple[Row, Row]:
        made = Churn(target, plan, clock, report.second)
        summary = await made.run()
        return summary, asdict(plan) | {"url": target.shown, "broker": made.server}

    report.end(*run(main()))


def _churn_plan(churn: str, clients: int, given: dict[str, Any]) -> ChurnPlan:
    context = click.get_current_context()
    for name in given:
        source = context.get_parameter_source(name)
        if name not in CHURNED and source is not None and source.name == "COMMANDLINE":
            raise Failure(f"--{name} has no meaning with --churn", USAGE)
    seconds, count = _end(given)
    return ChurnPlan(
        churn, clients, given["rate"], given["persistent"], given["kind"], seconds, count
    )


def _end(given: dict[str, Any]) -> tuple[float, int]:
    # Who counts waits as long as it takes, within a day.
    duration, count = given.pop("duration"), given.pop("count") or 0
    return duration or (86_400.0 if count else 10.0), count


def _plan(given: dict[str, Any], kind: str) -> Plan:
    if not given["publishers"] and not given["consumers"]:
        raise Failure("there must be a publisher or a consumer", USAGE)
    if given["count"] and not given["publishers"]:
        raise Failure("--count is of publishers: give --duration without them", USAGE)
    if kind == "stream" and not given["prefetch"]:
        raise Failure("a stream needs consumers that acknowledge: give --prefetch", USAGE)
    seconds, count = _end(given)
    more = {"x-stream-offset": ("S", "next")} if kind == "stream" else {}
    return Plan(**given, seconds=seconds, count=count, consumer_arguments=more)
