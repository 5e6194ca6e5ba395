"""`brokerctl option` and `alarm`: what an operator changes in a running broker."""

import click

from mgmt_ui.cli.base import group, with_session
from mgmt_ui.cli.completing import OPTIONS
from mgmt_ui.cli.exits import USAGE, Failure
from mgmt_ui.cli.session import Session
from mgmt_ui.cli.values import path

COLUMNS = ("name", "value", "default", "live")
ALARMS = ("node", "resource", "by_hand")


@group("option")
def option() -> None:
    """Options of the running broker: list, get, set."""


@option.command("list")
@with_session
@click.option("--live", is_flag=True, help="Only those that can be set.")
def index(session: Session, live: bool) -> None:
    """List all options, with what they are and would be by default."""
    rows = session.api.get("/options")
    session.show([row for row in rows if row["live"] or not live], COLUMNS)


@option.command()
@with_session
@click.argument("name", shell_complete=OPTIONS)
def get(session: Session, name: str) -> None:
    """Show an option: its value, its default, what it means."""
    session.out.item(_existing(session, name))


@option.command("set")
@with_session
@click.argument("words", nargs=-1, required=True, metavar="NAME=VALUE...")
def set_(session: Session, words: tuple[str, ...]) -> None:
    """Set options: memory_high_watermark=0.5 log_level=debug.

    They hold at once, until the broker starts again or reads its configuration file.
    """
    # Values are texts as in the configuration file: the broker knows what they should be.
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise Failure(f"'{word}' must look like NAME=VALUE", USAGE)
        _existing(session, name)
        session.api.call("PUT", path("options", name), {"value": value})
    session.out.note("updated")


def _existing(session: Session, name: str) -> dict[str, object]:
    found: dict[str, object] | None = session.api.find(path("options", name))
    if found is None:
        raise Failure(f"no option '{name}'; see brokerctl option list")
    return found


@group("alarm")
def alarm() -> None:
    """Alarms, which hold up publishers: list, set, clear."""


@alarm.command("list")
@with_session
def alarms(session: Session) -> None:
    """List the alarms in effect."""
    rows = session.api.find("/alarms")
    if rows is None:  # RabbitMQ
        _, answer = session.api.call("GET", "/health/checks/alarms", accept=(503,))
        rows = answer.get("alarms", [])
    session.show(rows, ALARMS)


@alarm.command("set")
@with_session
@click.argument("resource")
def set_alarm(session: Session, resource: str) -> None:
    """Hold up all publishers, as if memory or disk were low, until it is cleared."""
    session.confirm(f"Hold up all publishers with an alarm for {resource}?")
    session.change("PUT", path("alarms", resource), {})


@alarm.command()
@with_session
@click.argument("resource")
def clear(session: Session, resource: str) -> None:
    """Clear an alarm that was set by hand; one that is measured stays on."""
    status, _ = session.api.call("DELETE", path("alarms", resource), accept=(404,))
    if status == 404:
        raise Failure(f"no alarm for '{resource}' is set by hand")
    session.out.note("cleared")
