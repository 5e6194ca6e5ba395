"""Every option of the daemon, once: `Options` is the table, and all else here reads it.

A row's name gives its flag (`--amqp-port`), its variable (`LEVERET_AMQP_PORT`) and its key in
`leveret.toml` (`amqp_port`, or `amqp-port`).  Flags win over variables, variables over the file,
the file over the defaults.  What an option does lives where it is used.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, NoReturn

from broker import __version__
from broker import option_values as read

DEFAULT_CONFIG = "leveret.toml"


class OptionError(Exception):
    """An option, variable or configuration file that cannot be used; args[0] is one clear line."""


# --- The table. ---


@dataclass(frozen=True, slots=True)
class Option:
    """What one row says; `name` is filled in from the field of `Options`."""

    parse: Callable[[str], Any]
    metavar: str
    doc: str
    default: str  # as a person would write it
    live: bool  # a running broker could take up a new value; nothing offers to change one yet
    in_file: bool  # the file that is read cannot name itself
    secret: bool  # may hold a password: never printed
    name: str = ""

    @property
    def flag(self) -> str:
        """The flag of the command line."""
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        """The variable of the environment."""
        return "LEVERET_" + self.name.upper()


def _row(
    parse: Callable[[str], Any],
    metavar: str,
    doc: str,
    *,
    default: str,
    value: Any = ...,
    live: bool = False,
    in_file: bool = True,
    secret: bool = False,
) -> Any:
    option = Option(parse, metavar, doc, default, live, in_file, secret)
    return field(default=parse(default) if value is ... else value, metadata={"option": option})


@dataclass(frozen=True, slots=True)
class Options:
    """All settings of one broker, each with its default; build one with what differs."""

    config: Path | None = _row(
        read.path,
        "FILE",
        "Configuration file (TOML).",
        default="./leveret.toml if it is there",
        value=None,
        in_file=False,
    )
    data_dir: Path = _row(
        read.path,
        "DIR",
        "Where everything durable is kept; made if missing.",
        default="./leveret-data",
    )
    database: str | None = _row(
        read.database,
        "URL",
        "Database as an SQLAlchemy URL.",
        default="SQLite in the data directory",
        value=None,
        secret=True,
    )
    bind: tuple[str, ...] = _row(
        read.addresses,
        "ADDRESS",
        "Address to listen on, for AMQP and HTTP; give it several times, or with commas.",
        default="127.0.0.1,::1",
    )
    amqp_port: int = _row(read.port, "PORT", "AMQP port; 0 picks a free one.", default="5672")
    http_port: int = _row(
        read.port, "PORT", "Port of the HTTP API; 0 picks a free one.", default="15672"
    )
    heartbeat: int = _row(
        read.seconds,
        "SECONDS",
        "Heartbeat suggested to clients; 0 turns it off.",
        default="60",
        live=True,
    )
    frame_max: int = _row(
        read.frame_size,
        "SIZE",
        "Largest frame offered to clients; 0 means no limit.",
        default="131072",
        live=True,
    )
    channel_max: int = _row(
        read.channels,
        "COUNT",
        "Channels per connection offered to clients; 0 means 65535.",
        default="2047",
        live=True,
    )
    max_message_size: int = _row(
        read.message_size,
        "SIZE",
        "Largest message body; publishing a larger one closes the channel.",
        default="16MiB",
        live=True,
    )
    memory_high_watermark: float = _row(
        read.watermark,
        "SHARE|SIZE",
        "Memory above which publishers are held up: a share of what there is, or a size.",
        default="0.6",
        live=True,
    )
    disk_free_limit: int = _row(
        read.size,
        "SIZE",
        "Free space beside the data directory below which publishers are held up.",
        default="50MB",
        live=True,
    )
    alarmed_publishers: str = _row(
        read.one_of("block", "refuse"),
        "WHAT",
        "What low memory or disk means to publishers: block, or refuse (basic.nack) where they "
        "ask for confirms.",
        default="block",
        live=True,
    )
    handshake_timeout: int = _row(
        read.some_seconds,
        "SECONDS",
        "Time a client has to finish its handshake.",
        default="10",
        live=True,
    )
    compat_product: str = _row(
        read.words,
        "NAME",
        "Product that clients are told; some treat brokers of other names differently.",
        default="RabbitMQ",
        live=True,
    )
    compat_version: str = _row(
        read.version,
        "VERSION",
        "RabbitMQ version that clients and tools are told.",
        default="4.1.0",
        live=True,
    )
    log_level: str = _row(
        read.one_of("debug", "info", "warning", "error", "critical"),
        "LEVEL",
        "Least serious level that is logged: debug, info, warning, error or critical.",
        default="info",
        live=True,
    )
    log_format: str = _row(
        read.one_of("text", "json"),
        "FORMAT",
        "How the log on standard error looks: text or json.",
        default="text",
    )

    @property
    def database_url(self) -> str:
        """The database to open; SQLite in the data directory unless one was named."""
        return self.database or f"sqlite+aiosqlite:///{self.data_dir.resolve()}/leveret.db"


OPTIONS: Mapping[str, Option] = {
    row.name: replace(row.metadata["option"], name=row.name) for row in fields(Options)
}
DEFAULT_BIND = Options().bind


# --- Reading: each source gives the same mapping, name -> (where it came from, what it says). ---

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
        flags = [option.flag for option in OPTIONS.values()]
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
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise OptionError(f"{path}: {key} must be text or a whole number")
    return name, (f"{path}: {key}", str(value))


def _hint(name: str, known: Sequence[str]) -> str:
    import difflib

    near = difflib.get_close_matches(name, known, 1)
    return f', did you mean "{near[0]}"?' if near else ""


# --- The command line. ---


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Raise where argparse would print its usage: an error is one line."""
        raise OptionError(message.removeprefix("argument "))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="leveret",
        usage="leveret [options]",
        description="A RabbitMQ-compatible AMQP 0-9-1 message broker.",
        epilog="Flags win over LEVERET_* variables, those over leveret.toml, whose keys are the "
        "flags without dashes (amqp_port = 5672).",
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,  # an option that comes later must not change what a script means
        add_help=False,
    )
    for option in OPTIONS.values():
        parser.add_argument(
            option.flag,
            dest=option.name,
            metavar=option.metavar,
            action="append" if option.name == "bind" else "store",
            help=f"{option.doc} Default: {option.default}. [{option.variable}]",
        )
    version = f"leveret {__version__}"
    parser.add_argument("--version", action="version", version=version, help="Show it and exit.")
    parser.add_argument("--help", "-h", action="help", help="Show this and exit.")
    return parser
