"""Definitions, there and back."""

from typing import Any

import pytest

from persistence.contents import PAGE, Contents
from persistence.damage import Damage
from persistence.definition_store import BindingRow, Definitions, DefinitionStore, ExchangeRow
from persistence.steps import at_once

ODD = b"caf\xe9 \xff\x00".decode("utf-8", "surrogateescape")
LONG = "ü" * 127
TABLE = {"x-a": ("l", 2**70), ODD: ("x", b"\x00\xff"), "t": ("F", {"s": ("S", ODD)})}


@pytest.fixture
def store(database):
    with database.engine.connect() as connection:
        return DefinitionStore(database.commit, connection)


def loaded(database, what, *arguments):
    database.written()
    with database.engine.connect() as connection:
        return list(getattr(Definitions(connection), what)(*arguments))


def contained(database, what, vhost, *arguments):
    found: list[Any] = []
    database.written()
    with database.engine.connect() as connection:
        at_once(getattr(Contents(vhost, Damage()), what)(*arguments, found.append), connection)
    return found


def test_vhosts(database, store):
    store.save_vhost(store.next_vhost_id(), ODD, {"description": ODD})

    assert loaded(database, "vhosts") == [(1, ODD, {"description": ODD})]


def test_users_are_replaced_and_deleted(database, store):
    store.save_user(ODD, "hash", "sha", ("administrator",))
    store.save_user(ODD, "other", "sha", ())
    assert loaded(database, "users") == [(ODD, "other", "sha", ())]
    store.delete_user(ODD)
    assert loaded(database, "users") == []


def test_permissions(database, store):
    store.save_permission(ODD, "/", ".*", ODD, "")
    assert loaded(database, "permissions") == [(ODD, "/", ".*", ODD, "")]
    store.delete_permission(ODD, "/")
    assert loaded(database, "permissions") == []


def test_exchanges_belong_to_their_vhost(database, store):
    store.save_exchange("/", ExchangeRow(LONG, "topic", True, False, TABLE, LONG))
    store.save_exchange("other", ExchangeRow(LONG, "direct", False, True, {}, ""))

    assert contained(database, "exchanges", "/") == [
        ExchangeRow(LONG, "topic", True, False, TABLE, LONG)
    ]
    store.delete_exchange("/", LONG)
    assert contained(database, "exchanges", "/") == []
    assert len(contained(database, "exchanges", "other")) == 1


def test_contents_of_many_pages(database, store):
    names = [f"q{number:05}" for number in range(2 * PAGE)]
    for number, name in enumerate(names):
        store.save_queue("/", name, number, False, {}, "ann")
    assert [row.name for row in contained(database, "queues", "/")] == names


def test_queues_and_their_delivered_marks(database, store):
    number = store.next_queue_id()
    store.save_queue("/", ODD, number, False, TABLE, LONG)
    store.save_delivered(number, [2**40, 0])
    assert contained(database, "queues", "/") == [(number, ODD, False, TABLE, [2**40, 0], LONG)]
    store.delete_queue("/", ODD)
    assert contained(database, "queues", "/") == []


def test_bindings_are_told_apart_by_all_that_they_are(database, store):
    first = BindingRow(LONG, ODD, "queue", ODD, TABLE)
    others = [
        BindingRow(LONG, ODD, "exchange", ODD, TABLE),
        BindingRow(LONG, ODD, "queue", ODD, {}),
        BindingRow(LONG, ODD, "queue", "", TABLE),
    ]
    for row in (first, first, *others):
        store.save_binding("/", row)
    assert len(contained(database, "bindings", "/")) == 4

    store.delete_binding("/", first._replace(arguments=dict(reversed(TABLE.items()))))

    left = contained(database, "bindings", "/")
    assert {tuple(map(repr, row)) for row in left} == {tuple(map(repr, row)) for row in others}


def test_the_order_within_arguments_means_nothing(database, store):
    inner = {"b": ("I", 1), "a": ("A", [("F", {"d": ("V", None), "c": ("t", True)})])}
    turned = {"a": ("A", [("F", {"c": ("t", True), "d": ("V", None)})]), "b": ("I", 1)}
    assert inner == turned
    row = BindingRow("e", "q", "queue", "k", {"x": ("F", inner)})
    same = row._replace(arguments={"x": ("F", turned)})
    store.save_binding("/", row)
    store.save_binding("/", same)
    assert len(contained(database, "bindings", "/")) == 1
    store.delete_binding("/", same)
    assert contained(database, "bindings", "/") == []


def test_a_queue_may_take_the_name_of_another_in_one_commit(database, store):
    first, second = store.next_queue_id(), store.next_queue_id()
    store.save_queue("/", "q", first, False, {}, "ann")
    store.delete_queue("/", "q")
    store.save_queue("/", "q", second, True, {}, "bob")

    assert contained(database, "queues", "/") == [(second, "q", True, {}, [], "bob")]


def test_ids_go_on_after_a_restart(opened):
    database = opened()
    with database.engine.connect() as connection:
        store = DefinitionStore(database.commit, connection)
    store.save_queue("/", "q", store.next_queue_id() + 6, False, {}, "")
    store.save_vhost(store.next_vhost_id() + 6, "/", {})
    database.written()
    with opened().engine.connect() as connection:
        again = DefinitionStore(database.commit, connection)

    assert (again.next_queue_id(), again.next_vhost_id()) == (8, 8)


@pytest.mark.timeout(20)
def test_ten_thousand_queues_in_one_commit(database, store):
    for number in range(1, 10_001):
        store.save_queue("/", f"q{number}", number, False, TABLE, "ann")

    rows = contained(database, "queues", "/")

    assert len(rows) == 10_000
    assert rows[-1].arguments == TABLE


def test_a_vhost_goes_with_all_that_is_in_it(opened):
    database = opened()
    with database.engine.connect() as connection:
        store = DefinitionStore(database.commit, connection)
    store.save_vhost(1, "gone", {})
    store.save_vhost(2, "stays", {})
    for name in ("gone", "stays"):
        store.save_queue(name, "q", store.next_queue_id(), False, {}, "")
        store.save_permission("guest", name, "", "", "")
    entries = database.publish(1, 2)
    database.written()
    database.log.settle(entries[0])
    database.written(force=True)
    database.publish(3)
    database.log.discard()
    store.delete_vhost(1, "gone")

    assert [row.name for row in loaded(database, "vhosts")] == ["stays"]
    assert contained(database, "queues", "gone") == []
    assert len(contained(database, "queues", "stays")) == 1
    assert len(loaded(database, "permissions")) == 1
    for table in ("batch", "settled"):
        assert database.scalar(f"SELECT count(*) FROM {table}") == 0
