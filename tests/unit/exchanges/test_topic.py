"""Topic matching: the matrix of spec 6.3, and the trie against a naive matcher."""

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchanges import topic
from exchanges.base import InvalidArgument
from exchanges.topic import Node, Trie, words_of
from tests.unit.exchanges.fakes import Queue, bind, make, routed

EVERYTHING = ("", ".", "a", "a.b", "..", "a..b", "*", "#", "a.b.c.d")

MATRIX = [
    # pattern, matches, does not match
    ("", ("",), (".", "a")),
    ("#", EVERYTHING, ()),
    ("#.#", EVERYTHING, ()),
    ("*", ("a", "*", "#"), ("", ".", "a.b")),
    ("*.*", (".", "a.b", ".a", "a."), ("", "a", "..")),
    ("a.#", ("a", "a.b", "a.", "a..b", "a.b.c.d"), ("", ".a")),
    ("#.a", ("a", ".a"), ("a.b",)),
    ("a.#.b", ("a.b", "a..b", "a.x.y.b"), ("a", "b")),
    ("*.#", (".", "a", "a.b", "..", "*"), ("",)),
    ("#.*", (".", "a", "a.b", "..", "*"), ("",)),
    ("#.b.#", ("b", "a.b", "a..b", "a.b.c.d"), ("a",)),
    (".", (".",), ("", "..")),
    ("*.", (".", "a."), ("a.b",)),
    ("*.rk2", ("rk1.rk2",), ("rk2", "rk1.rk1.rk2")),
    ("rk1.#", ("rk1.rk2", "rk1"), ("rk2.rk1",)),
    ("a*", ("a*",), ("ab", "a")),
    ("a.##", ("a.##",), ("a.b", "a")),
]


@pytest.mark.parametrize(
    ("pattern", "key", "expected"),
    [(pattern, key, True) for pattern, keys, _ in MATRIX for key in keys]
    + [(pattern, key, False) for pattern, _, keys in MATRIX for key in keys],
)
def test_matrix(pattern, key, expected):
    exchange, queue = make("topic"), Queue()
    bind(exchange, queue, pattern)
    assert routed(exchange, key) == ({queue} if expected else set())
    # The second time from memory.
    assert routed(exchange, key) == ({queue} if expected else set())


def test_each_of_several_keys():
    exchange, one, two = make("topic"), Queue("one"), Queue("two")
    bind(exchange, one, "a.*")
    bind(exchange, two, "b.*")
    assert routed(exchange, "b.1", "none", "a.1") == {one, two}


def test_three_hash_words_are_one_too_many():
    exchange = make("topic")
    text = "Topic binding key '#.a.#.b.#' uses 3 '#' wildcards, at most 2 are allowed"
    with pytest.raises(InvalidArgument) as refused:
        exchange.bind(Queue(), "queue", "#.a.#.b.#", {})
    assert str(refused.value) == text
    assert bind(exchange, Queue(), "a##.#.###.#")


def test_what_is_remembered_is_forgotten_with_every_change():
    exchange, one, two = make("topic"), Queue("one"), Queue("two")
    bind(exchange, one, "#")
    assert routed(exchange, "a") == {one}
    binding = bind(exchange, two, "a")
    assert routed(exchange, "a") == {one, two}
    exchange.discard(binding)
    assert routed(exchange, "a") == {one}


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(topic, "CACHE_SIZE", 30)
    exchange = make("topic")
    queues = {Queue() for _ in range(4)}
    for queue in queues:
        bind(exchange, queue, "#")
    for number in range(100):
        assert routed(exchange, f"key.{number}") == queues
        size = sum(1 + len(found) for found in exchange._cache.values())
        assert size == exchange._cached
        assert size <= 30


def test_one_result_larger_than_the_memory(monkeypatch):
    monkeypatch.setattr(topic, "CACHE_SIZE", 2)
    exchange = make("topic")
    queues = {Queue() for _ in range(4)}
    for queue in queues:
        bind(exchange, queue, "#")
    for key in "abab":
        assert routed(exchange, key) == queues
        assert len(exchange._cache) == 1


def test_the_trie_shrinks_again():
    trie = Trie()
    patterns = ["a.b", "a.*.#", "#.a", "", "a", "*"]
    for pattern in patterns:
        trie.add(pattern, "q")
    for pattern in patterns:
        trie.remove(pattern, "q")
    assert trie._root.is_bare


def test_a_pattern_that_goes_on_keeps_its_beginning():
    trie = Trie()
    trie.add("a.b", 1)
    trie.add("a", 2)
    trie.remove("a", 2)
    assert trie.match(["a", "b"]) == (1,)
    with pytest.raises(KeyError):
        trie.remove("a.b.c", 1)


class CountingDict(dict[str, Node]):
    """Counts look-ups, one of which is made for each node and word that are met."""

    count = 0

    def get(self, key, default=None):
        CountingDict.count += 1
        return super().get(key, default)


def test_many_hashes_do_not_multiply():
    # Without a limit of hashes, to be sure that the bound is that of the walk.
    trie, words = Trie(), ["a"] * 100
    pattern = ".".join(["#", "a"] * 12 + ["b"])
    trie.add(pattern, "q")
    nodes = [trie._root]
    for node in nodes:
        nodes.extend(filter(None, [*node.children.values(), node.any_number]))
        node.children = CountingDict(node.children)
    CountingDict.count = 0
    assert trie.match(words) == ()
    assert CountingDict.count <= len(nodes) * len(words)
    assert trie.match([*words, "b"]) == ("q",)


def naive(pattern: tuple[str, ...], words: tuple[str, ...]) -> bool:
    @cache
    def matches(at: int, word: int) -> bool:
        if at == len(pattern):
            return word == len(words)
        if pattern[at] == "#":
            return matches(at + 1, word) or (word < len(words) and matches(at, word + 1))
        if word == len(words) or pattern[at] not in ("*", words[word]):
            return False
        return matches(at + 1, word + 1)

    return matches(0, 0)


WORDS = st.sampled_from(["a", "b", "", "*", "#"])
PATTERNS = st.lists(WORDS, max_size=6).map(".".join)
STEPS = st.lists(
    st.tuples(st.sampled_from(["add", "remove", "match"]), PATTERNS, st.integers(0, 2)),
    max_size=40,
)


@given(STEPS)
def test_equals_a_naive_matcher(steps):
    trie = Trie()
    bound: list[tuple[str, int]] = []
    for step, pattern, destination in steps:
        if step == "add":
            trie.add(pattern, destination)
            bound.append((pattern, destination))
        elif step == "remove" and bound:
            trie.remove(*bound.pop(destination % len(bound)))
        else:
            words = tuple(words_of(pattern))
            expected = {to for key, to in bound if naive(tuple(words_of(key)), words)}
            found = trie.match(words)
            assert set(found) == expected
            assert len(found) == len(expected)
    for pattern, destination in bound:
        trie.remove(pattern, destination)
    assert trie._root.is_bare


@given(st.lists(PATTERNS, max_size=10), st.lists(PATTERNS, max_size=10))
def test_exchange_equals_a_naive_one_through_its_memory(patterns, keys):
    exchange = make("topic")
    bound = []
    for pattern, key in zip(patterns, keys, strict=False):
        if pattern.split(".").count("#") <= topic.MAX_HASHES:
            queue = Queue(pattern)
            bound.append((tuple(words_of(pattern)), queue))
            bind(exchange, queue, pattern)
        for each in (key, *keys):
            words = tuple(words_of(each))
            assert routed(exchange, each) == {to for way, to in bound if naive(way, words)}
