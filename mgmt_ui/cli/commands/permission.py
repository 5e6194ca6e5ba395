"""`brokerctl permission`."""

import click

from mgmt_ui.cli.base import group, with_session
from mgmt_ui.cli.completing import EXCHANGES, USERS
from mgmt_ui.cli.session import Session
from mgmt_ui.cli.values import path

COLUMNS = ("user", "vhost", "configure", "write", "read")
TOPICS = ("user", "vhost", "exchange", "write", "read")


@group("permission")
def permission() -> None:
    """Permissions: list, set, clear, and those of topics."""


@permission.command("list")
@with_session
@click.option("--of-user", metavar="NAME")
def index(session: Session, of_user: str | None) -> None:
    """List permissions: of all users in all virtual hosts, or of one user."""
    session.fetch(path("users", of_user, "permissions") if of_user else "/permissions", COLUMNS)


@permission.command("set")
@with_session
@click.argument("name", shell_complete=USERS)
@click.argument("configure", default=".*")
@click.argument("write", default=".*")
@click.argument("read", default=".*")
def set_(session: Session, name: str, configure: str, write: str, read: str) -> None:
    """Let a user configure, write and read what these patterns match; everything by default."""
    body = {"configure": configure, "write": write, "read": read}
    session.change("PUT", session.below("permissions", name), body)


@permission.command()
@with_session
@click.argument("name", shell_complete=USERS)
@click.option("--if-exists", is_flag=True, help="It is fine when there is none.")
def clear(session: Session, name: str, if_exists: bool) -> None:
    """Keep a user out of the virtual host."""
    session.confirm(f"Keep user '{name}' out of vhost '{session.vhost}'?")
    session.delete(session.below("permissions", name), missing_ok=if_exists)


@permission.command("topic-list")
@with_session
def topics(session: Session) -> None:
    """List topic permissions."""
    session.fetch("/topic-permissions", TOPICS)


@permission.command("topic-set")
@with_session
@click.argument("name", shell_complete=USERS)
@click.argument("exchange", shell_complete=EXCHANGES)
@click.argument("write", default=".*")
@click.argument("read", default=".*")
def topic_set(session: Session, name: str, exchange: str, write: str, read: str) -> None:
    """Let a user write and read these routing keys of a topic exchange."""
    body = {"exchange": exchange, "write": write, "read": read}
    session.change("PUT", session.below("topic-permissions", name), body)


@permission.command("topic-clear")
@with_session
@click.argument("name", shell_complete=USERS)
@click.argument("exchange", required=False, shell_complete=EXCHANGES)
def topic_clear(session: Session, name: str, exchange: str | None) -> None:
    """Forget a user's topic permissions, of one exchange or of all."""
    session.confirm(f"Forget topic permissions of user '{name}' in vhost '{session.vhost}'?")
    more = (exchange,) if exchange else ()
    session.delete(session.below("topic-permissions", name, *more))
