"""rabbitmqctl's spelling as commands, made from the tables of aliases.py; `brokerctl help`."""

import re
from typing import Any

import click

from mgmt_ui.cli.aliases import LISTS, REWRITTEN, Listed, Rewritten, usages
from mgmt_ui.cli.base import Command, with_session
from mgmt_ui.cli.exits import USAGE, Failure
from mgmt_ui.cli.session import Session
from mgmt_ui.cli.values import path

# rabbitmqctl's formats -> ours.
FORMATS = {"json": "json", "csv": "csv", "pretty_table": "wide", "table": "tsv"}
# Its options that mean nothing to one node and a tool that says no more than was asked for.
NEEDLESS = (["--silent", "-s"], ["--longnames", "-l"], ["--online"], ["--offline"], ["--local"])


def command(name: str) -> click.Command | None:
    """The alias of this name."""
    if name in LISTS:
        return _list_command(name, LISTS[name])
    if name in REWRITTEN:
        return _rewritten_command(name, REWRITTEN[name])
    return None


def _command(name: str, function: Any, parameters: list[click.Parameter], told: str) -> Command:
    return Command(
        name,
        callback=with_session(function),
        params=[*parameters, *_compatible()],
        help=told,
        hidden=True,
    )


def _compatible() -> list[click.Parameter]:
    def choose(context: click.Context, _: click.Parameter, value: str | None) -> None:
        if value is not None:
            context.find_root().obj.settings.given.setdefault("output", FORMATS[value])

    def headless(context: click.Context, _: click.Parameter, value: bool) -> None:
        if value:
            context.find_root().obj.settings.given["no_headers"] = True

    def patience(context: click.Context, _: click.Parameter, value: float | None) -> None:
        if value is not None:
            context.find_root().obj.settings.given.setdefault("timeout", value)

    shown: dict[str, Any] = {"expose_value": False, "hidden": True}
    return [
        *(click.Option(names, is_flag=True, **shown) for names in NEEDLESS),
        click.Option(["-n", "--node"], **shown),
        click.Option(["--formatter"], type=click.Choice(list(FORMATS)), callback=choose, **shown),
        click.Option(["--no-table-headers"], is_flag=True, callback=headless, **shown),
        click.Option(["-t"], type=float, callback=patience, **shown),
    ]


# -- lists -------------------------------------------------------------------------------------


def _list_command(name: str, alias: Listed) -> click.Command:
    def show(session: Session, chosen: tuple[str, ...]) -> None:
        session.settings.given.setdefault("output", "tsv")
        where = alias.path.replace("/{vhost}", path(session.vhost))
        rows = [row | alias.more(row) for row in session.api.get(where)]
        session.show(rows, chosen or alias.columns)

    told = f"As rabbitmqctl {name}; by default the columns {' '.join(alias.columns)}."
    return _command(name, show, [click.Argument(["chosen"], nargs=-1, metavar="[COLUMN]...")], told)


# -- rewritten ---------------------------------------------------------------------------------


def _rewritten_command(name: str, alias: Rewritten) -> click.Command:
    def call(session: Session, given: tuple[str, ...], **options: Any) -> Any:
        session.settings.given.setdefault("output", "tsv")
        words = rewritten(name, alias, given)
        chosen = [f"--{key.replace('_', '-')}" for key, value in options.items() if value is True]
        chosen += [
            f"--{key.replace('_', '-')}={value}"
            for key, value in options.items()
            if isinstance(value, str)
        ]
        # Behind noun and verb, before a `--` that ends the options.
        at = 2 if len(words) > 1 else 1
        root = click.get_current_context().find_root().command
        return root.main(
            [*words[:at], *chosen, *words[at:]], "brokerctl", standalone_mode=False, obj=session
        )

    options: list[click.Parameter] = [
        *(click.Option([flag], is_flag=True) for flag in alias.flags),
        *(click.Option([option]) for option in alias.valued),
    ]
    argument = click.Argument(["given"], nargs=-1, metavar=alias.usage)
    return _command(name, call, [argument, *options], f"As rabbitmqctl {name}: {alias.words}")


def rewritten(name: str, alias: Rewritten, given: tuple[str, ...]) -> list[str]:
    """The words of our command; Failure where there are too few or too many."""
    wanted = alias.usage.split()
    needed = [each for each in wanted if not each.startswith("[")]
    endless = alias.usage.endswith("...]")
    if len(given) < len(needed) or (len(given) > len(wanted) and not endless):
        raise Failure(f"use it so: brokerctl {name} {alias.usage}".rstrip(), USAGE, "usage")
    words: list[str] = []
    for word in alias.words.split():
        if found := re.fullmatch(r"\{\*(\d)\}", word):
            words += given[int(found[1]) :]
        elif found := re.search(r"\{(\d)\}", word):
            number = int(found[1])
            if number < len(given):  # what may be missing is asked for, or has a default
                words.append(word.replace(found[0], given[number]))
        else:
            words.append(word)
    return words


# -- help --------------------------------------------------------------------------------------


@click.command(cls=Command, name="help")
@click.argument("topic", nargs=-1)
@click.pass_context
def help_(context: click.Context, topic: tuple[str, ...]) -> Any:
    """Tell what a command does; `help aliases` has rabbitmqctl's spelling."""
    root = context.find_root()
    if topic == ("aliases",):
        rows = usages()
        wide = max(len(usage) for usage, _ in rows)
        for usage, words in rows:
            click.echo(f"{usage:<{wide}}  {words}")
        return None
    return root.command.main([*topic, "--help"], "brokerctl", standalone_mode=False, obj=root.obj)
