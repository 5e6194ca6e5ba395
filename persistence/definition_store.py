"""Definitions on disk: vhosts, users, permissions, exchanges, queues, bindings.

Here: writing each change through the group commit, reading at start what
belongs to no vhost.  Not here: reading what is in one (contents.py), and what
the definitions mean.  Only durable things are handed in.
"""

import json
from hashlib import sha256
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update
from sqlalchemy import Table as SqlTable

from persistence import checksums, schema, tables_json
from persistence.commit import GroupCommit
from persistence.damage import Damage
from persistence.steps import Ask, Steps

Table = tables_json.Table


class VhostRow(NamedTuple):
    """A stored virtual host; `id` is what batches know it by."""

    id: int
    name: str
    metadata: dict[str, Any]


class UserRow(NamedTuple):
    """A stored user."""

    name: str
    password_hash: str
    hashing_algorithm: str
    tags: tuple[str, ...]


class PermissionRow(NamedTuple):
    """Stored permissions of a user in a vhost."""

    user: str
    vhost: str
    configure: str
    write: str
    read: str


class TopicPermissionRow(NamedTuple):
    """Stored permissions of a user on the routing keys of one exchange."""

    user: str
    vhost: str
    exchange: str
    write: str
    read: str


class PolicyRow(NamedTuple):
    """A stored policy of a vhost."""

    name: str
    pattern: str
    apply_to: str
    priority: int
    definition: dict[str, Any]


class ParameterRow(NamedTuple):
    """A stored parameter; `vhost` is empty for one that belongs to none."""

    vhost: str
    component: str
    name: str
    value: Any


class ExchangeRow(NamedTuple):
    """A stored (so durable) exchange; `creator` is empty where it was not noted."""

    name: str
    type: str
    auto_delete: bool
    internal: bool
    arguments: Table
    creator: str


class QueueRow(NamedTuple):
    """A stored (so durable) queue; `delivered` as in `save_delivered`, None if damaged.

    `creator` is empty where it was not noted.
    """

    id: int
    name: str
    auto_delete: bool
    arguments: Table
    delivered: list[int] | None
    creator: str


class BindingRow(NamedTuple):
    """A stored binding, both ends of which are durable."""

    source: str
    destination: str
    destination_type: str
    routing_key: str
    arguments: Table


def octets(name: str) -> bytes:
    """A name as it is stored."""
    return name.encode("utf-8", "surrogateescape")


def name_of(raw: bytes) -> str:
    """The name that was stored so."""
    return bytes(raw).decode("utf-8", "surrogateescape")


def _by_key(table: SqlTable) -> Any:
    statement = delete(table)
    for column in table.primary_key.columns:
        statement = statement.where(column == bindparam(f"key_{column.name}"))
    return statement


def _named(keys: dict[str, Any]) -> dict[str, Any]:
    return {f"key_{name}": value for name, value in keys.items()}


_INSERT = {table.name: insert(table) for table in schema.metadata.sorted_tables}
_DELETE = {table.name: _by_key(table) for table in schema.metadata.sorted_tables}
_SAVE_DELIVERED = (
    update(schema.queue)
    .where(schema.queue.c.id == bindparam("key_id"))
    .values(delivered=bindparam("marks"))
)
_BATCHES = select(schema.batch.c.id).where(schema.batch.c.vhost_id == bindparam("vhost_id"))
_DELETE_VHOST = (
    delete(schema.settled).where(schema.settled.c.batch_id.in_(_BATCHES)),
    delete(schema.batch).where(schema.batch.c.vhost_id == bindparam("vhost_id")),
    *(
        delete(table).where(table.c.vhost == bindparam("vhost_name"))
        for table in schema.metadata.sorted_tables
        if "vhost" in table.c
    ),
    delete(schema.vhost).where(schema.vhost.c.id == bindparam("vhost_id")),
)


# What is deleted in one commit: about so many bytes, of so many batches at most.
_PIECE, _PIECES = 4 << 20, 500
_SIZES = (
    select(schema.batch.c.id, func.length(schema.batch.c.data))
    .where(schema.batch.c.vhost_id == bindparam("vhost_id"))
    .order_by(schema.batch.c.id)
    .limit(_PIECES)
)


def _delete_batches(connection: Connection, vhost_id: int) -> bool:
    # The first of a vhost; whether there may be more.
    chosen: list[int] = []
    size = 0
    for batch_id, length in connection.execute(_SIZES, {"vhost_id": vhost_id}):
        chosen.append(batch_id)
        size += length
        if size >= _PIECE:
            break
    if chosen:
        # All of the vhost's from its first on.
        mine = schema.batch.c.vhost_id == vhost_id
        upto = chosen[-1]
        ids = select(schema.batch.c.id).where(mine, schema.batch.c.id <= upto)
        connection.execute(delete(schema.settled).where(schema.settled.c.batch_id.in_(ids)))
        connection.execute(delete(schema.batch).where(mine, schema.batch.c.id <= upto))
    return bool(chosen)


