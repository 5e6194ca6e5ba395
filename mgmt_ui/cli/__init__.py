"""`brokerctl`, the command-line client.

It speaks the management API over HTTP, and AMQP for the load of `bench`, so that it works from any
machine; it never opens the broker's data directory. Which noun is where stands in NOUNS.
"""

import sys

import click

from broker import __version__
from mgmt_ui.cli.base import Root, run

# Noun -> (module in commands/, attribute), in the order of the help.
NOUNS = {
    "status": ("node", "status"),
    "health": ("node", "health"),
    "queue": ("queue", "queue"),
    "exchange": ("exchange", "exchange"),
    "binding": ("binding", "binding"),
    "message": ("message", "message"),
    "job": ("message_work", "job"),
    "connection": ("connection", "connection"),
    "channel": ("connection", "channel"),
    "consumer": ("connection", "consumer"),
    "user": ("user", "user"),
    "permission": ("permission", "permission"),
    "vhost": ("vhost", "vhost"),
    "policy": ("policy", "policy"),
    "operator-policy": ("policy", "operator_policy"),
    "parameter": ("policy", "parameter"),
    "limit": ("vhost", "limit"),
    "definitions": ("definitions", "definitions"),
    "option": ("option", "option"),
    "alarm": ("option", "alarm"),
    "top": ("top", "top"),
    "tail": ("tail", "tail"),
    "bench": ("bench", "bench"),
    "completion": ("node", "completion"),
    "api": ("node", "api"),
    "help": ("alias", "help_"),
}


@click.group(cls=Root, nouns=NOUNS, name="brokerctl", no_args_is_help=True)
@click.version_option(__version__, prog_name="brokerctl", message="%(prog)s %(version)s")
def root() -> None:
    """Look into a broker and change it, through its management API.

    For Leveret and, where the API is the same, RabbitMQ. A password is better kept in
    BROKERCTL_PASSWORD, or in a profile: a section of ~/.config/brokerctl/config.toml with url,
    user, password, vhost.
    """


def main() -> None:
    """The entry point."""
    sys.exit(run(root))
