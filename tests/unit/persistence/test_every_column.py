"""A flipped bit is found in whichever column of whichever row it is, and told."""

import sqlite3
from contextlib import closing

import pytest

from persistence import schema
from persistence.contents import Contents
from persistence.damage import Damage, RecoveryRefused
from persistence.definition_store import (
    BindingRow,
    Definitions,
    DefinitionStore,
    ExchangeRow,
    PolicyRow,
)
from persistence.message_log import MessageLog
from persistence.recovery import Recovery
from persistence.steps import at_once
from tests.unit.persistence.kit import Database, Keeper

# What is kept for people to look at, and the number that says how to read the rest.
UNCHECKED = {"meta", "quarantine", "damaged_row"}
COLUMNS = [
    (table.name, column.name)
    for table in schema.metadata.sorted_tables
    if table.name not in UNCHECKED
    for column in table.c
]


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A database with a row in every table, and its bytes."""
    path = tmp_path_factory.mktemp("filled") / "leveret.db"
    database = Database(path)
    with database.engine.connect() as connection:
        store = DefinitionStore(database.commit, connection)
    for number, name in ((1, "/"), (8, "other")):
        store.save_vhost(number, name, {"tags": []})
    store.save_user("ann", "hash", "sha", ("monitoring",))
    store.save_permission("ann", "/", "a", "b", "c")
    store.save_topic_permission("ann", "/", "x", "b", "c")
    store.save_policy("/", PolicyRow("p", "^q", "queues", 3, {"max-length": 7}))
    store.save_parameter("/", "federation", "f", {"uri": "u"})
    store.save_exchange("/", ExchangeRow("x", "topic", False, True, {"a": ("S", "b")}, "ann"))
    store.save_queue("/", "q", 5, False, {"a": ("S", "b")}, "ann")
    store.save_delivered(5, [70])
    store.save_binding("/", BindingRow("x", "q", "queue", "key", {}))
    database.publish(0, queue=5)
    database.written()
    entries = database.publish(*range(1, 6), queue=5)
    database.written()
    for entry in entries[:2]:
        database.log.settle(entry)
    entries[3].returns = 2
    database.log.returned(entries[3])
    database.written(force=True)
    database.close()
    return path


def flipped(value, bit):
    if isinstance(value, int):
        return value ^ (1 << bit)
    data = bytearray(value if isinstance(value, bytes) else value.encode())
    data[len(data) // 2] ^= 1 << bit
    return bytes(data) if isinstance(value, bytes) else data.decode()


def damaged(filled, table, column, bit):
    """A copy in which one bit of the last row is another."""
    path = filled.with_name("damaged.db")
    path.write_bytes(filled.read_bytes())
    with closing(sqlite3.connect(path)) as database, database:
        wanted = f'SELECT _rowid_, "{column}" FROM "{table}" ORDER BY _rowid_ DESC LIMIT 1'
        rowid, value = database.execute(wanted).fetchone()
        change = f'UPDATE "{table}" SET "{column}" = ? WHERE _rowid_ = ?'
        database.execute(change, (flipped(value, bit), rowid))
    return path


def start(path, *, strict):
    """Reads everything as a start does."""
    database = Database(path)
    try:
        with database.engine.begin() as connection:
            damage = Damage(strict=strict)
            definitions = Definitions(connection, damage)
            for vhost in definitions.vhosts():
                at_once(Contents(vhost.name, damage).queues(lambda _: None), connection)
                log = MessageLog(vhost.id, database.commit)
                keeper = Keeper(long={5} if not strict else ())
                at_once(Recovery(log, keeper, damage).run(), connection)
    finally:
        database.close()


def test_nothing_is_found_where_nothing_is_damaged(filled, caplog):
    start(filled, strict=True)
    assert caplog.messages == []


@pytest.mark.parametrize("bit", [1])
@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_it_is_found(filled, caplog, table, column, bit):
    path = damaged(filled, table, column, bit)
    with pytest.raises(RecoveryRefused):
        start(path, strict=True)
    start(path, strict=False)
    assert caplog.messages
    if table not in ("batch", "settled"):
        assert table in caplog.text or column == "delivered"
    caplog.clear()
    if column != "delivered":  # that is written anew by the queue
        start(path, strict=True)  # it was set aside
        assert caplog.messages == []