class DefinitionStore:
    """Writes definitions with the next commit; a save replaces what was there."""

    def __init__(self, commit: GroupCommit, connection: Connection) -> None:
        self._commit = commit
        self._queue_id = int(connection.execute(select(func.max(schema.queue.c.id))).scalar() or 0)
        self._vhost_id = int(connection.execute(select(func.max(schema.vhost.c.id))).scalar() or 0)

    def next_queue_id(self) -> int:
        """An id for a new queue, durable or not."""
        self._queue_id += 1
        return self._queue_id

    def skip_queue_ids(self, upto: int) -> None:
        """No new queue gets an id up to this one: messages of a lost queue still name it."""
        self._queue_id = max(self._queue_id, upto)

    def skip_vhost_ids(self, upto: int) -> None:
        """As `skip_queue_ids`, for virtual hosts."""
        self._vhost_id = max(self._vhost_id, upto)

    def next_vhost_id(self) -> int:
        """An id for a new virtual host."""
        self._vhost_id += 1
        return self._vhost_id

    def _replace(self, table: SqlTable, keys: dict[str, Any], values: dict[str, Any]) -> None:
        row = {**keys, **values}
        row["checksum"] = schema.row_checksum(table, row)
        self._commit.change((_DELETE[table.name], _named(keys)), (_INSERT[table.name], row))

    def _delete(self, table: SqlTable, keys: dict[str, Any]) -> None:
        self._commit.execute(_DELETE[table.name], _named(keys))

    # -- writing -------------------------------------------------------------------------

    def save_vhost(self, vhost_id: int, name: str, metadata: dict[str, Any]) -> None:
        values = {"name": octets(name), "metadata": json.dumps(metadata)}
        self._replace(schema.vhost, {"id": vhost_id}, values)

    def delete_messages(self, vhost_id: int) -> Steps[None]:
        """All messages of a vhost, in many commits.  Its log must be discarded before.

        Others' commits have their turns: freeing 400 MiB in one takes seconds.
        """
        while (yield Ask(lambda connection: _delete_batches(connection, vhost_id), writes=True)):
            pass

    def delete_vhost(self, vhost_id: int, name: str) -> None:
        """All of a vhost: its definitions and messages.  Its log must be discarded before."""
        parameters = {"vhost_id": vhost_id, "vhost_name": octets(name)}
        self._commit.change(*((statement, parameters) for statement in _DELETE_VHOST))

    def save_user(
        self, name: str, password_hash: str, hashing_algorithm: str, tags: tuple[str, ...]
    ) -> None:
        values = {
            "password_hash": password_hash,
            "hashing_algorithm": hashing_algorithm,
            "tags": json.dumps(tags),
        }
        self._replace(schema.user, {"name": octets(name)}, values)

    def delete_user(self, name: str) -> None:
        self._delete(schema.user, {"name": octets(name)})

    def save_permission(self, user: str, vhost: str, configure: str, write: str, read: str) -> None:
        values = {"configure": octets(configure), "write": octets(write), "read": octets(read)}
        self._replace(schema.permission, {"user": octets(user), "vhost": octets(vhost)}, values)

    def delete_permission(self, user: str, vhost: str) -> None:
        self._delete(schema.permission, {"user": octets(user), "vhost": octets(vhost)})

    def save_topic_permission(
        self, user: str, vhost: str, exchange: str, write: str, read: str
    ) -> None:
        keys = {"user": octets(user), "vhost": octets(vhost), "exchange": octets(exchange)}
        self._replace(schema.topic_permission, keys, {"write": octets(write), "read": octets(read)})

    def delete_topic_permission(self, user: str, vhost: str, exchange: str) -> None:
        keys = {"user": octets(user), "vhost": octets(vhost), "exchange": octets(exchange)}
        self._delete(schema.topic_permission, keys)

    def save_policy(self, vhost: str, row: PolicyRow) -> None:
        values = {
            "pattern": octets(row.pattern),
            "apply_to": row.apply_to,
            "priority": row.priority,
            "definition": json.dumps(row.definition),
        }
        self._replace(schema.policy, {"vhost": octets(vhost), "name": octets(row.name)}, values)

    def delete_policy(self, vhost: str, name: str) -> None:
        self._delete(schema.policy, {"vhost": octets(vhost), "name": octets(name)})

    def save_parameter(self, vhost: str, component: str, name: str, value: Any) -> None:
        """`value` is anything that JSON can hold; `vhost` is empty for what belongs to none."""
        keys = {"vhost": octets(vhost), "component": octets(component), "name": octets(name)}
        self._replace(schema.parameter, keys, {"value": json.dumps(value)})

    def delete_parameter(self, vhost: str, component: str, name: str) -> None:
        keys = {"vhost": octets(vhost), "component": octets(component), "name": octets(name)}
        self._delete(schema.parameter, keys)

    def save_exchange(self, vhost: str, row: ExchangeRow) -> None:
        values = {
            "type": row.type,
            "auto_delete": row.auto_delete,
            "internal": row.internal,
            "arguments": tables_json.dump(row.arguments),
            "creator": octets(row.creator),
        }
        self._replace(schema.exchange, {"vhost": octets(vhost), "name": octets(row.name)}, values)

    def delete_exchange(self, vhost: str, name: str) -> None:
        self._delete(schema.exchange, {"vhost": octets(vhost), "name": octets(name)})

    def save_queue(
        self,
        vhost: str,
        name: str,
        queue_id: int,
        auto_delete: bool,
        arguments: Table,
        creator: str,
    ) -> None:
        values = {
            "id": queue_id,
            "auto_delete": auto_delete,
            "arguments": tables_json.dump(arguments),
            "delivered": marks_text(queue_id, []),
            "creator": octets(creator),
        }
        self._replace(schema.queue, {"vhost": octets(vhost), "name": octets(name)}, values)

    def delete_queue(self, vhost: str, name: str) -> None:
        self._delete(schema.queue, {"vhost": octets(vhost), "name": octets(name)})

    def save_delivered(self, queue_id: int, marks: list[int]) -> None:
        """Positions below which messages may have been delivered, one a priority level."""
        parameters = {"key_id": queue_id, "marks": marks_text(queue_id, marks)}
        self._commit.remark((_SAVE_DELIVERED, parameters))

    def save_binding(self, vhost: str, row: BindingRow) -> None:
        values = {
            "source": octets(row.source),
            "destination": octets(row.destination),
            "destination_type": row.destination_type,
            "routing_key": octets(row.routing_key),
            "arguments": tables_json.dump(row.arguments),
        }
        keys = {"vhost": octets(vhost), "identity": _identity(row)}
        self._replace(schema.binding, keys, values)

    def delete_binding(self, vhost: str, row: BindingRow) -> None:
        self._delete(schema.binding, {"vhost": octets(vhost), "identity": _identity(row)})


