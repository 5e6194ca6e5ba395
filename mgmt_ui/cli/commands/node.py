"""`brokerctl status`, `health` and `api`: the broker as a whole."""

import json
from typing import Any

import click

from mgmt_ui.cli.base import Command, with_session
from mgmt_ui.cli.exits import UNHEALTHY, USAGE, Failure
from mgmt_ui.cli.session import Session
from mgmt_ui.cli.values import pairs

CHECKS = (
    "alarms",
    "local-alarms",
    "virtual-hosts",
    "protocol-listener/amqp",
    "node-is-quorum-critical",
)


@click.command(cls=Command)
@with_session
def status(session: Session) -> None:
    """Say who answers, how much there is of everything, and what is wrong."""
    overview = session.api.get("/overview")
    totals, queues = overview["object_totals"], overview["queue_totals"]
    _, alarms = session.api.call("GET", "/health/checks/alarms", accept=(503,))
    found = [alarm["resource"] for alarm in alarms.get("alarms", [])]
    session.out.item(
        {
            "node": overview.get("node", overview["cluster_name"]),
            "product": f"{overview['product_name']} {overview['product_version']}",
            "compatible with": f"RabbitMQ {overview['rabbitmq_version']}",
            "alarms": found or ("none" if session.out.format in ("table", "wide") else []),
            "listeners": [
                f"{each['protocol']} {_host(each['ip_address'])}:{each['port']}"
                for each in overview.get("listeners", [])
            ],
            **{name: totals[name] for name in ("connections", "channels", "consumers")},
            **{name: totals[name] for name in ("exchanges", "queues")},
            "messages ready": queues.get("messages_ready", 0),
            "messages unacknowledged": queues.get("messages_unacknowledged", 0),
        }
    )


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address else address


@click.command(cls=Command)
@with_session
@click.option("--check", "checks", multiple=True, metavar="NAME", help="Only this; see the API.")
def health(session: Session, checks: tuple[str, ...]) -> None:
    """Check the broker's health; ends with 1 where something is wrong."""
    rows = []
    for check in checks or CHECKS:
        code, answer = session.api.call("GET", f"/health/checks/{check}", accept=(503,))
        reason = answer.get("reason", "") if code == 503 else ""
        rows.append({"check": check, "status": "ok" if code == 200 else "failed", "reason": reason})
    session.show(rows, ("check", "status", "reason"))
    if any(row["status"] != "ok" for row in rows):
        raise click.exceptions.Exit(UNHEALTHY)


@click.command(cls=Command)
@with_session
@click.argument("method", type=click.Choice(["GET", "PUT", "POST", "DELETE"], case_sensitive=False))
@click.argument("where", metavar="PATH")
@click.option("--query", "words", multiple=True, metavar="KEY=VALUE")
@click.option("--body", metavar="JSON")
def api(
    session: Session, method: str, where: str, words: tuple[str, ...], body: str | None
) -> None:
    """Call the API as it is: `brokerctl api GET /queues --query page=1`."""
    if not where.startswith("/"):
        raise Failure("a path begins with /, such as /queues", USAGE)
    query = {key: str(each) for key, each in pairs(words).items()}
    try:
        document: Any = None if body is None else json.loads(body)
    except ValueError as error:
        raise Failure(f"--body is no JSON: {error}", USAGE) from None
    where = where.removeprefix("/api")
    _, answer = session.api.call(method.upper(), where, document, query=query)
    if answer is not None:
        click.echo(json.dumps(answer, indent=1, ensure_ascii=False))
