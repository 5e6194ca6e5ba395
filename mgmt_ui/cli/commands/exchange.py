"""`brokerctl exchange`."""

from typing import Any

import click

from mgmt_ui.cli.base import group, with_session
from mgmt_ui.cli.commands.queue import BINDINGS
from mgmt_ui.cli.session import Session
from mgmt_ui.cli.values import arguments

COLUMNS = ("name", "type", "durable", "auto_delete", "internal", "policy")


@group("exchange")
def exchange() -> None:
    """Exchanges: list, show, declare, delete."""


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
@click.argument("name")
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
@click.argument("names", nargs=-1, required=True)
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
@click.argument("name")
@click.option("--destination", is_flag=True, help="What leads to it, not what leaves it.")
def bindings(session: Session, name: str, destination: bool) -> None:
    """List the bindings of an exchange."""
    end = "destination" if destination else "source"
    session.fetch(_path(session, name, "bindings", end), BINDINGS)