def marks_text(queue_id: int, marks: list[int]) -> str:
    """How the marks of a queue are stored: with a checksum of their own."""
    # They change on their own, so that the one of the row is not over them.
    text = json.dumps(marks)
    return f"{text}#{checksums.of_row((queue_id, text))}"


def _identity(row: BindingRow) -> bytes:
    # A key of bounded size, whatever names and arguments are like.
    ends = (row.source, row.destination_type, row.destination, row.routing_key)
    text = json.dumps([*ends, json.loads(tables_json.dump(row.arguments))], sort_keys=True)
    return sha256(text.encode()).digest()


class Definitions:
    """Reads at start what belongs to no vhost; what belongs to one is in contents.py."""

    def __init__(self, connection: Connection, damage: Damage | None = None) -> None:
        self.connection = connection
        self.damage = damage or Damage()
        self.damage.check_definitions(connection)
        self.damage.check_places(connection)

    def vhosts(self) -> list[VhostRow]:
        columns = schema.vhost.c
        rows = self.connection.execute(select(columns.id, columns.name, columns["metadata"]))
        return [VhostRow(row[0], name_of(row[1]), json.loads(row[2])) for row in rows]

    def users(self) -> list[UserRow]:
        rows = self.connection.execute(select(schema.user))
        return [
            UserRow(
                name_of(r.name), r.password_hash, r.hashing_algorithm, tuple(json.loads(r.tags))
            )
            for r in rows
        ]

    def permissions(self) -> list[PermissionRow]:
        rows = self.connection.execute(select(schema.permission))
        return [PermissionRow(*(name_of(value) for value in row[:-1])) for row in rows]

    def topic_permissions(self) -> list[TopicPermissionRow]:
        rows = self.connection.execute(select(schema.topic_permission))
        return [TopicPermissionRow(*(name_of(value) for value in row[:-1])) for row in rows]

    def parameters(self) -> list[ParameterRow]:
        rows = self.connection.execute(select(schema.parameter))
        return [
            ParameterRow(
                name_of(r.vhost), name_of(r.component), name_of(r.name), json.loads(r.value)
            )
            for r in rows
        ]
