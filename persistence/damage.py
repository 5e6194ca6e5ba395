"""Damage that is found at a start: reported, set aside, and the rest comes up.

Here: checking the rows of definitions, the tables of what was set aside, and
refusing the start where that is wished.  Not here: how a damaged batch is
told (record.py) and what a queue loses with it (message_log.py).
"""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import (
    Connection,
    Table,
    delete,
    func,
    insert,
    literal_column,
    select,
    type_coerce,
    update,
)
from sqlalchemy.types import NullType

from persistence import record, schema

logger = logging.getLogger("leveret.damage")

# Rows of a table that are held at once.
_FETCHED = 200


DamagedRow = tuple[Table, dict[str, Any]]
"""A row of definitions and its table; the values are as the driver gives them."""


class RecoveryRefused(Exception):
    """Something is damaged and `strict` was asked for; args[0] says what to the user."""


class Damage:
    """What was found damaged on one start.

    With `strict` the first finding raises RecoveryRefused, and nothing is changed.
    """

    def __init__(self, *, strict: bool = False) -> None:
        self.strict = strict

    def report(self, what: str, outcome: str) -> None:
        """Says what is damaged and what becomes of it."""
        if self.strict:
            raise RecoveryRefused(
                f"the database is damaged: {what}; start without --strict-recovery, and {outcome}"
            )
        logger.error("%s; %s", what, outcome)

    # -- definitions ---------------------------------------------------------------------

    def check_definitions(self, connection: Connection) -> None:
        """Sets aside every row of definitions whose checksum does not fit."""
        self.set_rows_aside(connection, damaged_rows(connection))

    def set_rows_aside(self, connection: Connection, found: list[DamagedRow]) -> None:
        """Takes rows of definitions out of their tables."""
        with _tolerant(connection):
            for table, values in found:
                self._set_row_aside(connection, table, values)

    def _set_row_aside(self, connection: Connection, table: Table, values: dict[str, Any]) -> None:
        rowid = values.pop("_rowid_", None)
        # The other columns may hold what nobody should read in a log.
        keys = {column.name: values[column.name] for column in table.primary_key.columns}
        self.report(
            f"a row of table '{table.name}' is damaged, its checksum does not fit: "
            f"{json.dumps(keys, default=_readable)}",
            "it is set aside in table damaged_row",
        )
        row = {"table_name": table.name, "row": json.dumps(values, default=_readable)}
        connection.execute(insert(schema.damaged_row).values(row))
        if rowid is None:
            same = [column == values[column.name] for column in table.primary_key.columns]
        else:
            # An index that does not know the damaged value would refuse to forget it.
            connection.exec_driver_sql(f'REINDEX "{table.name}"')
            same = [literal_column("_rowid_") == rowid]
        connection.execute(delete(table).where(*same))

    def lacks(self, connection: Connection, table: Table) -> bool:
        """Whether a row of this table was ever set aside, so that others may belong to it."""
        count = select(func.count()).where(schema.damaged_row.c.table_name == table.name)
        return bool(connection.execute(count).scalar())

    def highest_vhost(self, connection: Connection) -> int:
        """The highest id of a virtual host that has messages, whether it is there or not."""
        return int(connection.execute(select(func.max(schema.batch.c.vhost_id))).scalar() or 0)

    # -- batches -------------------------------------------------------------------------

    def forget_summary(
        self, connection: Connection, vhost_id: int, batch_id: int, why: str
    ) -> None:
        """A batch has to be read itself from now on."""
        vhost = vhost_text(connection, vhost_id)
        self.report(f"{vhost}: batch {batch_id}: {why}", "it is read itself instead")
        batch = schema.batch
        connection.execute(update(batch).where(batch.c.id == batch_id).values(summary=None))

    def forget_settlements(
        self, connection: Connection, vhost_id: int, batch_id: int, why: str
    ) -> None:
        """What was settled in a batch is not known any more."""
        vhost = vhost_text(connection, vhost_id)
        self.report(f"{vhost}: batch {batch_id}: {why}", "what was settled in it comes again")
        settled = schema.settled
        connection.execute(delete(settled).where(settled.c.batch_id == batch_id))

    def forget_returns(
        self, connection: Connection, vhost_id: int, batch_id: int, why: str
    ) -> None:
        """It is not known any more how often messages of a batch came back."""
        vhost = vhost_text(connection, vhost_id)
        self.report(
            f"{vhost}: batch {batch_id}: {why}", "how often its messages came back is forgotten"
        )
        settled = schema.settled
        connection.execute(
            update(settled).where(settled.c.batch_id == batch_id).values(returned=None)
        )

    def check_places(self, connection: Connection) -> None:
        """Sets aside batches of virtual hosts that never were, and settlements of no batch."""
        batch, settled = schema.batch.c, schema.settled.c
        if not self.lacks(connection, schema.vhost):
            known = select(schema.vhost.c.id)
            lost = select(batch.id, batch.vhost_id, batch.data).where(batch.vhost_id.not_in(known))
            for batch_id, vhost_id, data in connection.execute(lost).all():
                why = "it belongs to no virtual host"
                self.set_batch_aside(connection, vhost_id, batch_id, data, why)
        stray = select(settled.batch_id).where(settled.batch_id.not_in(select(batch.id)))
        for (batch_id,) in connection.execute(stray).all():
            self.report(
                f"settlements of batch {batch_id}, which does not exist, cannot be placed",
                "what they settled comes again",
            )
            connection.execute(delete(schema.settled).where(settled.batch_id == batch_id))

    def set_batch_aside(
        self, connection: Connection, vhost_id: int, batch_id: int, data: bytes, why: str
    ) -> None:
        """Takes a batch out of the log, with its settlements."""
        self.report(
            f"{vhost_text(connection, vhost_id)}: batch {batch_id} cannot be read: {why} "
            f"({_queues_of(connection, data)})",
            "it is set aside in table quarantine",
        )
        values = {"batch_id": batch_id, "vhost_id": vhost_id, "data": data, "reason": why}
        connection.execute(insert(schema.quarantine).values(values))
        # Its settlements too: they would count for the next batch of that id.
        for table, column in (
            (schema.settled, schema.settled.c.batch_id),
            (schema.batch, schema.batch.c.id),
        ):
            connection.execute(delete(table).where(column == batch_id))


