"""`brokerctl connection`, `channel` and `consumer`."""

import click

from mgmt_ui.cli.base import group, with_session
from mgmt_ui.cli.completing import CHANNELS, CONNECTIONS, QUEUES
from mgmt_ui.cli.exits import Failure
from mgmt_ui.cli.session import Session
from mgmt_ui.cli.tables import short_name
from mgmt_ui.cli.values import path

CONNECTION_COLUMNS = ("name", "user", "vhost", "state", "channels", "user_provided_name")
CHANNEL_COLUMNS = (
    "name",
    "user",
    "state",
    "consumer_count",
    "prefetch_count",
    "messages_unacknowledged",
    "messages_unconfirmed",
)
CONSUMER_COLUMNS = (
    "queue.name",
    "consumer_tag",
    "channel_details.name",
    "ack_required",
    "prefetch_count",
    "active",
)


@group("connection")
def connection() -> None:
    """Connections: list, show, close."""


@connection.command("list")
@with_session
def connections(session: Session) -> None:
    """List the open connections of all virtual hosts."""
    session.fetch("/connections", CONNECTION_COLUMNS)


@connection.command()
@with_session
@click.argument("name", shell_complete=CONNECTIONS)
def show(session: Session, name: str) -> None:
    """Show all that is known of a connection."""
    session.out.item(session.api.get(path("connections", _whole(session, name))))


def _whole(session: Session, name: str) -> str:
    # HOST:PORT of the client will do, or the name that it gave itself: narrow tables show no more.
    if " -> " in name:
        return name
    rows = session.api.get("/connections", columns="name,user_provided_name")
    found = [
        row["name"]
        for row in rows
        if name in (short_name(row["name"]), row.get("user_provided_name"))
    ]
    if len(found) > 1:
        raise Failure(f"{len(found)} connections are called '{name}'; say the whole name")
    return found[0] if found else name


@connection.command()
@with_session
@click.argument("name", shell_complete=CONNECTIONS)
@click.option("--reason", metavar="TEXT", help="What its client is told.")
def close(session: Session, name: str, reason: str | None) -> None:
    """Close a connection: by its name, its client's HOST:PORT, or the name its client gave it."""
    whole = _whole(session, name)
    session.confirm(f"Close connection '{whole}'?")
    headers = {"X-Reason": reason} if reason else {}
    session.api.call("DELETE", path("connections", whole), headers=headers)
    session.out.note("closed")


@connection.command("close-all")
@with_session
@click.option("--of-user", metavar="NAME", help="Only those of this user.")
@click.option("--reason", metavar="TEXT", help="What their clients are told.")
def close_all(session: Session, of_user: str | None, reason: str | None) -> None:
    """Close connections, all of a virtual host with --vhost, all there are without."""
    vhost = session.settings.value("vhost")
    found = [
        row["name"]
        for row in session.api.get("/connections")
        if of_user in (None, row["user"]) and vhost in (None, row["vhost"])
    ]
    session.confirm(f"Close {len(found)} connections?")
    headers = {"X-Reason": reason} if reason else {}
    for name in session.progress(found, "Closing"):
        session.api.call("DELETE", path("connections", name), headers=headers, accept=(404,))
    session.out.note(f"closed {len(found)}")


@group("channel")
def channel() -> None:
    """Channels: list, show."""


@channel.command("list")
@with_session
def channels(session: Session) -> None:
    """List the open channels of all virtual hosts."""
    session.fetch("/channels", CHANNEL_COLUMNS)


@channel.command("show")
@with_session
@click.argument("name", shell_complete=CHANNELS)
def show_channel(session: Session, name: str) -> None:
    """Show all that is known of a channel: by its name, or its client's HOST:PORT (NUMBER)."""
    if " -> " not in name:
        rows = session.api.get("/channels", columns="name")
        name = next((row["name"] for row in rows if short_name(row["name"]) == name), name)
    session.out.item(session.api.get(path("channels", name)))


@group("consumer")
def consumer() -> None:
    """Consumers: list, cancel."""


@consumer.command("list")
@with_session
@click.argument("queue", required=False, shell_complete=QUEUES)
def consumers(session: Session, queue: str | None) -> None:
    """List the consumers of a virtual host, or of one queue."""
    rows = session.api.get(session.below("consumers"))
    session.show([r for r in rows if queue in (None, r["queue"]["name"])], CONSUMER_COLUMNS)


@consumer.command()
@with_session
@click.argument("queue", shell_complete=QUEUES)
@click.argument("tag")
def cancel(session: Session, queue: str, tag: str) -> None:
    """Cancel the consumers of a queue that have this tag; their clients are told."""
    found = [
        row["channel_details"]
        for row in session.api.get(session.below("consumers"))
        if (row["queue"]["name"], row["consumer_tag"]) == (queue, tag)
    ]
    if not found:
        raise Failure(f"no consumer '{tag}' of queue '{queue}'; see brokerctl consumer list")
    session.confirm(f"Cancel consumer '{tag}' of queue '{queue}'?")
    for channel in found:
        names = (channel["connection_name"], str(channel["number"]), tag)
        session.api.call("DELETE", session.below("consumers", *names))
    session.out.note(f"cancelled {len(found)}")
