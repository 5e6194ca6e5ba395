"""`brokerctl binding`."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from mgmt_ui.cli.base import group, with_session
from mgmt_ui.cli.commands.queue import BINDINGS
from mgmt_ui.cli.completing import EXCHANGES, QUEUES
from mgmt_ui.cli.exits import Failure
from mgmt_ui.cli.session import Session
from mgmt_ui.cli.values import pairs

F = TypeVar("F", bound=Callable[..., Any])
TYPES = click.Choice(["queue", "exchange"])


@group("binding")
def binding() -> None:
    """Bindings: list, create, delete."""


def _names_one(function: F) -> F:
    """The parameters that tell one binding from all others."""
    parameters = (
        click.argument("source", shell_complete=EXCHANGES),
        click.argument("destination", shell_complete=QUEUES),
        click.option("--type", "kind", type=TYPES, default="queue", show_default=True),
        click.option("-k", "--key", default="", metavar="KEY", help="Routing key."),
        click.option("--arg", "words", multiple=True, metavar="KEY=VALUE"),
    )
    for parameter in reversed(parameters):
        function = parameter(function)
    return function


def _path(session: Session, source: str, kind: str, destination: str, *more: str) -> str:
    return session.below("bindings", "e", source, kind[0], destination, *more)


@binding.command("list")
@with_session
@click.option("--source", metavar="EXCHANGE")
@click.option("--destination", metavar="NAME")
def index(session: Session, source: str | None, destination: str | None) -> None:
    """List the bindings of a virtual host."""
    rows = session.api.get(session.below("bindings"))
    wanted = {"source": source, "destination": destination}
    kept = [r for r in rows if all(v is None or r[k] == v for k, v in wanted.items())]
    session.show(kept, BINDINGS)


@binding.command()
@with_session
@_names_one
def create(
    session: Session, source: str, destination: str, kind: str, key: str, words: tuple[str, ...]
) -> None:
    """Bind a queue or an exchange to the exchange SOURCE."""
    body = {"routing_key": key, "arguments": pairs(words)}
    session.change("POST", _path(session, source, kind, destination), body, done="bound")


@binding.command()
@with_session
@_names_one
def delete(
    session: Session, source: str, destination: str, kind: str, key: str, words: tuple[str, ...]
) -> None:
    """Undo a binding with this key and these arguments."""
    given = pairs(words)
    for row in session.api.get(_path(session, source, kind, destination)):
        if row["routing_key"] == key and row["arguments"] == given:
            session.confirm(f"Unbind '{destination}' from '{source}'?")
            session.delete(_path(session, source, kind, destination, row["properties_key"]))
            return
    raise Failure(f"no binding of '{destination}' to '{source}' with key '{key}'")
