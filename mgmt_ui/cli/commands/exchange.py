"""`brokerctl exchange`."""

from collections.abc import Iterator
from typing import Any

import click

from mgmt_ui.cli.base import group, with_session
from mgmt_ui.cli.commands.queue import BINDINGS
from mgmt_ui.cli.completing import EXCHANGES
from mgmt_ui.cli.exits import USAGE, Failure
from mgmt_ui.cli.session import Session
from mgmt_ui.cli.values import arguments, pairs

ROUTE = ("exchange", "type", "by", "keys", "to", "to_type")
DELAYED = ("id", "due_in", "exchange", "routing_key", "payload_bytes", "payload")
COLUMNS = ("name", "type", "durable", "auto_delete", "internal", "policy")


@group("exchange")
def exchange() -> None:
    """Exchanges: list, show, declare, delete, bindings, route, delayed, cancel-delayed."""


def _path(session: Session, name: str, *more: str) -> str:
    return session.below("exchanges", name or "amq.default", *more)


@exchange.command("list")
@with_session
@click.option("--all-vhosts", is_flag=True, help="Those of all virtual hosts.")
def index(session: Session, all_vhosts: bool) -> None:
    """List the exchanges of a virtual host."""
    where = "/exchanges" if all_vhosts else session.below("exchanges")
    session.fetch(where, (("vhost",) if all_vhosts else ()) + COLUMNS)


@exchange.command()
@with_session
@click.argument("name", shell_complete=EXCHANGES)
def show(session: Session, name: str) -> None:
    """Show all that is known of an exchange."""
    session.out.item(session.api.get(_path(session, name)))


@exchange.command()
@with_session
@click.argument("name")
@click.option("--type", "kind", default="direct", show_default=True, metavar="TYPE")
@click.option("--durable/--transient", default=True, help="Durable unless it says otherwise.")
@click.option("--auto-delete", is_flag=True, help="Gone with its last binding.")
@click.option("--internal", is_flag=True, help="Only other exchanges publish to it.")
@click.option("--alternate-exchange", metavar="NAME", help="For what finds no queue.")
@click.option("--arg", "words", multiple=True, metavar="KEY=VALUE", help="Any other argument.")
def declare(session: Session, name: str, **given: Any) -> None:
    """Declare an exchange."""
    named = {"alternate-exchange": given["alternate_exchange"]}
    body = {
        "type": given["kind"],
        "durable": given["durable"],
        "auto_delete": given["auto_delete"],
        "internal": given["internal"],
        "arguments": arguments(named, given["words"]),
    }
    status, _ = session.api.call("PUT", _path(session, name), body)
    session.out.note("created" if status == 201 else "unchanged")


@exchange.command()
@with_session
@click.argument("names", nargs=-1, required=True, shell_complete=EXCHANGES)
@click.option("--if-unused", is_flag=True)
@click.option("--if-exists", is_flag=True, help="It is fine when there is none.")
def delete(session: Session, names: tuple[str, ...], if_unused: bool, if_exists: bool) -> None:
    """Delete exchanges with all their bindings."""
    session.confirm(f"Delete {', '.join(names)}?")
    for name in names:
        query = {"if-unused": "true"} if if_unused else {}
        session.delete(_path(session, name), missing_ok=if_exists, **query)


@exchange.command()
@with_session
@click.argument("name", shell_complete=EXCHANGES)
@click.option("--destination", is_flag=True, help="What leads to it, not what leaves it.")
def bindings(session: Session, name: str, destination: bool) -> None:
    """List the bindings of an exchange."""
    end = "destination" if destination else "source"
    session.fetch(_path(session, name, "bindings", end), BINDINGS)


@exchange.command()
@with_session
@click.argument("name", shell_complete=EXCHANGES)
@click.option("-k", "--key", default="", metavar="KEY", help="Routing key.")
@click.option("--header", "headers", multiple=True, metavar="KEY=VALUE")
def route(session: Session, name: str, key: str, headers: tuple[str, ...]) -> None:
    """Show where a message would go, and by which exchanges; nothing is published."""
    body = {"routing_key": key, "headers": pairs(headers)}
    _, answer = session.api.call("POST", _path(session, name, "route"), body)
    if answer is None:
        return  # --dry-run has shown the request
    if session.out.format in ("json", "jsonl"):
        session.out.item(answer)
    else:
        session.show([row for step in answer["path"] for row in _steps(step)], ROUTE)
    if not answer["routed"]:
        raise Failure("it would reach no queue", error="unroutable")


def _steps(step: dict[str, Any]) -> Iterator[dict[str, Any]]:
    by = "alternate exchange" if step["alternate"] else "binding"
    for each in step["destinations"]:
        keys = [binding["routing_key"] for binding in each["bindings"] or ()]
        yield {"exchange": step["exchange"] or "amq.default", "type": step["type"], "by": by} | {
            "keys": keys,
            "to": each["destination"],
            "to_type": each["destination_type"],
        }


@exchange.command()
@with_session
@click.argument("name", shell_complete=EXCHANGES)
@click.option("-n", "--count", type=click.IntRange(1, 1000), default=100, show_default=True)
def delayed(session: Session, name: str, count: int) -> None:
    """List the messages that wait in an x-delayed-message exchange, the next first."""
    session.fetch(_path(session, name, "delayed"), DELAYED, count=str(count))


@exchange.command("cancel-delayed")
@with_session
@click.argument("name", shell_complete=EXCHANGES)
@click.argument("ids", nargs=-1)
@click.option("--message-id", metavar="ID", help="Those with this message id.")
@click.option("--routing-key", metavar="KEY", help="Those with this routing key.")
@click.option("--all", "everything", is_flag=True, help="All that wait.")
def cancel_delayed(
    session: Session, name: str, ids: tuple[str, ...], everything: bool, **given: Any
) -> None:
    """Drop messages that wait in an x-delayed-message exchange, by id or by what they are."""
    wanted = {key: value for key, value in given.items() if value is not None}
    if bool(ids) + bool(wanted) + everything != 1:
        raise Failure("say which messages: IDs, --message-id, --routing-key, or --all", USAGE)
    if ids:
        session.confirm(f"Drop {len(ids)} delayed messages of exchange '{name}'?")
        for each in ids:
            session.delete(_path(session, name, "delayed", each))
        return
    where, body = _path(session, name, "delayed", "cancel"), {"filter": wanted}
    if not session.settings.flag("dry_run"):
        _, counted = session.api.call("POST", where, {**body, "dry_run": True})
        session.confirm(f"Drop {counted['matched']} delayed messages of exchange '{name}'?")
    _, answer = session.api.call("POST", where, body)
    if answer is not None:
        session.out.note(f"dropped {answer['cancelled']}")


@group("delayed")
def waiting() -> None:
    """Messages that an x-delayed-message exchange holds back: list, cancel."""


waiting.add_command(delayed, "list")
waiting.add_command(cancel_delayed, "cancel")
