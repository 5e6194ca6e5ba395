"""A SQLite file whose structure is damaged: what can be read of it goes into a fresh one.

Here: reading around broken pages, and putting the fresh file in the place of
the broken one, which is set aside.  Not here: rows that can be read and do not
fit their checksums (damage.py), which come over as they are.

SQLite finds rows by a tree of pages.  Where a page of it is broken, all that
lies behind the page is still found by asking for larger keys.
"""

import json
import logging
import os
import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from persistence import record, schema, shares
from persistence.backup import Unusable
from persistence.engine import SQLITE_NEW_FILE
from persistence.files import beside, sync
from persistence.malformed import NOTICED, WHOLE, is_malformed
from persistence.message_log import Batch

logger = logging.getLogger("leveret.salvage")

_LAST = (1 << 63) - 1
_CREATE = re.compile(r"CREATE TABLE\s+", re.IGNORECASE)

Report = Callable[[str], None]


def salvage(path: Path) -> Path:
    """Makes a fresh database of what can be read; returns where the broken one is now.

    Each loss is logged.  Raises Unusable, and changes nothing, where nothing can be read or there
    is no room.
    """
    aside = _name_aside(path)
    try:
        # With its log; until the fresh file is whole nothing else is changed.
        for ending in ("-wal", ""):
            if beside(path, ending).exists():
                shutil.copy2(beside(path, ending), beside(aside, ending))
        part = _fresh(path, aside)
        sync(part)
        part.replace(beside(path, WHOLE))
    except (OSError, sqlite3.Error) as error:
        for ending in ("-wal", "-shm", ""):
            beside(aside, ending).unlink(missing_ok=True)
        reason = getattr(error, "strerror", None) or error
        raise Unusable(f"cannot salvage {path}: {reason}") from None
    finish(path)
    return aside


def _fresh(path: Path, broken: Path) -> Path:
    part = beside(path, ".part")
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    # Each statement by itself: a transaction would fail with what cannot be read.
    with closing(sqlite3.connect(broken, isolation_level=None)) as database:
        # SQLite will not look at a file that is shorter than it was, unless told so.
        database.execute("PRAGMA writable_schema=ON")
        database.execute("ATTACH ? AS fresh", (str(part),))
        for pragma in (*SQLITE_NEW_FILE, "journal_mode=OFF", "synchronous=OFF"):
            database.execute(f"PRAGMA fresh.{pragma}")
        _Copy(database, logger.error).run()
    return part


def finish(path: Path) -> None:
    """Puts a fresh file that is whole in the place of the broken one, after a crash too."""
    whole = beside(path, WHOLE)
    if not whole.exists():
        return
    # The log of the broken file must not meet the fresh one.
    for ending in ("-wal", "-shm", NOTICED):
        beside(path, ending).unlink(missing_ok=True)
    whole.replace(path)
    sync(path.parent)


def _name_aside(path: Path) -> Path:
    number = 1
    while (aside := beside(path, f"-broken-{number}")).exists():
        number += 1
    return aside


