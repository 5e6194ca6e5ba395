"""`brokerctl queue`."""

import re
from typing import Any

import click

from mgmt_ui.cli.base import group, with_session
from mgmt_ui.cli.completing import QUEUES
from mgmt_ui.cli.exits import USAGE, Failure
from mgmt_ui.cli.output import Row
from mgmt_ui.cli.session import Session
from mgmt_ui.cli.values import arguments

COLUMNS = (
    "name",
    "type",
    "state",
    "messages",
    "messages_ready",
    "messages_unacknowledged",
    "consumers",
    "policy",
)
BINDINGS = ("source", "destination", "destination_type", "routing_key", "arguments")


@group("queue")
def queue() -> None:
    """Queues: list, show, declare, purge, pause, resume, delete."""


@queue.command("list")
@with_session
@click.option("--all-vhosts", is_flag=True, help="Those of all virtual hosts.")
def index(session: Session, all_vhosts: bool) -> None:
    """List the queues of a virtual host."""
    where = "/queues" if all_vhosts else session.below("queues")
    session.fetch(where, (("vhost",) if all_vhosts else ()) + COLUMNS)


@queue.command()
@with_session
@click.argument("name", shell_complete=QUEUES)
def show(session: Session, name: str) -> None:
    """Show all that is known of a queue."""
    session.out.item(session.api.get(session.below("queues", name)))


@queue.command()
@with_session
@click.argument("name")
@click.option("--type", "kind", type=click.Choice(["classic", "quorum", "stream"]))
@click.option("--transient", is_flag=True, help="Gone with the next stop.")
@click.option("--auto-delete", is_flag=True, help="Gone with its last consumer.")
@click.option("--ttl", type=int, metavar="MS", help="How long messages live.")
@click.option("--expires", type=int, metavar="MS", help="How long it lives unused.")
@click.option("--max-length", type=int, metavar="N")
@click.option("--max-bytes", type=int, metavar="N")
@click.option(
    "--overflow", type=click.Choice(["drop-head", "reject-publish", "reject-publish-dlx"])
)
@click.option("--dlx", metavar="EXCHANGE", help="Where dead letters go.")
@click.option("--dlk", metavar="KEY", help="The routing key they get.")
@click.option("--max-priority", type=int, metavar="N")
@click.option("--delivery-limit", type=int, metavar="N")
@click.option("--single-active-consumer", is_flag=True)
@click.option("--arg", "words", multiple=True, metavar="KEY=VALUE", help="Any other argument.")
def declare(session: Session, name: str, **given: Any) -> None:
    """Declare a queue, durable unless it is to be transient."""
    named = {
        "x-queue-type": given["kind"],
        "x-message-ttl": given["ttl"],
        "x-expires": given["expires"],
        "x-max-length": given["max_length"],
        "x-max-length-bytes": given["max_bytes"],
        "x-overflow": given["overflow"],
        "x-dead-letter-exchange": given["dlx"],
        "x-dead-letter-routing-key": given["dlk"],
        "x-max-priority": given["max_priority"],
        "x-delivery-limit": given["delivery_limit"],
        "x-single-active-consumer": given["single_active_consumer"] or None,
    }
    body = {
        "durable": not given["transient"],
        "auto_delete": given["auto_delete"],
        "arguments": arguments(named, given["words"]),
    }
    status, _ = session.api.call("PUT", session.below("queues", name), body)
    session.out.note("created" if status == 201 else "unchanged")


@queue.command()
@with_session
@click.argument("names", nargs=-1, shell_complete=QUEUES)
@click.option("--match", metavar="REGEX", help="All whose names this fits.")
@click.option("--if-empty", is_flag=True)
@click.option("--if-unused", is_flag=True)
@click.option("--if-exists", is_flag=True, help="It is fine when there is none.")
def delete(
    session: Session, names: tuple[str, ...], match: str | None, if_exists: bool, **given: bool
) -> None:
    """Delete queues with all their messages."""
    if not names and match is None:
        raise Failure("say which queues: NAMES, or --match REGEX", USAGE)
    found = _found(session, names, if_exists=if_exists) + _matching(session, match)
    if not found:
        session.out.note("not found")
        return
    count = sum(row.get("messages", 0) for row in found)
    one = f"queue '{found[0]['name']}'"
    session.confirm(f"Delete {one if len(found) == 1 else _told(found)} with {count} messages?")
    query = {key.replace("_", "-"): "true" for key, asked in given.items() if asked}
    for row in session.progress(found, "Deleting"):
        session.delete(session.below("queues", row["name"]), missing_ok=if_exists, **query)


def _found(session: Session, names: tuple[str, ...], *, if_exists: bool) -> list[Row]:
    rows = {name: session.api.find(session.below("queues", name)) for name in names}
    for name, row in rows.items():
        if row is None and not if_exists:
            raise Failure(f"no queue '{name}' in vhost '{session.vhost}'")
    return [row for row in rows.values() if row is not None]


def _matching(session: Session, pattern: str | None) -> list[Row]:
    if pattern is None:
        return []
    try:
        fits = re.compile(pattern).search
    except re.error as error:
        raise Failure(f"--match is no regular expression: {error}", USAGE) from None
    rows = session.api.get(session.below("queues"), columns="name,messages")
    return [row for row in rows if fits(row["name"])]


def _told(found: list[Row]) -> str:
    names = ", ".join(row["name"] for row in found[:3])
    return f"{len(found)} queues ({names}{' ...' if len(found) > 3 else ''})"


@queue.command()
@with_session
@click.argument("name", shell_complete=QUEUES)
def purge(session: Session, name: str) -> None:
    """Drop all messages that are ready."""
    count = session.api.get(session.below("queues", name)).get("messages_ready", 0)
    session.confirm(f"Drop {count} messages of queue '{name}'?")
    session.api.call("DELETE", session.below("queues", name, "contents"))
    session.out.note(f"purged {count}")


@queue.command()
@with_session
@click.argument("name", shell_complete=QUEUES)
def bindings(session: Session, name: str) -> None:
    """List what leads to a queue."""
    session.fetch(session.below("queues", name, "bindings"), BINDINGS)


@queue.command()
@with_session
@click.argument("name", shell_complete=QUEUES)
def consumers(session: Session, name: str) -> None:
    """List who consumes from a queue."""
    details = session.api.get(session.below("queues", name))["consumer_details"]
    columns = ("consumer_tag", "channel_details.name", "ack_required", "prefetch_count", "active")
    session.show(details, columns)


@queue.command()
@with_session
@click.argument("names", nargs=-1, required=True, shell_complete=QUEUES)
def pause(session: Session, names: tuple[str, ...]) -> None:
    """Stop deliveries from queues; they still take messages, and stay paused over a restart."""
    for name in names:
        session.api.call("PUT", session.below("queues", name, "pause"))
        session.out.note("paused")


@queue.command()
@with_session
@click.argument("names", nargs=-1, required=True, shell_complete=QUEUES)
def resume(session: Session, names: tuple[str, ...]) -> None:
    """Let queues deliver again."""
    for name in names:
        session.api.call("PUT", session.below("queues", name, "resume"))
        session.out.note("resumed")
