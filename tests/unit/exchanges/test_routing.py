"""From exchange to queues: alternates, exchange to exchange, duplicates (spec 6.9, 6.10)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchanges import routing
from exchanges.base import Exchange
from exchanges.default import DefaultExchange
from tests.unit.exchanges.fakes import Queue, bind, make, message


class World:
    """Exchanges by name."""

    def __init__(self) -> None:
        self.exchanges: dict[str, Exchange] = {}

    def add(self, name, exchange_type="fanout", alternate=None):
        arguments = {"alternate-exchange": ("S", alternate)} if alternate else {}
        self.exchanges[name] = exchange = make(exchange_type, arguments, name)
        return exchange

    def find(self, exchange, *keys, **more):
        return routing.find(exchange, message(*keys, **more), self.exchanges.get)

    def queues(self, exchange, *keys, **more):
        return self.find(exchange, *keys, **more)[0]


@pytest.fixture
def world():
    return World()


def test_a_queue_once_however_many_ways_lead_to_it(world):
    exchange, queue = world.add("x", "topic"), Queue()
    for key in ("#", "a.*", "*.b", "a.b"):
        bind(exchange, queue, key)
    assert world.queues(exchange, "a.b", "a.c", "x.b") == [queue]


def test_queues_in_the_order_in_which_they_are_met(world):
    exchange = world.add("x", "direct")
    queues = [Queue(str(number)) for number in range(5)]
    for queue in queues:
        bind(exchange, queue, "k")
    assert world.queues(exchange, "k") == queues


def test_what_it_returns_is_the_callers(world):
    exchange, queue = world.add("x"), Queue()
    binding = bind(exchange, queue)
    found = world.queues(exchange)
    exchange.discard(binding)
    assert found == [queue]


@pytest.mark.parametrize("exchange_type", ["direct", "topic", "fanout"])
def test_plain_exchanges_may_be_remembered(world, exchange_type):
    exchange = world.add("x", exchange_type)
    assert world.find(exchange, "k") == ([], True)
    bind(exchange, Queue(), "k")
    assert world.find(exchange, "k")[1]
    assert routing.find(DefaultExchange({}), message("k"), lambda _: None) == ([], True)


@pytest.mark.parametrize("exchange_type", ["headers", "x-random", "x-recent-history"])
def test_others_not_wherever_they_are_met(world, exchange_type):
    first, second = world.add("x"), world.add("y", exchange_type)
    queue = Queue()
    bind(second, queue)
    assert world.find(second) == ([queue], False)
    bind(first, second)
    assert world.find(first) == ([queue], False)
    third = world.add("z", alternate="y")
    assert world.find(third) == ([queue], False)


def test_an_exchange_that_was_not_reached_does_not_matter(world):
    first, second, queue = world.add("x", "direct"), world.add("y", "headers"), Queue()
    bind(first, second, "other")
    bind(first, queue, "k")
    assert world.find(first, "k") == ([queue], True)


def test_chain_of_exchanges_and_keys(world):
    first, second, third = world.add("1"), world.add("2", "topic"), world.add("3", "direct")
    queue, other = Queue(), Queue()
    bind(first, second)
    bind(second, third, "*.b")
    bind(third, queue, "a.b")
    bind(third, other, "c.b")
    assert world.queues(first, "a.b") == [queue]
    assert world.queues(first, "x", "c.b") == [other]
    assert world.queues(first, "x") == []


def test_breadth_first(world):
    first, second, third = world.add("1"), world.add("2"), world.add("3")
    near, middle, far = Queue("near"), Queue("middle"), Queue("far")
    bind(first, second)
    bind(second, third)
    bind(third, far)
    bind(second, middle)
    bind(first, near)
    assert world.queues(first) == [near, middle, far]


def test_a_loop_ends(world):
    first, second, queue = world.add("1"), world.add("2"), Queue()
    bind(first, first)
    bind(first, second)
    bind(second, first)
    bind(second, queue)
    assert world.queues(first) == [queue]


def test_alternate_only_where_nothing_was_found(world):
    first, second = world.add("1", "direct", alternate="2"), world.add("2")
    queue, other = Queue("queue"), Queue("other")
    bind(first, queue, "k")
    bind(second, other)
    assert world.find(first, "k") == ([queue], True)
    assert world.find(first, "else") == ([other], True)


def test_a_missing_alternate_is_passed_over(world):
    assert world.find(world.add("1", alternate="none")) == ([], True)


def test_alternates_form_chains_and_rings(world):
    first = world.add("1", alternate="2")
    world.add("2", "direct", alternate="3")
    third, queue = world.add("3", "direct", alternate="1"), Queue()
    bind(third, queue, "k")
    assert world.queues(first, "k") == [queue]
    assert world.queues(first, "else") == []


def test_its_own_alternate(world):
    assert world.queues(world.add("1", alternate="1")) == []


def test_an_exchange_is_a_destination_even_if_it_leads_nowhere(world):
    # Then the alternate of the second may apply, not that of the first.
    first, second = world.add("1", alternate="a"), world.add("2", "direct", alternate="b")
    alternate, other, queue = world.add("a"), world.add("b"), Queue("queue")
    bind(first, second)
    bind(alternate, Queue("not this"))
    bind(other, queue)
    assert world.queues(first) == [queue]


def test_the_alternate_of_one_of_many(world):
    first, second, third = world.add("1"), world.add("2", "direct", alternate="4"), world.add("3")
    alternate, queue, other = world.add("4"), Queue("queue"), Queue("other")
    for exchange in (second, third):
        bind(first, exchange)
    bind(third, queue)
    bind(alternate, other)
    assert world.queues(first) == [queue, other]


def test_an_exchange_is_asked_only_once(world):
    first, history, queue = (
        world.add("1", alternate="2"),
        world.add("2", "x-recent-history"),
        Queue(),
    )
    second = world.add("3")
    bind(first, second)
    bind(first, history)
    bind(second, history)
    bind(history, queue)
    assert world.queues(first) == [queue]
    assert len(list(history.on_bound(bind(history, Queue("new"))))) == 1
    assert len(world.queues(history)) == 2
    assert len(list(history.on_bound(bind(history, Queue("newer"))))) == 2


NAMES = "abcdef"
TYPES = st.sampled_from(["fanout", "direct", "topic", "headers", "x-random"])
EDGES = st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES + "123"), st.sampled_from("kl"))


@given(
    st.fixed_dictionaries(
        {name: st.tuples(TYPES, st.sampled_from(["", *NAMES])) for name in NAMES}
    ),
    st.lists(EDGES, max_size=25),
)
def test_terminates_and_finds_what_can_be_reached(kinds, edges):
    world = World()
    queues = {name: Queue(name) for name in "123"}
    for name, (exchange_type, alternate) in kinds.items():
        world.add(name, exchange_type, alternate)
    for source, destination, key in edges:
        end = queues.get(destination) or world.exchanges[destination]
        kind = "queue" if destination in queues else "exchange"
        world.exchanges[source].bind(end, kind, key, {})
    found, cacheable = world.find(world.exchanges["a"], "k")
    assert len(found) == len(set(found))
    if all(exchange_type != "x-random" for exchange_type, _ in kinds.values()):
        reached, per_message = reachable(world, kinds, edges)
        assert {queue.name for queue in found} == reached
        assert cacheable is not per_message


def reachable(world, kinds, edges):
    """Names of the queues that key `k` leads to from `a`, and whether a headers exchange did."""
    queues: set[str] = set()
    visited: set[str] = set()
    waiting = ["a"]
    while waiting:
        name = waiting.pop()
        if name in visited or name not in kinds:
            queues |= {name} - visited
            continue
        visited.add(name)
        exchange_type, alternate = kinds[name]
        any_key = exchange_type in ("fanout", "headers")
        ends = [end for source, end, key in edges if source == name and (any_key or key == "k")]
        waiting += ends or [alternate] * bool(alternate)
    return queues, any(kinds[name][0] == "headers" for name in visited)
