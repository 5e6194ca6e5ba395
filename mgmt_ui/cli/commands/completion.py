"""`brokerctl completion`."""

import click
from click.shell_completion import get_completion_class

from mgmt_ui.cli.base import Command


@click.command(cls=Command)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print what a shell needs to complete commands and options.

    For good: add the line below that fits to ~/.bashrc or ~/.zshrc, or to
    ~/.config/fish/config.fish.
    """
    kind = get_completion_class(shell)
    assert kind is not None  # click knows all three
    root = context.find_root().command
    click.echo(kind(root, {}, "brokerctl", "_BROKERCTL_COMPLETE").source())
