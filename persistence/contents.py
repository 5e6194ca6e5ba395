"""What is stored of one virtual host: policies, parameters, exchanges, queues, bindings.

Here: reading them a page at a time, and that their rows are whole.  Not here: what is made of
them (vhosts/recovery.py), messages (recovery.py).
"""

import json
from collections.abc import Callable, Sequence
from functools import partial
from sys import intern
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, Table, select

from persistence import schema, tables_json
from persistence.damage import Damage, damaged_rows
from persistence.definition_store import (
    BindingRow,
    ExchangeRow,
    PolicyRow,
    QueueRow,
    marks_text,
    name_of,
    octets,
)
from persistence.steps import Ask, Steps

R = TypeVar("R")

# Rows that are read at once.
PAGE = 500
# And taken before others may have their turn: what is made of one takes some 50 us.
FEW = 10


class Contents:
    """The definitions in the virtual host `name`, in the order of their keys.

    `damage` is told what is not whole.
    """

    def __init__(self, name: str, damage: Damage) -> None:
        self._name = name
        self._damage = damage
        self._vhost = octets(name)

    def check(self) -> Steps[None]:
        """Sets aside what is damaged of them, as a start does with all there is."""
        found = yield Ask(lambda connection: damaged_rows(connection, self._vhost))
        if found:
            damage = self._damage
            yield Ask(lambda connection: damage.set_rows_aside(connection, found), writes=True)

    def policies(self, take: Callable[[PolicyRow], object]) -> Steps[None]:
        """Has `take` called with each; the same for all that follow."""
        yield from self._each(schema.policy, {}, _policy, take)

    def parameters(self, component: str, take: Callable[[tuple[str, Any]], object]) -> Steps[None]:
        """Names and values of the parameters of one component."""
        fixed = {"component": octets(component)}
        yield from self._each(schema.parameter, fixed, _parameter, take)

    def exchanges(self, take: Callable[[ExchangeRow], object]) -> Steps[None]:
        yield from self._each(schema.exchange, {}, _exchange, take)

    def queues(self, take: Callable[[QueueRow], object]) -> Steps[None]:
        yield from self._each(schema.queue, {}, self._queue, take)

    def bindings(self, take: Callable[[BindingRow], object]) -> Steps[None]:
        yield from self._each(schema.binding, {}, _binding, take)

    def _queue(self, row: Row[Any]) -> QueueRow:
        arguments = tables_json.load(row.arguments)
        name = name_of(row.name)
        marks = _marks(row)
        if marks is None:
            self._damage.report(
                f"vhost '{self._name}': the checksum of what is known of deliveries from queue "
                f"'{name}' does not fit",
                "all its messages come back as redelivered",
            )
        return QueueRow(row.id, name, row.auto_delete, arguments, marks, _creator(row))

    def _each(
        self,
        table: Table,
        fixed: dict[str, bytes],
        make: Callable[[Row[Any]], R],
        take: Callable[[R], object],
    ) -> Steps[None]:
        keys = {"vhost": self._vhost, **fixed}
        (last_key,) = (c.name for c in table.primary_key.columns if c.name not in keys)
        after: bytes | None = None
        while True:
            rows, after = yield Ask(partial(_page, table, keys, last_key, after, make))
            for number, row in enumerate(rows):
                take(row)
                if not number % FEW:
                    yield None
            if after is None:
                return


def _page(
    table: Table,
    keys: dict[str, bytes],
    last_key: str,
    after: bytes | None,
    make: Callable[[Row[Any]], R],
    connection: Connection,
) -> tuple[Sequence[R], bytes | None]:
    # The rows behind the key `after`, and the key to go on from, None at the end.
    wanted = select(table).where(*(table.c[name] == key for name, key in keys.items()))
    if after is not None:
        wanted = wanted.where(table.c[last_key] > after)
    rows = connection.execute(wanted.order_by(table.c[last_key]).limit(PAGE)).all()
    going_on = bytes(getattr(rows[-1], last_key)) if len(rows) == PAGE else None
    return [make(row) for row in rows], going_on


def _policy(row: Row[Any]) -> PolicyRow:
    definition = json.loads(row.definition)
    return PolicyRow(
        name_of(row.name), name_of(row.pattern), row.apply_to, row.priority, definition
    )


def _parameter(row: Row[Any]) -> tuple[str, Any]:
    return name_of(row.name), json.loads(row.value)


def _exchange(row: Row[Any]) -> ExchangeRow:
    arguments = tables_json.load(row.arguments)
    return ExchangeRow(
        name_of(row.name), row.type, row.auto_delete, row.internal, arguments, _creator(row)
    )


def _creator(row: Row[Any]) -> str:
    # One string for all that the same user declared.
    return intern(name_of(row.creator or b""))


def _marks(row: Row[Any]) -> list[int] | None:
    # None where they are damaged.
    try:
        text, _, _ = row.delivered.partition("#")
        marks = [int(mark) for mark in json.loads(text)]
    except (ValueError, TypeError, AttributeError):
        return None
    # Those of before schema 4 are the numbers alone.
    return marks if row.delivered in (text, marks_text(row.id, marks)) else None


def _binding(row: Row[Any]) -> BindingRow:
    return BindingRow(
        name_of(row.source),
        name_of(row.destination),
        row.destination_type,
        name_of(row.routing_key),
        tables_json.load(row.arguments),
    )