def damaged_rows(connection: Connection, vhost: bytes | None = None) -> list[DamagedRow]:
    """The rows of definitions whose checksum does not fit: all, or those of one virtual host."""
    tables = schema.DEFINITIONS
    if vhost is not None:
        tables = tuple(table for table in tables if "vhost" in table.c)
    with _tolerant(connection):
        return [
            (table, values)
            for table in tables
            for values in _rows(connection, table, vhost)
            if not schema.is_whole(table, values)
        ]


def _rows(connection: Connection, table: Table, vhost: bytes | None) -> Iterator[dict[str, Any]]:
    # As the driver gives them: a damaged value may be of any type.
    columns = [type_coerce(column, NullType()).label(column.name) for column in table.c]
    if connection.dialect.name == "sqlite":
        columns.append(literal_column("_rowid_").label("_rowid_"))
    wanted = select(*columns).select_from(table)
    if vhost is not None:
        wanted = wanted.where(table.c.vhost == vhost)
    for row in connection.execute(wanted.execution_options(yield_per=_FETCHED)):
        yield dict(row._mapping)


def vhost_text(connection: Connection, vhost_id: int) -> str:
    """A virtual host as it is called in a report."""
    wanted = select(schema.vhost.c.name).where(schema.vhost.c.id == vhost_id)
    name = connection.execute(wanted).scalar()
    return f"vhost {_quoted(name)}" if name is not None else f"vhost #{vhost_id}"


def _queues_of(connection: Connection, data: bytes) -> str:
    numbers = record.salvage_queue_ids(data)
    columns = schema.queue.c
    wanted = select(columns.name).where(columns.id.in_(numbers)).order_by(columns.id)
    names = [_quoted(name) for (name,) in connection.execute(wanted)]
    return f"messages of queue {', '.join(names)}" if names else "of which queue is unknown"


@contextmanager
def _tolerant(connection: Connection) -> Iterator[None]:
    """Lets SQLite's driver read text that is none."""
    if connection.dialect.name != "sqlite":
        yield
        return
    driver: Any = connection.connection.driver_connection
    driver.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
    try:
        yield
    finally:
        driver.text_factory = str


def _quoted(name: bytes) -> str:
    return f"'{bytes(name).decode('utf-8', 'replace')}'"


def _readable(value: object) -> str:
    return bytes(value).decode("utf-8", "backslashreplace") if isinstance(value, bytes) else "?"
