"""`brokerctl policy` and `operator-policy`."""

from typing import Any

import click

from mgmt_ui.cli.base import Group, group, with_session
from mgmt_ui.cli.completing import named
from mgmt_ui.cli.exits import USAGE, Failure
from mgmt_ui.cli.session import Session
from mgmt_ui.cli.values import definition, pairs

COLUMNS = ("name", "pattern", "apply-to", "priority", "definition")
APPLY_TO = click.Choice(
    ["all", "queues", "classic_queues", "quorum_queues", "streams", "exchanges"]
)


def _noun(name: str, kind: str, doc: str) -> Group:
    # Both kinds of policies are handled alike, at paths of their own.
    def noun() -> None: ...

    noun.__doc__ = doc
    known = named(kind)
    made = group(name)(noun)

    @made.command("list")
    @with_session
    def index(session: Session) -> None:
        """List those of a virtual host."""
        session.fetch(session.below(kind), COLUMNS)

    @made.command()
    @with_session
    @click.argument("name", shell_complete=known)
    def show(session: Session, name: str) -> None:
        """Show one."""
        session.out.item(session.api.get(session.below(kind, name)))

    @made.command("set")
    @with_session
    @click.argument("name")
    @click.argument("pattern")
    @click.argument("words", nargs=-1, metavar="[KEY=VALUE...]")
    @click.option("--definition", "text", metavar="JSON", help="All keys at once.")
    @click.option("--apply-to", type=APPLY_TO, default="all", show_default=True)
    @click.option("--priority", type=int, default=0, show_default=True)
    def set_(session: Session, name: str, pattern: str, **given: Any) -> None:
        """Apply keys to all that PATTERN matches: max-length=1000 overflow=reject-publish."""
        keys = (definition(given["text"]) if given["text"] else {}) | pairs(given["words"])
        if not keys:
            raise Failure("give KEY=VALUE pairs or --definition", USAGE)
        body = {
            "pattern": pattern,
            "definition": keys,
            "apply-to": given["apply_to"],
            "priority": given["priority"],
        }
        session.change("PUT", session.below(kind, name), body)

    @made.command()
    @with_session
    @click.argument("name", shell_complete=known)
    @click.option("--if-exists", is_flag=True, help="It is fine when there is none.")
    def delete(session: Session, name: str, if_exists: bool) -> None:
        """Delete one; what came under it goes by its own arguments again."""
        session.confirm(f"Delete {kind.replace('-', ' ').replace('ies', 'y')} '{name}'?")
        session.delete(session.below(kind, name), missing_ok=if_exists)

    return made


policy = _noun("policy", "policies", "Policies: list, show, set, delete.")
operator_policy = _noun(
    "operator-policy", "operator-policies", "Operator policies: list, show, set, delete."
)
