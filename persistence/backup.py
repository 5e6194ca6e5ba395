"""A copy of a SQLite database that is consistent, whatever a broker does to it meanwhile.

Here: copying, checking a copy, putting it where it belongs in one piece.  Not
here: the command line (broker/backup_command.py), other databases, which have
tools of their own.
"""

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import quote

from persistence import schema
from persistence.files import beside, sync


class Unusable(Exception):
    """A database that cannot be copied; args[0] says why."""


def copy(source: Path, destination: Path) -> int:
    """Copies the database `source` to a file that is there whole or not at all; returns its bytes.

    It is a snapshot: all commits that were done when it began, nothing of later ones.  A broker
    goes on meanwhile.  Raises Unusable where either cannot be used, or `source` is no database of
    Leveret, or of a later version.
    """
    part = beside(destination, ".part")
    try:
        part.unlink(missing_ok=True)
        # Password hashes and messages are nobody else's business.
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        _copy(source, part)
        sync(part)
        for ending in ("-wal", "-shm"):
            beside(destination, ending).unlink(missing_ok=True)
        part.replace(destination)
        sync(destination.parent)
        return destination.stat().st_size
    except OSError as error:
        raise Unusable(f"cannot write {destination}: {error.strerror}") from None
    except sqlite3.Error as error:
        raise Unusable(f"cannot copy {source}: {error}") from None
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _copy(source: Path, part: Path) -> None:
    if not source.is_file():
        raise Unusable(f"there is no database {source}")
    with closing(sqlite3.connect(_uri(source), uri=True)) as original:
        _check(original, source)
        with closing(sqlite3.connect(part)) as made:
            # In one step, so in one transaction: in many, each commit would make it begin again.
            original.backup(made)
            # One file that needs no others beside it.
            made.execute("PRAGMA journal_mode=DELETE")
            _check(made, source)
            problem = made.execute("PRAGMA quick_check(1)").fetchone()[0]
    if problem != "ok":
        raise Unusable(f"{source} is damaged: {problem}")


def _uri(path: Path) -> str:
    # Not read-only: a write-ahead log cannot be read without its index, which may be missing.
    mode = "rw" if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK) else "ro"
    return f"file:{quote(str(path.absolute()))}?mode={mode}"


def _check(database: sqlite3.Connection, path: Path) -> None:
    try:
        found = database.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchone()
    except sqlite3.Error:
        found = None
    if found is None:
        raise Unusable(f"{path} is no database of Leveret")
    if int(found[0]) > schema.VERSION:
        raise Unusable(
            f"{path} has schema version {found[0]}, this Leveret knows {schema.VERSION}: "
            "use the version that wrote it, or a later one"
        )
