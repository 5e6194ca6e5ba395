"""The tables, and nothing else.

Names are stored as their bytes on the wire, since AMQP names need not be
UTF-8; typed tables as JSON (tables_json.py).  Every row of definitions has a
checksum over its other columns (checksums.py), but for `delivered`, which
changes on its own and has one of its own.

A change here raises VERSION and needs a migration (migrations/).
"""

from collections.abc import Mapping

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

from persistence import checksums

VERSION = 6

metadata = MetaData()

# A batch a commit outgrows 32 bits within days; SQLite's INTEGER has 64 and is the row's own key.
_Id = BigInteger().with_variant(Integer(), "sqlite")


def _checksum() -> Column[int]:
    return Column("checksum", BigInteger, nullable=False, server_default="0")


meta = Table(
    "meta",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

# One row holds hundreds of messages; ids only grow.  The summary (shares.py) stands before them,
# so that it can be had without reading them.
batch = Table(
    "batch",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=False),
    Column("vhost_id", Integer, nullable=False),
    Column("summary", LargeBinary),
    Column("data", LargeBinary, nullable=False),
)

# The references of a batch that are done with, and how often others came back to their queues;
# gone with the batch.
settled = Table(
    "settled",
    metadata,
    Column("batch_id", _Id, primary_key=True, autoincrement=False),
    Column("data", LargeBinary, nullable=False),
    Column("returned", LargeBinary),
)

# Batches that could not be read, set aside at a start.
quarantine = Table(
    "quarantine",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("batch_id", _Id, nullable=False),
    Column("vhost_id", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("reason", Text, nullable=False),
)

# Rows of definitions that could not be trusted, as JSON for who wants to mend them.
damaged_row = Table(
    "damaged_row",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("table_name", String(64), nullable=False),
    Column("row", Text, nullable=False),
)

vhost = Table(
    "vhost",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("name", LargeBinary(255), nullable=False, unique=True),
    Column("metadata", Text, nullable=False),
    _checksum(),
)

user = Table(
    "user",
    metadata,
    Column("name", LargeBinary(255), primary_key=True),
    Column("password_hash", Text, nullable=False),
    Column("hashing_algorithm", Text, nullable=False),
    Column("tags", Text, nullable=False),
    _checksum(),
)

permission = Table(
    "permission",
    metadata,
    Column("user", LargeBinary(255), primary_key=True),
    Column("vhost", LargeBinary(255), primary_key=True),
    Column("configure", LargeBinary, nullable=False),
    Column("write", LargeBinary, nullable=False),
    Column("read", LargeBinary, nullable=False),
    _checksum(),
)

exchange = Table(
    "exchange",
    metadata,
    Column("vhost", LargeBinary(255), primary_key=True),
    Column("name", LargeBinary(255), primary_key=True),
    Column("type", Text, nullable=False),
    Column("auto_delete", Boolean, nullable=False),
    Column("internal", Boolean, nullable=False),
    Column("arguments", Text, nullable=False),
    # Who declared it; null in rows of before that was noted.
    Column("creator", LargeBinary),
    _checksum(),
)

queue = Table(
    "queue",
    metadata,
    Column("id", Integer, nullable=False, unique=True),
    Column("vhost", LargeBinary(255), primary_key=True),
    Column("name", LargeBinary(255), primary_key=True),
    Column("auto_delete", Boolean, nullable=False),
    Column("arguments", Text, nullable=False),
    # Positions below which messages may have been delivered, one a priority level.
    Column("delivered", Text, nullable=False),
    # As in `exchange`.
    Column("creator", LargeBinary),
    _checksum(),
)

# `identity` is a digest of all that makes a binding the same.
binding = Table(
    "binding",
    metadata,
    Column("vhost", LargeBinary(255), primary_key=True),
    Column("identity", LargeBinary(32), primary_key=True),
    Column("source", LargeBinary(255), nullable=False),
    Column("destination", LargeBinary(255), nullable=False),
    Column("destination_type", String(8), nullable=False),
    Column("routing_key", LargeBinary(255), nullable=False),
    Column("arguments", Text, nullable=False),
    _checksum(),
)

topic_permission = Table(
    "topic_permission",
    metadata,
    Column("user", LargeBinary(255), primary_key=True),
    Column("vhost", LargeBinary(255), primary_key=True),
    Column("exchange", LargeBinary(255), primary_key=True),
    Column("write", LargeBinary, nullable=False),
    Column("read", LargeBinary, nullable=False),
    _checksum(),
)

policy = Table(
    "policy",
    metadata,
    Column("vhost", LargeBinary(255), primary_key=True),
    Column("name", LargeBinary(255), primary_key=True),
    Column("pattern", LargeBinary, nullable=False),
    Column("apply_to", String(32), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("definition", Text, nullable=False),
    _checksum(),
)

# A parameter that belongs to no vhost has the empty name there.
parameter = Table(
    "parameter",
    metadata,
    Column("vhost", LargeBinary(255), primary_key=True),
    Column("component", LargeBinary(255), primary_key=True),
    Column("name", LargeBinary(255), primary_key=True),
    Column("value", Text, nullable=False),
    _checksum(),
)

DEFINITIONS = tuple(table for table in metadata.sorted_tables if "checksum" in table.c)
# By table: the columns that its checksum is over, in order.
_CHECKED = {
    table.name: tuple(c.name for c in table.c if c.name not in ("checksum", "delivered"))
    for table in DEFINITIONS
}
# What came later: checksums of before are over the other columns alone.
_LATER = frozenset({"creator"})


def row_checksum(table: Table, values: Mapping[str, object]) -> int:
    """What column `checksum` of a row with these values must hold."""
    return checksums.of_row(values[name] for name in _CHECKED[table.name])


def is_whole(table: Table, values: Mapping[str, object]) -> bool:
    """Whether a row fits its checksum."""
    if values["checksum"] == row_checksum(table, values):
        return True
    names = _CHECKED[table.name]
    before = [values[name] for name in names if name not in _LATER]
    return len(before) < len(names) and values["checksum"] == checksums.of_row(before)
