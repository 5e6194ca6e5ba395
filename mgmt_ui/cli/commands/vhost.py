"""`brokerctl vhost` and `limit`."""

import click

from mgmt_ui.cli.base import group, with_session
from mgmt_ui.cli.completing import VHOSTS
from mgmt_ui.cli.exits import USAGE, Failure
from mgmt_ui.cli.session import Session
from mgmt_ui.cli.values import pairs, path

COLUMNS = ("name", "description", "tags", "default_queue_type", "messages")
LIMITS = ("max-connections", "max-queues", "max-stored-bytes", "max-publish-rate")
TYPES = click.Choice(["classic", "quorum", "stream"])


@group("vhost")
def vhost() -> None:
    """Virtual hosts: list, show, add, update, protect, unprotect, restart, delete."""


@vhost.command("list")
@with_session
def index(session: Session) -> None:
    """List the virtual hosts."""
    session.fetch("/vhosts", COLUMNS)


@vhost.command()
@with_session
@click.argument("name", shell_complete=VHOSTS)
def show(session: Session, name: str) -> None:
    """Show all that is known of a virtual host."""
    session.out.item(session.api.get(path("vhosts", name)))


def _described(function: click.decorators.FC) -> click.decorators.FC:
    function = click.option("--default-queue-type", type=TYPES)(function)
    function = click.option("--tags", metavar="A,B")(function)
    return click.option("--description", metavar="TEXT")(function)


@vhost.command()
@with_session
@click.argument("name")
@_described
def add(session: Session, name: str, **given: str | None) -> None:
    """Add a virtual host; whoever adds it may do everything in it."""
    if session.api.find(path("vhosts", name)) is not None:
        raise Failure(f"vhost '{name}' exists; see update")
    session.change("PUT", path("vhosts", name), {k: v for k, v in given.items() if v is not None})


@vhost.command()
@with_session
@click.argument("name", shell_complete=VHOSTS)
@_described
def update(session: Session, name: str, **given: str | None) -> None:
    """Change what is said of a virtual host; what is not named stays."""
    found = session.api.get(path("vhosts", name))
    kept = {key: found[key] for key in given if found.get(key)}
    body = kept | {key: value for key, value in given.items() if value is not None}
    session.change("PUT", path("vhosts", name), body, done="updated")


@vhost.command()
@with_session
@click.argument("name", shell_complete=VHOSTS)
@click.option("--if-exists", is_flag=True, help="It is fine when there is none.")
def delete(session: Session, name: str, if_exists: bool) -> None:
    """Delete a virtual host with all that is in it."""
    found = session.api.find(path("vhosts", name))
    if found is None:
        if not if_exists:
            raise Failure(f"no vhost '{name}'")
        session.out.note("not found")
        return
    count = found.get("messages", 0)
    session.confirm(f"Delete vhost '{name}' with its queues and {count} messages?")
    session.delete(path("vhosts", name), missing_ok=if_exists)


@vhost.command()
@with_session
@click.argument("name", shell_complete=VHOSTS)
def protect(session: Session, name: str) -> None:
    """Refuse to delete a virtual host, until it is unprotected."""
    session.change("POST", path("vhosts", name, "deletion", "protection"), done="protected")


@vhost.command()
@with_session
@click.argument("name", shell_complete=VHOSTS)
def unprotect(session: Session, name: str) -> None:
    """Let a virtual host be deleted again."""
    session.change("DELETE", path("vhosts", name, "deletion", "protection"), done="unprotected")


@vhost.command()
@with_session
@click.argument("name", shell_complete=VHOSTS)
def restart(session: Session, name: str) -> None:
    """Bring up a virtual host that is down."""
    node = session.api.get("/overview")["node"]
    session.change("POST", path("vhosts", name, "start", node), {}, done="running")


@group("limit")
def limit() -> None:
    """Limits of the virtual host: list, set, clear."""


@limit.command("list")
@with_session
def limits(session: Session) -> None:
    """List the limits of all virtual hosts."""
    session.fetch("/vhost-limits", ("vhost", *(f"value.{name}" for name in LIMITS)))


@limit.command("set")
@with_session
@click.argument("words", nargs=-1, required=True, metavar="NAME=NUMBER...")
def set_(session: Session, words: tuple[str, ...]) -> None:
    """Limit it; negative for no limit.

    max-connections, max-queues, max-stored-bytes, max-publish-rate (messages a second).
    """
    wanted = pairs(words)
    if unknown := [name for name in wanted if name not in LIMITS]:
        raise Failure(f"no limit '{unknown[0]}': {', '.join(LIMITS)}", USAGE)
    for name, number in wanted.items():
        session.api.call("PUT", session.below("vhost-limits", name), {"value": number})
    session.out.note("updated")


@limit.command()
@with_session
@click.argument("names", nargs=-1, required=True)
def clear(session: Session, names: tuple[str, ...]) -> None:
    """Take limits away."""
    for name in names:
        session.api.call("DELETE", session.below("vhost-limits", name))
    session.out.note("updated")