class _Copy:
    """One pass over all tables, into the database `fresh`; `report` gets a line for each loss."""

    def __init__(self, database: sqlite3.Connection, report: Report) -> None:
        self._database = database
        self._report = report

    def run(self) -> None:
        """Copies all; raises sqlite3.Error where not even the list of tables can be read."""
        tables = self._database.execute(
            "SELECT name, sql FROM main.sqlite_master WHERE type = 'table' AND sql IS NOT NULL"
            " AND name NOT LIKE 'sqlite%' ORDER BY name IN ('batch', 'settled', 'quarantine')"
        ).fetchall()
        if "meta" not in {name for name, _ in tables}:
            raise sqlite3.DatabaseError("its list of tables is gone")
        for _, sql in tables:
            self._database.execute(_CREATE.sub("CREATE TABLE fresh.", sql, count=1))
        for name, _ in tables:
            self._copy(name)

    def _copy(self, table: str) -> None:
        information = self._database.execute(f'PRAGMA main.table_info("{table}")')
        columns = ", ".join(["_rowid_", *(f'"{row[1]}"' for row in information)])
        row = f'SELECT {columns} FROM main."{table}" NOT INDEXED WHERE _rowid_ = ?'  # noqa: S608
        insert = f'INSERT OR IGNORE INTO fresh."{table}" ({columns}) {row}'
        after = -_LAST
        while (key := self._behind(table, after)) is not None:
            try:
                self._database.execute(insert, (key,))
            except sqlite3.DatabaseError as error:
                if not is_malformed(error):
                    raise
                self._lost_row(table, key)
            after = key

    # -- around what is broken -----------------------------------------------------------

    def _behind(self, table: str, after: int) -> int | None:
        """The next key that can be found; None at the end.  Reports what is between."""
        key = self._key(table, after)
        if key is None:
            low, high = 0, 1
            while (key := self._key(table, after + high)) is None and after + high < _LAST // 2:
                low, high = high, 2 * high
            # Between the last that failed and the first that did not.
            while high - low > 1:
                middle = (low + high) // 2
                found = self._key(table, after + middle)
                low, high = (middle, high) if found is None else (low, middle)
                key = key if found is None else found
            self._lost_rows(table, after, key)
        return None if key == _LAST else key

    def _key(self, table: str, after: int) -> int | None:
        # The first key behind this one, _LAST for none; None where that cannot be read.
        try:
            found = self._database.execute(
                f'SELECT _rowid_ FROM main."{table}" NOT INDEXED WHERE _rowid_ > ?'  # noqa: S608
                " ORDER BY _rowid_ LIMIT 1",
                (after,),
            ).fetchone()
        except sqlite3.DatabaseError as error:
            if not is_malformed(error):
                raise
            return None
        return _LAST if found is None else int(found[0])

    # -- what is lost --------------------------------------------------------------------

    def _lost_row(self, table: str, key: int) -> None:
        if table == "batch":
            self._report(self._lost_batch(key))
        else:
            self._report(f"row {key} of table '{table}' cannot be read and is lost")
        self._lacking(table, key, key)

    def _lost_rows(self, table: str, after: int, behind: int | None) -> None:
        upto = "the end" if behind in (None, _LAST) else f"number {behind}"
        since = "the beginning" if after < 0 else f"number {after}"
        what = "batches of messages" if table == "batch" else f"rows of table '{table}'"
        self._report(f"{what} between {since} and {upto}, as far as there were any, are lost")
        self._lacking(table, after, behind)

    def _lost_batch(self, key: int) -> str:
        text = f"batch {key} cannot be read and is lost"
        try:
            vhost_id, summary = self._database.execute(
                "SELECT vhost_id, summary FROM main.batch WHERE id = ?", (key,)
            ).fetchone()
            place = record.place(key, vhost_id)
            parts = shares.decode(summary, Batch(key), place) if summary else []
        except (sqlite3.DatabaseError, record.Damaged, TypeError):
            return text
        lost = ", ".join(
            f"{len(each.ordinals)} messages of queue {self._name('queue', each.queue_id)}"
            for each in parts
        )
        vhost = self._name("vhost", vhost_id)
        return f"vhost {vhost}: {text}: {lost or 'of which queue is unknown'}"

    def _name(self, table: str, number: int) -> str:
        wanted = f'SELECT name FROM fresh."{table}" WHERE id = ?'  # noqa: S608
        row = self._database.execute(wanted, (number,)).fetchone()
        return f"#{number}" if row is None else f"'{bytes(row[0]).decode('utf-8', 'replace')}'"

    def _lacking(self, table: str, first: int, behind: int | None) -> None:
        # Messages of a queue that is lost are kept (damage.py).
        if table in {each.name for each in schema.DEFINITIONS}:
            row = json.dumps({"rowid": first, "before": behind})
            insert = "INSERT INTO fresh.damaged_row (table_name, row) VALUES (?, ?)"
            self._database.execute(insert, (table, row))
