"""`brokerctl user`."""

import sys
from typing import Any

import click

from mgmt_ui.cli.base import group, with_session
from mgmt_ui.cli.commands.queue import COLUMNS as QUEUE_COLUMNS
from mgmt_ui.cli.completing import USERS
from mgmt_ui.cli.exits import NO_USER, USAGE, Failure
from mgmt_ui.cli.session import Session
from mgmt_ui.cli.settings import first_line
from mgmt_ui.cli.values import pairs, path

LIMITS = ("max-connections", "max-channels")


@group("user")
def user() -> None:
    """Users: list, show, queues, add, set-password, set-tags, limits, set-limits, delete."""


@user.command("list")
@with_session
def index(session: Session) -> None:
    """List all users."""
    session.fetch("/users", ("name", "tags"))


@user.command()
@with_session
@click.argument("name", shell_complete=USERS)
def show(session: Session, name: str) -> None:
    """Show a user and what it may do."""
    shown = _existing(session, name)
    shown["permissions"] = session.api.get(path("users", name, "permissions"))
    session.out.item(shown)


@user.command()
@with_session
@click.argument("name", shell_complete=USERS)
def queues(session: Session, name: str) -> None:
    """List the queues that a user declared, of a user who is gone, too."""
    session.fetch(path("users", name, "queues"), ("vhost", *QUEUE_COLUMNS))


def _new_password(function: click.decorators.FC) -> click.decorators.FC:
    function = click.option(
        "--new-password-file", "file", metavar="FILE", help="Its first line; - is standard input."
    )(function)
    return click.option(
        "--new-password", "secret", metavar="PASSWORD", help="It is asked where absent."
    )(function)


@user.command()
@with_session
@click.argument("name")
@_new_password
@click.option("--password-hash", metavar="HASH", help="As RabbitMQ keeps it.")
@click.option("--no-password", is_flag=True, help="Logs in by other means only.")
@click.option("--tags", default="", metavar="A,B", help="management, monitoring, administrator ...")
def add(session: Session, name: str, **given: Any) -> None:
    """Add a user."""
    if session.api.find(path("users", name)) is not None:
        raise Failure(f"user '{name}' exists; see set-password and set-tags")
    body: dict[str, Any] = {"tags": given["tags"]}
    if given["no_password"]:
        body["password_hash"] = ""
    elif given["password_hash"]:
        body["password_hash"] = given["password_hash"]
    else:
        body["password"] = _password(given["secret"], given["file"])
    session.change("PUT", path("users", name), body)


@user.command("set-password")
@with_session
@click.argument("name", shell_complete=USERS)
@_new_password
def set_password(session: Session, name: str, secret: str | None, file: str | None) -> None:
    """Give a user another password."""
    tags = _existing(session, name)["tags"]
    body = {"tags": tags, "password": _password(secret, file)}
    session.change("PUT", path("users", name), body, done="updated")


@user.command("set-tags")
@with_session
@click.argument("name", shell_complete=USERS)
@click.argument("tags", nargs=-1)
def set_tags(session: Session, name: str, tags: tuple[str, ...]) -> None:
    """Give a user these tags and no others."""
    found = _existing(session, name)
    body = {
        "tags": ",".join(tags),
        "password_hash": found["password_hash"],
        "hashing_algorithm": found["hashing_algorithm"],
    }
    session.change("PUT", path("users", name), body, done="updated")


@user.command()
@with_session
@click.argument("name", required=False, shell_complete=USERS)
def limits(session: Session, name: str | None) -> None:
    """List the limits of all users, or of one."""
    where = path("user-limits", name) if name else "/user-limits"
    session.fetch(where, ("user", *(f"value.{limit}" for limit in LIMITS)))


@user.command("set-limits")
@with_session
@click.argument("name", shell_complete=USERS)
@click.argument("limits", nargs=-1, required=True, metavar="NAME=NUMBER...")
def set_limits(session: Session, name: str, limits: tuple[str, ...]) -> None:
    """Limit a user: max-connections, max-channels; negative for no limit."""
    wanted = pairs(limits)
    if unknown := [limit for limit in wanted if limit not in LIMITS]:
        raise Failure(f"no limit '{unknown[0]}': {', '.join(LIMITS)}", USAGE)
    for limit, number in wanted.items():
        session.api.call("PUT", path("user-limits", name, limit), {"value": number})
    session.out.note("updated")


@user.command()
@with_session
@click.argument("names", nargs=-1, required=True, shell_complete=USERS)
@click.option("--if-exists", is_flag=True, help="It is fine when there is none.")
def delete(session: Session, names: tuple[str, ...], if_exists: bool) -> None:
    """Delete users and close their connections."""
    for name in () if if_exists else names:
        _existing(session, name)
    session.confirm(f"Delete user {', '.join(names)}?")
    for name in session.progress(names, "Deleting"):
        session.delete(path("users", name), missing_ok=if_exists)


def _existing(session: Session, name: str) -> dict[str, Any]:
    found: dict[str, Any] | None = session.api.find(path("users", name))
    if found is None:
        raise Failure(f"no user '{name}'", NO_USER)
    return found


def _password(given: str | None, file: str | None) -> str:
    if file is not None:
        given = first_line("/dev/stdin" if file == "-" else file)
    elif given is None:
        if not sys.stdin.isatty():
            raise Failure("say --new-password-file, --new-password or --no-password", USAGE)
        prompt: str = click.prompt(
            "New password", hide_input=True, confirmation_prompt=True, err=True
        )
        given = prompt
    if not given:
        raise Failure("a password must not be empty; see --no-password", USAGE)
    return given
