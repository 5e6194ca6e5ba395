"""`brokerctl parameter` and `global-parameter`."""

import click

from mgmt_ui.cli.base import group, with_session
from mgmt_ui.cli.session import Session
from mgmt_ui.cli.values import path, value

COLUMNS = ("component", "vhost", "name", "value")


@group("parameter")
def parameter() -> None:
    """Runtime parameters of a virtual host: list, show, set, delete."""


def _path(session: Session, component: str, name: str) -> str:
    return path("parameters", component, session.vhost, name)


@parameter.command("list")
@with_session
@click.argument("component", required=False)
def index(session: Session, component: str | None) -> None:
    """List those of all virtual hosts, or of a component."""
    session.fetch(path("parameters", component) if component else "/parameters", COLUMNS)


@parameter.command()
@with_session
@click.argument("component")
@click.argument("name")
def show(session: Session, component: str, name: str) -> None:
    """Show one."""
    session.out.item(session.api.get(_path(session, component, name)))


@parameter.command("set")
@with_session
@click.argument("component")
@click.argument("name")
@click.argument("text", metavar="JSON")
def set_(session: Session, component: str, name: str, text: str) -> None:
    """Set a parameter of a component."""
    session.change("PUT", _path(session, component, name), {"value": value(text)})


@parameter.command()
@with_session
@click.argument("component")
@click.argument("name")
@click.option("--if-exists", is_flag=True, help="It is fine when there is none.")
def delete(session: Session, component: str, name: str, if_exists: bool) -> None:
    """Delete a parameter."""
    session.confirm(f"Delete parameter '{name}' of '{component}'?")
    session.delete(_path(session, component, name), missing_ok=if_exists)


@group("global-parameter")
def global_parameter() -> None:
    """Parameters of the whole broker: list, show, set, delete."""


@global_parameter.command("list")
@with_session
def global_index(session: Session) -> None:
    """List them."""
    session.fetch("/global-parameters", ("name", "value"))


@global_parameter.command("show")
@with_session
@click.argument("name")
def global_show(session: Session, name: str) -> None:
    """Show one."""
    session.out.item(session.api.get(path("global-parameters", name)))


@global_parameter.command("set")
@with_session
@click.argument("name")
@click.argument("text", metavar="JSON")
def global_set(session: Session, name: str, text: str) -> None:
    """Set one."""
    session.change("PUT", path("global-parameters", name), {"value": value(text)})


@global_parameter.command("delete")
@with_session
@click.argument("name")
@click.option("--if-exists", is_flag=True, help="It is fine when there is none.")
def global_delete(session: Session, name: str, if_exists: bool) -> None:
    """Delete one."""
    session.confirm(f"Delete global parameter '{name}'?")
    session.delete(path("global-parameters", name), missing_ok=if_exists)
