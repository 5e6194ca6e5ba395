"""`leveret backup DEST` and `leveret restore SOURCE`: the data directory in one file, and back.

Here: their command lines and what must not be overwritten.  Not here: the copying itself
(persistence/backup.py).  Imported only for these commands.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from broker.option_sources import CommandLine, OptionError, load
from broker.options import DATABASE, Options
from broker.startup import DataDirectory, StartError
from persistence import backup


def run(command: str, arguments: Sequence[str]) -> str:
    """Runs `backup` or `restore`; returns the line that says what was done.

    Raises OptionError and StartError (one line each), SystemExit for --help.
    """
    given = _parser(command).parse_args(arguments)
    flags = [f"--{name}={value}" for name, value in _passed_on(given)]
    options = load(flags)
    if options.database is not None and not options.database.startswith("sqlite"):
        raise StartError(f"{command} is for SQLite: use the tools of your database")
    try:
        return (_backup if command == "backup" else _restore)(options, given.path, given.force)
    except backup.Unusable as error:
        raise StartError(str(error)) from None


def _backup(options: Options, destination: Path, force: bool) -> str:
    if destination.is_dir():
        destination /= DATABASE
    if destination.exists() and not force:
        raise StartError(f"{destination} exists; give --force to overwrite it")
    source = _database(options)
    if destination.absolute() == source:
        raise StartError("a backup cannot take the place of the database itself")
    size = backup.copy(source, destination)
    return f"leveret backup of {source} is in {destination.absolute()}, {size} bytes"


def _restore(options: Options, source: Path, force: bool) -> str:
    if source.is_dir():
        source /= DATABASE
    destination = _database(options)
    if source.absolute() == destination:
        raise StartError("a database cannot be restored from itself")
    # Held until it is done: no broker may use it meanwhile, and none does now.
    with DataDirectory(destination.parent):
        if destination.exists() and not force:
            raise StartError(f"{destination} exists; give --force to replace it")
        size = backup.copy(source, destination)
    return f"leveret restored {destination} from {source.absolute()}, {size} bytes"


def _database(options: Options) -> Path:
    if options.database is None:
        return options.data_dir.absolute() / DATABASE
    from sqlalchemy.engine import make_url

    return Path(make_url(options.database).database or "").absolute()


def _passed_on(given: argparse.Namespace) -> list[tuple[str, str]]:
    names = ("data-dir", "config", "database")
    values = [(name, getattr(given, name.replace("-", "_"))) for name in names]
    return [(name, value) for name, value in values if value is not None]


class _Parser(CommandLine):
    def error(self, message: str) -> NoReturn:
        """As for the broker, with a word on where to find more."""
        raise OptionError(f"{message} (see {self.prog} --help)")


def _parser(command: str) -> argparse.ArgumentParser:
    saves = command == "backup"
    parser = _Parser(
        prog=f"leveret {command}",
        description="Copies the database of a data directory, also while a broker uses it."
        if saves
        else "Puts a backup into a data directory that no broker uses.",
        allow_abbrev=False,
    )
    path = "The file, or a directory, to write." if saves else "The file that `backup` wrote."
    parser.add_argument("path", type=Path, metavar="DEST" if saves else "SOURCE", help=path)
    parser.add_argument("--force", action="store_true", help="Overwrite what is there.")
    for flag in ("--data-dir", "--config", "--database"):
        parser.add_argument(flag, help="As for the broker.")
    return parser
