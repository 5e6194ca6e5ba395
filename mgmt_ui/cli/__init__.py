"""`brokerctl`, the command-line client.

It speaks the management API over HTTP, and AMQP for `bench` and `tail`, so that it works from any
machine; it never opens the broker's data directory. Which noun is where stands in NOUNS.
"""

import sys

import click

from broker import __version__
from mgmt_ui.cli.base import Noun, Root, run

# Noun -> where it is and what the help says of it, by heading. The words are here, too, so that
# the help loads no noun; a test sees to it that they name every verb.
NOUNS = {
    "The broker": {
        "status": Noun("node:status", "who answers, how much there is, what is wrong"),
        "health": Noun("node:health", "the health checks; ends with 1 where one fails"),
        "top": Noun("top:top", "the busiest queues, totals and alarms, live"),
        "option": Noun("option:option", "list, get, set: what can change while it runs"),
        "alarm": Noun("option:alarm", "list, set, clear: what holds up publishers"),
        "definitions": Noun("definitions:definitions", "export, import, as RabbitMQ's JSON"),
    },
    "Queues and exchanges": {
        "queue": Noun(
            "queue:queue",
            "list, show, declare, delete, purge, pause, resume, bindings, consumers",
        ),
        "exchange": Noun(
            "exchange:exchange",
            "list, show, declare, delete, bindings, route (where would it go), delayed,"
            " cancel-delayed",
        ),
        "binding": Noun("binding:binding", "list, create, delete"),
        "delayed": Noun("exchange:waiting", "list, cancel: messages that an exchange holds back"),
    },
    "Messages": {
        "message": Noun(
            "message:message", "publish, get, peek, search, move, redrive, delete in queues"
        ),
        "job": Noun(
            "message_work:job", "list, show, pause, resume, cancel, undo: moves and the like"
        ),
        "tail": Noun("tail:tail", "exchange, queue: messages as they pass"),
        "trace": Noun("trace:trace", "list, on, off: copies of all that passes, for tail queue"),
    },
    "Clients": {
        "connection": Noun("connection:connection", "list, show, close, close-all"),
        "channel": Noun("connection:channel", "list, show"),
        "consumer": Noun("connection:consumer", "list, cancel"),
    },
    "Who may do what": {
        "user": Noun(
            "user:user",
            "list, show, queues, add, set-password, set-tags, limits, set-limits, delete",
        ),
        "permission": Noun(
            "permission:permission", "list, set, clear, topic-list, topic-set, topic-clear"
        ),
        "vhost": Noun(
            "vhost:vhost", "list, show, add, update, protect, unprotect, restart, delete"
        ),
        "limit": Noun("vhost:limit", "list, set, clear: limits of virtual hosts"),
        "policy": Noun("policy:policy", "list, show, set, delete"),
        "operator-policy": Noun("policy:operator_policy", "list, show, set, delete"),
        "parameter": Noun("parameter:parameter", "list, show, set, delete"),
        "global-parameter": Noun("parameter:global_parameter", "list, show, set, delete"),
    },
    "Tools": {
        "bench": Noun("bench:bench", "load, or churn, for any AMQP broker, with a report"),
        "api": Noun("node:api", "any call of the API: brokerctl api GET /overview"),
        "completion": Noun("completion:completion", "for bash, zsh or fish"),
        "help": Noun("alias:help_", "help aliases: rabbitmqctl's commands, understood as well"),
    },
}


@click.group(
    cls=Root,
    nouns=NOUNS,
    name="brokerctl",
    no_args_is_help=True,
    options_metavar="[OPTIONS]",
    subcommand_metavar="NOUN VERB [ARGUMENTS]",
)
@click.version_option(__version__, prog_name="brokerctl", message="%(prog)s %(version)s")
def root() -> None:
    """Look into a broker and change it, through its management API.

    For Leveret and, where the API is the same, RabbitMQ.
    """


def main() -> None:
    """The entry point."""
    sys.exit(run(root))
