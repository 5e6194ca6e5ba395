"""The consistent-hash exchange (spec 6.6)."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchanges.base import InvalidArgument
from tests.unit.exchanges.fakes import Queue, bind, make, message, routed

KEYS = [f"user-{number}" for number in range(4000)]


def owner(exchange, key, **more):
    (destination,) = exchange.route(message(key, **more))
    return destination.name


def owners(exchange, keys=KEYS):
    return {key: owner(exchange, key) for key in keys}


def with_queues(*names, weight="1"):
    exchange = make("x-consistent-hash")
    for name in names:
        bind(exchange, Queue(name), weight)
    return exchange


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("x", 'The binding key must be an integer: <<"x">>'),
        ("", "The binding key must be an integer: <<>>"),
        ("1.5", 'The binding key must be an integer: <<"1.5">>'),
        ("1_0", 'The binding key must be an integer: <<"1_0">>'),
        ("٣", 'The binding key must be an integer: <<"٣"/utf8>>'),
        ("0", "The binding key must be greater than 0"),
        ("-5", "The binding key must be greater than 0"),
        ("10001", "The binding key must not exceed 10000"),
        ("9" * 200, "The binding key must not exceed 10000"),
    ],
)
def test_bad_weights(key, text):
    exchange = make("x-consistent-hash")
    with pytest.raises(InvalidArgument) as refused:
        exchange.bind(Queue(), "queue", key, {})
    assert str(refused.value) == text
    assert routed(exchange, "k") == set()


@pytest.mark.parametrize("key", ["1", "10000", "007", "+5"])
def test_good_weights(key):
    exchange, queue = make("x-consistent-hash"), Queue()
    bind(exchange, queue, key)
    assert routed(exchange, "k") == {queue}


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            {"hash-header": ("S", "h"), "hash-property": ("S", "message_id")},
            "hash-header and hash-property are mutually exclusive",
        ),
        ({"hash-property": ("S", "app_id")}, "Unsupported property: app_id"),
        ({"hash-property": ("I", 1)}, "Unsupported property: 1"),
    ],
)
def test_bad_arguments(arguments, text):
    with pytest.raises(InvalidArgument) as refused:
        make("x-consistent-hash", arguments)
    assert str(refused.value) == text


def test_one_destination_and_always_the_same():
    exchange = with_queues("a", "b", "c")
    assert owners(exchange) == owners(exchange)
    assert set(owners(exchange).values()) == {"a", "b", "c"}


def test_the_first_key_counts():
    exchange = with_queues("a", "b", "c")
    for key in KEYS[:50]:
        (destination,) = exchange.route(message(key, "copy", "another"))
        assert destination.name == owner(exchange, key)


def test_weights_are_shares():
    exchange = make("x-consistent-hash")
    for name, weight in (("a", "1"), ("b", "2"), ("c", "5")):
        bind(exchange, Queue(name), weight)
    counts = Counter(owners(exchange).values())
    for name, eighths in (("a", 1), ("b", 2), ("c", 5)):
        assert counts[name] == pytest.approx(len(KEYS) * eighths / 8, rel=0.15)


def test_does_not_depend_on_the_order_of_binding():
    assert owners(with_queues("a", "b", "c")) == owners(with_queues("c", "a", "b"))


def test_deleted_and_bound_again_all_is_as_before():
    exchange = with_queues("a", "b", "c", "d")
    before = owners(exchange)
    binding = next(b for b in exchange.bindings.values() if b.destination.name == "b")
    exchange.discard(binding)
    without = owners(exchange)
    bind(exchange, Queue("b"), "1")
    assert owners(exchange) == before
    assert {key for key in KEYS if without[key] != before[key]} == {
        key for key in KEYS if before[key] == "b"
    }


@given(
    st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 10_000), min_size=2),
    st.data(),
)
def test_only_keys_of_the_one_that_goes_move(weights, data):
    exchange = make("x-consistent-hash")
    bindings = {name: bind(exchange, Queue(name), str(w)) for name, w in weights.items()}
    before = owners(exchange, KEYS[:60])
    gone = data.draw(st.sampled_from(sorted(weights)))
    exchange.discard(bindings[gone])
    after = owners(exchange, KEYS[:60])
    assert all(after[key] == before[key] for key in after if before[key] != gone)
    assert gone not in after.values()


def test_a_second_binding_of_a_queue_adds_nothing_and_takes_all_along():
    exchange = with_queues("other")
    queue = Queue("a")
    bind(exchange, queue, "1")
    before = owners(exchange)
    second = bind(exchange, queue, "500")
    assert owners(exchange) == before
    exchange.discard(second)
    assert set(owners(exchange).values()) == {"other"}
    assert exchange.unbind(queue, "queue", "1", {})


def test_hash_header():
    exchange = make("x-consistent-hash", {"hash-header": ("S", "h")})
    for name in "abcd":
        bind(exchange, Queue(name), "1")
    by_value = {
        key: {owner(exchange, other, headers={"h": ("S", key)}) for other in KEYS[:5]}
        for key in KEYS[:100]
    }
    assert all(len(found) == 1 for found in by_value.values())
    assert {name for found in by_value.values() for name in found} == set("abcd")
    # Without it all go one way.
    assert len({owner(exchange, key) for key in KEYS}) == 1
    widths = {owner(exchange, "", headers={"h": (tag, 7)}) for tag in "bBsuIilL"}
    assert len(widths) == 1


def test_a_hash_header_that_is_no_string_is_never_found():
    exchange = make("x-consistent-hash", {"hash-header": ("I", 1)})
    for name in "abcd":
        bind(exchange, Queue(name), "1")
    assert len({owner(exchange, key) for key in KEYS}) == 1


@pytest.mark.parametrize("name", ["correlation_id", "message_id", "timestamp"])
def test_hash_property(name):
    exchange = make("x-consistent-hash", {"hash-property": ("S", name)})
    for queue in "abcd":
        bind(exchange, Queue(queue), "1")
    found = {owner(exchange, "same", properties={name: number}) for number in range(100)}
    assert found == set("abcd")
    assert len({owner(exchange, key) for key in KEYS}) == 1


def test_no_binding_is_no_destination():
    assert routed(make("x-consistent-hash"), "k") == set()


def test_exchanges_and_queues_of_one_name_share():
    exchange, queue, other = make("x-consistent-hash"), Queue("a"), make("fanout", name="a")
    bind(exchange, queue, "1")
    bind(exchange, other, "1")
    found = [next(iter(exchange.route(message(key)))) for key in KEYS]
    assert found.count(queue) == pytest.approx(len(KEYS) / 2, rel=0.15)
