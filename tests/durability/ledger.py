"""What a broker was told and what it promised, message by message, and the judgement after a crash.

Written by clients on their own threads while the broker lives; read when all of them have ended.
Each queue has an Account; a body names its publisher and its number, so that a message can be
told wherever it turns up.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple


class Key(NamedTuple):
    """A message: the publisher's name and its count."""

    publisher: str
    number: int


class Found(NamedTuple):
    """A message as it was found after a restart, or delivered before."""

    key: Key
    redelivered: bool


def make_body(key: Key, size: int) -> bytes:
    """Key, filling, and a checksum over both."""
    start = f"{key.publisher}:{key.number}:".encode()
    filled = start + b"x" * max(0, size - len(start) - 16)
    return filled + hashlib.md5(filled, usedforsecurity=False).digest()


def read_body(body: bytes) -> Key:
    """The key in a body; AssertionError when an octet of it has changed."""
    filled, digest = body[:-16], body[-16:]
    assert hashlib.md5(filled, usedforsecurity=False).digest() == digest, f"damaged: {body[:80]!r}"
    publisher, number, _ = filled.split(b":", 2)
    return Key(publisher.decode(), int(number))


@dataclass
class Account:
    """One queue: every set only grows while the broker lives.

    `sent` is noted before a message goes out, `confirmed` when its confirm has come; `delivered`
    when a consumer has it, `acked` before the ack goes out, `committed` when a later confirm or
    tx.commit-ok on the same channel says that the ack is on disk.
    """

    sent: set[Key] = field(default_factory=set)
    confirmed: set[Key] = field(default_factory=set)
    delivered: set[Key] = field(default_factory=set)
    acked: set[Key] = field(default_factory=set)
    committed: set[Key] = field(default_factory=set)

    def judge(self, found: Iterable[Found], context: str = "") -> None:
        """Raises AssertionError unless the messages found keep every promise."""
        found = list(found)
        keys = [each.key for each in found]
        present = set(keys)
        lost = self.confirmed - self.acked - present
        assert not lost, f"{context}: confirmed and lost: {_some(lost)}"
        back = self.committed & present
        assert not back, f"{context}: acked, committed and back: {_some(back)}"
        invented = present - self.sent
        assert not invented, f"{context}: never sent: {_some(invented)}"
        assert len(present) == len(keys), f"{context}: twice in the queue: {_doubles(keys)}"
        self._judge_order(keys, context)
        silent = {each.key for each in found if not each.redelivered} & self.delivered
        assert not silent, f"{context}: delivered before, not marked redelivered: {_some(silent)}"

    def _judge_order(self, keys: list[Key], context: str) -> None:
        last: dict[str, Key] = {}
        for key in keys:
            before = last.get(key.publisher)
            assert before is None or before < key, f"{context}: {key} behind {before}"
            last[key.publisher] = key


def _some(keys: Iterable[Key]) -> str:
    ordered = sorted(keys)
    return f"{len(ordered)} of them, first {ordered[:5]}, last {ordered[-1]}"


def _doubles(keys: list[Key]) -> str:
    seen: set[Key] = set()
    return _some({key for key in keys if key in seen or seen.add(key)})  # type: ignore[func-returns-value]
