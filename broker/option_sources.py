"""Where options come from: flags win over variables, those over the file, that over the defaults.

Here: reading the sources, and saying in one line what is wrong with them.  Not here: which options
there are (`options`) and what their values look like (`option_values`).
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from broker import __version__
from broker.option_values import switch
from broker.options import OPTIONS, Option, Options

DEFAULT_CONFIG = "leveret.toml"


class OptionError(Exception):
    """An option, variable or configuration file that cannot be used; args[0] is one clear line."""


# Each source gives the same mapping: name -> (where it came from, what it says).
Given = dict[str, tuple[str, str]]


def load(arguments: Sequence[str], environment: Mapping[str, str] = os.environ) -> Options:
    """The options that the command line, the environment and the file make together.

    Raises OptionError, and SystemExit for `--help` and `--version`, which argparse answers itself.
    """
    given = _from_environment(environment) | _from_flags(arguments)
    config = _value(given, "config")
    given = _from_file(config) | given
    values = {name: _parse(OPTIONS[name], *given[name]) for name in given}
    return Options(**values)


def _value(given: Given, name: str) -> Any:
    return _parse(OPTIONS[name], *given[name]) if name in given else None


def _parse(option: Option, origin: str, text: str) -> Any:
    try:
        return option.parse(text)
    except ValueError as error:
        shown = "the value" if option.secret else f'"{text}"'
        raise OptionError(f"{origin}: {shown} is not {error}") from None


def _from_flags(arguments: Sequence[str]) -> Given:
    known, rest = _parser().parse_known_args(arguments)
    if rest:
        flag = rest[0].partition("=")[0]  # not its value, which may be a secret
        flags = [option.flag for option in OPTIONS.values() if option.in_flags]
        raise OptionError(f'unknown option "{flag}"{_hint(flag, flags)} (see leveret --help)')
    return {
        name: (OPTIONS[name].flag, text if isinstance(text, str) else ",".join(text))
        for name, text in vars(known).items()
    }


def _from_environment(environment: Mapping[str, str]) -> Given:
    # An empty variable counts as none: compose files and units leave such behind.  Unknown ones
    # are nobody's error: container platforms set LEVERET_PORT and more for a service so named.
    return {
        name: (option.variable, environment[option.variable])
        for name, option in OPTIONS.items()
        if environment.get(option.variable)
    }


def _from_file(path: Path | None) -> Given:
    if path is None:
        path = Path(DEFAULT_CONFIG)
        if not path.exists():
            return {}
    import tomllib  # 14 ms that only those who have a file need to pay

    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise OptionError(f"cannot read {path}: {error.strerror}") from None
    except ValueError as error:  # TOML or UTF-8
        raise OptionError(f"cannot read {path}: {error}") from None
    return dict(_entry(path, key, value) for key, value in table.items())


def _entry(path: Path, key: str, value: object) -> tuple[str, tuple[str, str]]:
    name = key.replace("-", "_")
    known = [name for name, option in OPTIONS.items() if option.in_file]
    if name not in known:
        raise OptionError(f'{path}: unknown key "{key}"{_hint(name, known)}')
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        value = ",".join(value)
    if isinstance(value, bool) and OPTIONS[name].parse is switch:
        value = str(value)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise OptionError(f"{path}: {key} must be text or a number")
    return name, (f"{path}: {key}", str(value))


def _hint(name: str, known: Sequence[str]) -> str:
    import difflib

    near = difflib.get_close_matches(name, known, 1)
    return f', did you mean "{near[0]}"?' if near else ""


# --- The command line. ---


class CommandLine(argparse.ArgumentParser):
    """Raises OptionError where argparse would print its usage: an error is one line."""

    def error(self, message: str) -> NoReturn:
        """A flag that cannot be used."""
        raise OptionError(message.removeprefix("argument "))

    def _print_message(self, message: str, file: Any = None) -> None:
        # Nobody may be there to read it; Python 3.11.2 made that an error.
        with suppress(OSError):
            super()._print_message(message, file)


def _parser() -> argparse.ArgumentParser:
    parser = CommandLine(
        prog="leveret",
        usage="leveret [options]\n       leveret backup DEST [options]\n"
        "       leveret restore SOURCE [options]",
        description="A RabbitMQ-compatible AMQP 0-9-1 message broker.",
        epilog="Flags win over LEVERET_* variables, those over leveret.toml, whose keys are the "
        "flags without dashes (amqp_port = 5672).",
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,  # an option that comes later must not change what a script means
        add_help=False,
    )
    for option in OPTIONS.values():
        if not option.in_flags:
            continue
        shape: dict[str, Any] = {"metavar": option.metavar}
        if option.parse is switch:
            shape = {"nargs": "?", "const": "true", "metavar": "true|false"}
        elif option.name == "bind":
            shape["action"] = "append"
        parser.add_argument(
            option.flag,
            dest=option.name,
            help=f"{option.doc} Default: {option.default}. [{option.variable}]",
            **shape,
        )
    version = f"leveret {__version__}"
    parser.add_argument("--version", action="version", version=version, help="Show it and exit.")
    parser.add_argument("--help", "-h", action="help", help="Show this and exit.")
    return parser
