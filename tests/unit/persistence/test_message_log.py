"""Keeping, settling, and finding everything again."""

from persistence import message_log
from tests.unit.persistence.kit import Entry, Message


def test_messages_come_back_as_they_were(opened):
    database = opened()
    message = Message([b"two ", b"chunks"])
    for queue in (1, 2):
        database.log.append(Entry(message, queue, 7 + queue, 123456 if queue == 2 else None))
    database.written()

    found = opened().recover()

    assert [r for _, r, _ in found] == [(0, 1, 8, None), (1, 2, 9, 123456)]
    assert found[0][0] is found[1][0]
    assert found[0][0].body == b"two chunks"
    assert found[0][0].route == message.route.raw
    assert found[0][0].header == message.header.payload


def test_settled_before_it_was_written_is_never_written(opened):
    database = opened()
    entries = database.publish(1, 2, 3)
    database.log.settle(entries[1])
    database.written()

    assert entries[1].batch is None
    assert opened().positions() == [1, 3]


def test_settled_in_a_batch_that_was_sealed_early_is_never_written(opened):
    database = opened()
    entries = database.publish(1, 2, 3)
    database.log.seal()
    database.log.settle(entries[0])
    database.written()

    assert database.scalar("SELECT count(*) FROM settled") == 0
    assert opened().positions() == [2, 3]


def test_a_batch_is_sealed_when_it_is_full(database):
    database.publish(1, 2, body=bytes(message_log.BATCH_BYTES))
    assert len(database.log.sealed) == 2

    database.written()

    assert database.scalar("SELECT count(*) FROM batch") == 2


def test_references_to_queues_that_are_gone_are_settled(opened):
    database = opened()
    database.publish(1, 2, queue=1)
    database.publish(3, queue=2)
    database.publish(4, queue=3)
    database.written()
    database = opened()
    assert [r.queue_id for _, r, _ in database.recover({2, 3})] == [2, 3]

    database.publish(5, queue=2)
    database.written()

    # The id of a queue that is gone may be used again.
    assert [r.position for _, r, _ in opened().recover({1, 2, 3})] == [3, 4, 5]


def test_recovered_messages_can_be_settled(opened):
    database = opened()
    database.publish(1, 2, 3)
    database.written()
    database = opened()
    _, reference, batch = database.recover()[1]
    entry = Entry(Message(b""), 1, reference.position)
    entry.batch, entry.ref = batch, reference.ordinal
    database.log.settle(entry)
    database.written(force=True)

    assert opened().positions() == [1, 3]


def test_an_unreadable_batch_is_set_aside_and_the_rest_comes_up(opened, caplog):
    database = opened()
    for position in (1, 2, 3):
        database.publish(position)
        database.written()
    database.change("INSERT INTO vhost VALUES (1, CAST('/' AS BLOB), '{}', 0)")
    second = "(SELECT id FROM batch ORDER BY id LIMIT 1 OFFSET 1)"
    database.change(f"UPDATE batch SET data = x'0102' WHERE id = {second}")
    database = opened()

    assert database.positions() == [1, 3]
    assert "vhost '/': batch 2 cannot be read" in caplog.text
    assert database.scalar("SELECT hex(data) FROM quarantine") == "0102"
    assert opened().positions() == [1, 3]


def test_settlements_of_a_set_aside_batch_do_not_count_for_a_later_one(opened, caplog):
    database = opened()
    entries = database.publish(1, 2, 3)
    database.written()
    database.log.settle(entries[1])
    database.written(force=True)
    database.change("UPDATE batch SET data = x'00'")
    opened().recover()
    database = opened()
    database.publish(4, 5, 6)
    database.written()

    assert opened().positions() == [4, 5, 6]
    assert "set aside" in caplog.text


def test_ids_only_grow_even_past_settlements_left_behind(opened):
    database = opened()
    database.change("INSERT INTO settled (batch_id, data) VALUES (50, x'00')")
    database = opened()
    database.publish(1, 2)
    database.written()

    assert database.scalar("SELECT min(id) FROM batch") > 50


def test_unreadable_settlements_bring_messages_again_rather_than_lose_them(opened, caplog):
    database = opened()
    entries = database.publish(1, 2, 3)
    database.written()
    database.log.settle(entries[0])
    database.written(force=True)
    database.change("UPDATE settled SET data = x'0100000001000000'")

    assert opened().positions() == [1, 2, 3]
    assert "comes again" in caplog.text
