"""Names that a shell can complete, asked from the broker: `brokerctl queue show ord<Tab>`.

Whatever goes wrong there is nothing to complete: a shell must not be told of errors.
"""

from collections.abc import Callable
from typing import Any

import click

from mgmt_ui.cli.exits import Failure
from mgmt_ui.cli.session import Session

Completer = Callable[[click.Context, click.Parameter, str], list[str]]
# Nobody waits longer for a Tab, and nobody reads more.
PATIENCE = 2.0
MOST = 200


def named(kind: str, member: str = "name", *, in_vhost: bool = True) -> Completer:
    """Names of this kind of path: those in the virtual host, or of the whole broker."""

    def complete(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
        session = context.find_root().obj
        if not isinstance(session, Session):
            return []
        settings = session.settings
        try:
            settings.load_profile(settings.given.get("profile"))
            settings.given["timeout"] = PATIENCE
            where = session.below(kind) if in_vhost else f"/{kind}"
            found = [str(row[member]) for row in session.api.get(where, columns=member)]
        except (Failure, OSError, LookupError, TypeError):
            return []
        return _chosen(found, context.params.get(parameter.name or ""), begun)

    return complete


def _chosen(found: list[str], before: Any, begun: str) -> list[str]:
    # A name with a line end or a tab in it would be read by the shell as several.
    given = before if isinstance(before, tuple) else ()
    fit = [name for name in found if name.startswith(begun) and name.isprintable()]
    return sorted(set(fit) - set(given))[:MOST]


QUEUES = named("queues")
EXCHANGES = named("exchanges")
VHOSTS = named("vhosts", in_vhost=False)
USERS = named("users", in_vhost=False)
CONNECTIONS = named("connections", in_vhost=False)
CHANNELS = named("channels", in_vhost=False)
OPTIONS = named("options", in_vhost=False)
JOBS = named("jobs", "id", in_vhost=False)
