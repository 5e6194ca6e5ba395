"""A SQLite file whose structure is damaged: how that is told, and remembered for the next start.

Here: that alone, since every start asks.  Not here: what is done about it (salvage.py).
"""

import sqlite3
from pathlib import Path

from persistence.files import beside

# Beside the database: it was found broken while the broker ran.
NOTICED = "-malformed"
# Beside it too: the fresh file, once it is whole.  From then on it is the database.
WHOLE = "-salvaged"


def is_malformed(error: BaseException | None) -> bool:
    """Whether an error of the database says that its file is broken."""
    cause = getattr(error, "orig", None) or error
    code = getattr(cause, "sqlite_errorcode", None) or 0
    return code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def note(path: Path) -> None:
    """The file is broken: the next start salvages it, though reading it may well succeed."""
    beside(path, NOTICED).touch()


def is_noted(path: Path) -> bool:
    """Whether `note` was called since it was salvaged last."""
    return beside(path, NOTICED).exists()


def is_half_done(path: Path) -> bool:
    """Whether it was salvaged, but for the last step."""
    return beside(path, WHOLE).exists()
