"""The topic exchange: patterns of words, with `*` for one word and `#` for any number (spec 6.3).

Here: the trie of patterns, the walk through it, and the results that are remembered.
"""

from collections.abc import Collection, Sequence
from typing import Any

from exchanges.base import (
    Binding,
    Counts,
    Exchange,
    InvalidArgument,
    Routable,
    Table,
    count_down,
    count_up,
)

MAX_HASHES = 2
CACHE_SIZE = 20_000
"""Routing keys and destinations, together, that an exchange remembers."""


def words_of(key: str) -> list[str]:
    """The empty key has no word at all, but `.` is two empty ones."""
    return key.split(".") if key else []


class Node:
    """A place in the trie: where a pattern stands after some of its words.

    `any_number` is the node after a `#`, which itself `swallows` words; `any_word` the one after
    a `*`.
    """

    __slots__ = ("any_number", "any_word", "children", "destinations", "swallows")

    def __init__(self, swallows: bool = False) -> None:
        self.children: dict[str, Node] = {}
        self.any_word: Node | None = None
        self.any_number: Node | None = None
        self.destinations: Counts = {}
        self.swallows = swallows

    @property
    def is_bare(self) -> bool:
        """No pattern ends here or goes on from here."""
        further = self.children or self.any_word or self.any_number
        return not further and not self.destinations

    def next(self, word: str) -> "Node | None":
        """The node after one more word of a pattern."""
        if word == "*":
            return self.any_word
        if word == "#":
            return self.any_number
        return self.children.get(word)

    def grow(self, word: str) -> "Node":
        """A new node after `word`."""
        node = Node(swallows=word == "#")
        if word == "*":
            self.any_word = node
        elif word == "#":
            self.any_number = node
        else:
            self.children[word] = node
        return node

    def cut(self, word: str) -> None:
        if word == "*":
            self.any_word = None
        elif word == "#":
            self.any_number = None
        else:
            del self.children[word]


class Trie:
    """Patterns and where they lead."""

    __slots__ = ("_root",)

    def __init__(self) -> None:
        self._root = Node()

    def add(self, pattern: str, destination: Any) -> None:
        node = self._root
        for word in words_of(pattern):
            node = node.next(word) or node.grow(word)
        count_up(node.destinations, destination)

    def remove(self, pattern: str, destination: Any) -> None:
        """Undo one `add`; KeyError when there was none."""
        node = self._root
        way: list[tuple[Node, str]] = []
        for word in words_of(pattern):
            way.append((node, word))
            following = node.next(word)
            if following is None:
                raise KeyError(pattern)
            node = following
        count_down(node.destinations, destination)
        for parent, word in reversed(way):
            if not node.is_bare:
                break
            parent.cut(word)
            node = parent

    def match(self, words: Sequence[str]) -> tuple[Any, ...]:
        """The destinations of all patterns that match, each once.

        All nodes that the words so far may lead to advance together, word by word. A node has one
        parent, so only nodes after a `#`, which stay where they are, could be met twice for one
        word; `_enter` sees to it that they are not. Work is bounded by nodes times words.
        """
        nodes: list[Node] = []
        _enter(self._root, nodes, set())
        for word in words:
            following: list[Node] = []
            swallowing: set[Node] = set()
            for node in nodes:
                child = node.children.get(word)
                if child is not None:
                    _enter(child, following, swallowing)
                if node.any_word is not None:
                    _enter(node.any_word, following, swallowing)
                if node.swallows:
                    _enter(node, following, swallowing)
            nodes = following
        found: Counts = {}
        for node in nodes:
            if node.destinations:
                found.update(node.destinations)
        return tuple(found)


def _enter(node: Node | None, nodes: list[Node], swallowing: set[Node]) -> None:
    # A `#` matches no word at all too: whoever is at a node is also behind the `#` after it.
    while node is not None:
        if node.swallows:
            if node in swallowing:
                return
            swallowing.add(node)
        nodes.append(node)
        node = node.any_number


class TopicExchange(Exchange):
    """Results are remembered by routing key until a binding changes."""

    __slots__ = ("_cache", "_cached", "_trie")

    type = "topic"

    def __init__(
        self, name: str, durable: bool, auto_delete: bool, internal: bool, arguments: Table
    ) -> None:
        super().__init__(name, durable, auto_delete, internal, arguments)
        self._trie = Trie()
        self._cache: dict[str, tuple[Any, ...]] = {}
        self._cached = 0

    def add(self, binding: Binding) -> None:
        key = binding.routing_key
        hashes = words_of(key).count("#")
        if hashes > MAX_HASHES:
            raise InvalidArgument(
                f"Topic binding key '{key}' uses {hashes} '#' wildcards, "
                f"at most {MAX_HASHES} are allowed"
            )
        self._trie.add(key, binding.destination)
        self._forget()

    def remove(self, binding: Binding) -> None:
        self._trie.remove(binding.routing_key, binding.destination)
        self._forget()

    def route(self, message: Routable) -> Collection[Any]:
        keys = message.routing_keys
        if len(keys) == 1:
            return self._match(keys[0])
        return [destination for key in keys for destination in self._match(key)]

    def _match(self, key: str) -> tuple[Any, ...]:
        found = self._cache.get(key)
        if found is None:
            found = self._trie.match(words_of(key))
            self._cached += 1 + len(found)
            if self._cached > CACHE_SIZE:
                # Dropping all is cheaper than knowing which, and those in use are soon back.
                self._forget()
                self._cached = 1 + len(found)
            self._cache[key] = found
        return found

    def _forget(self) -> None:
        if self._cached:
            self._cache.clear()
            self._cached = 0
