"""`brokerctl definitions`."""

import json
import sys
from pathlib import Path
from typing import Any

import click

from mgmt_ui.cli.base import group, with_session
from mgmt_ui.cli.exits import USAGE, Failure
from mgmt_ui.cli.session import Session
from mgmt_ui.cli.values import path


@group("definitions")
def definitions() -> None:
    """Everything that is declared, as RabbitMQ's JSON: export, import."""


def _path(session: Session) -> str:
    vhost = session.settings.given.get("vhost")
    return path("definitions", vhost) if vhost else "/definitions"


@definitions.command()
@with_session
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), required=False)
@click.option("--only", metavar="A,B", help="Only these: queues, users ...")
def export(session: Session, file: Path | None, only: str | None) -> None:
    """Write all definitions, or with --vhost those of one, to FILE or standard output."""
    document = session.api.get(_path(session))
    if only:
        wanted = {part.strip() for part in only.split(",")}
        unknown = wanted - set(document)
        if unknown:
            raise Failure(f"there is no part called {', '.join(sorted(unknown))}", USAGE)
        document = {key: document[key] for key in document if key in wanted}
    text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    if file is None or str(file) == "-":
        click.echo(text, nl=False)
        return
    try:
        # It has the users' hashes: nobody else's business.
        file.touch(mode=0o600)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Failure(f"cannot write {file}: {error.strerror}") from None
    session.out.note(f"wrote {file}")


@definitions.command("import")
@with_session
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def load(session: Session, file: Path) -> None:
    """Put the definitions of FILE (- for standard input) into force; adds and updates only."""
    session.api.call("POST", _path(session), _read(file))
    session.out.note("imported")


def _read(file: Path) -> dict[str, Any]:
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8-sig")
        document = json.loads(text)
    except OSError as error:
        raise Failure(f"cannot read {file}: {error.strerror}") from None
    except ValueError as error:
        raise Failure(f"{file} is no JSON: {error}") from None
    if not isinstance(document, dict):
        raise Failure(f"{file} has no definitions: it must be a JSON object")
    return document
