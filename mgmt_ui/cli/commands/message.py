"""`brokerctl message`."""

import base64
import sys
from pathlib import Path
from typing import Any

import click

from mgmt_ui.cli.base import group, with_session
from mgmt_ui.cli.commands.message_work import WORK
from mgmt_ui.cli.completing import EXCHANGES, QUEUES
from mgmt_ui.cli.exits import Failure
from mgmt_ui.cli.session import Session
from mgmt_ui.cli.values import pairs

PROPERTIES = (
    "content_type",
    "content_encoding",
    "correlation_id",
    "reply_to",
    "expiration",
    "message_id",
    "type",
    "app_id",
    "priority",
)
MODES = {
    "requeue": "ack_requeue_true",
    "ack": "ack_requeue_false",
    "reject": "reject_requeue_false",
}
COLUMNS = ("routing_key", "exchange", "redelivered", "payload_bytes", "payload")


@group("message")
def message() -> None:
    """Messages: publish, get, peek, search, move, delete, redrive."""


for work in WORK:
    message.add_command(work)


@message.command()
@with_session
@click.option(
    "-x",
    "--exchange",
    default="",
    metavar="NAME",
    help="Default: the default exchange.",
    shell_complete=EXCHANGES,
)
@click.option("-k", "--key", default="", metavar="KEY", help="Routing key: the queue, by default.")
@click.option("--body", metavar="TEXT", help="Default: standard input.")
@click.option("--file", "source", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--count", type=click.IntRange(1), default=1, help="Publish it so often.")
@click.option("--transient", is_flag=True, help="Not kept over a restart.")
@click.option("--header", "headers", multiple=True, metavar="KEY=VALUE")
@click.option("--content-type", metavar="TYPE")
@click.option("--content-encoding", metavar="NAME")
@click.option("--correlation-id", metavar="ID")
@click.option("--reply-to", metavar="QUEUE")
@click.option("--expiration", metavar="MS")
@click.option("--message-id", metavar="ID")
@click.option("--type", metavar="TYPE")
@click.option("--app-id", metavar="ID")
@click.option("--priority", type=click.IntRange(0, 255))
def publish(session: Session, exchange: str, key: str, count: int, **given: Any) -> None:
    """Publish a message; ends with 65 where it reaches no queue."""
    body = {
        "routing_key": key,
        "properties": _properties(given),
        "payload": base64.b64encode(_payload(given)).decode(),
        "payload_encoding": "base64",
    }
    where = session.below("exchanges", exchange or "amq.default", "publish")
    for _ in session.progress(range(count), "Publishing"):
        _, answer = session.api.call("POST", where, body)
        if answer is not None and not answer["routed"]:
            raise Failure(_lost(exchange, key), error="unroutable")
    session.out.note("published" if count == 1 else f"published {count}")


def _lost(exchange: str, key: str) -> str:
    if exchange in ("", "amq.default"):
        return f"no queue '{key}'; -x names an exchange, -k a routing key"
    return f"no queue is bound to '{exchange}' with key '{key}'"


def _payload(given: dict[str, Any]) -> bytes:
    if given["body"] is not None:
        text: str = given["body"]
        return text.encode("utf-8", "surrogateescape")
    if given["source"] is not None:
        source: Path = given["source"]
        return source.read_bytes()
    return sys.stdin.buffer.read()


def _properties(given: dict[str, Any]) -> dict[str, Any]:
    found = {name: given[name] for name in PROPERTIES if given[name] is not None}
    if given["headers"]:
        found["headers"] = pairs(given["headers"])
    return {"delivery_mode": 1 if given["transient"] else 2, **found}


@message.command()
@with_session
@click.argument("queue", shell_complete=QUEUES)
@click.option("-n", "--count", type=click.IntRange(1), default=1)
@click.option("--ack", type=click.Choice(list(MODES)), default="requeue", show_default=True)
@click.option("--truncate", type=int, metavar="BYTES", help="Show so much of each.")
def get(session: Session, queue: str, count: int, ack: str, truncate: int | None) -> None:
    """Take messages from the head of a queue, and put them back unless told otherwise."""
    if ack != "requeue":
        session.confirm(f"Remove up to {count} messages from queue '{queue}'?")
    body = {"count": count, "ackmode": MODES[ack], "encoding": "auto"}
    if truncate is not None:
        body["truncate"] = truncate
    _, found = session.api.call("POST", session.below("queues", queue, "get"), body)
    session.show(found or [], COLUMNS, plain="payload")
