"""`brokerctl`, the command-line client: for now it knows its version and says what is missing.

It will speak the management API over HTTP, so that it works from any machine; it never opens
the broker's data directory.
"""

import click

from broker import __version__


@click.command(
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    options_metavar="[--version] [--help]",
)
@click.version_option(__version__, prog_name="brokerctl", message="%(prog)s %(version)s")
def main() -> None:
    """Look into a Leveret broker and change it, through its HTTP API.

    The commands arrive with the management API; until then there is GET /api/overview.
    """
    click.echo("brokerctl has no commands yet: they arrive with the management API", err=True)
    raise SystemExit(2)
