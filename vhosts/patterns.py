"""The regular expressions that people give, searched for at a bounded cost (spec 10.3, 10.4).

Here: compiling, and searching so that no pattern can hold the loop.  Not here: how those of PCRE,
which RabbitMQ has, read in another dialect (pcre.py).

A few characters keep a matcher that goes back and forth busy for years.  What is sure to take few
steps is left to Python's own; all else to the package `regex`, which stops when told to.  As in
RabbitMQ a search that is given up has found nothing, and patterns see octets, not characters.
"""

import logging
import re
from collections.abc import Callable
from typing import Any

from vhosts import errors, pcre

logger = logging.getLogger("leveret.vhosts")

# Longer ones take more than 50 ms to be compiled.
MAX_LENGTH = 4096
# The steps of some 10 ns that a search of Python's own may take at the worst.
CHEAP_STEPS = 140_000
# A name, a routing key: the longest that most patterns meet.
LENGTH = 255
# The seconds of a search: those that all have, and those that it may have now and then.
AT_ONCE, AT_MOST = 0.0005, 0.010
# How often it may have more; each search that is quick gives a tenth back.
PATIENCE = 20.0
COST_OF_MORE, COST_OF_FAILURE = 1.0, 5.0

_ATOM = (
    r"(?:[\w \-/@#%&~,;:=<>!\"'`\x80-\U0010ffff]|\\\W|\\[dDsSwW]|\."
    r"|\[\^?(?:[\w .,:;/@\x80-\U0010ffff]|-(?!-))+\])"
)
# No repeats of groups, no references, no look around: what reads the same in all dialects.
_PLAIN = re.compile(rf"(?:{_ATOM}[*+?]?|\(\?:|\((?![*?])|\)(?![*+?{{])|[|^$])*", re.ASCII)
_REPEATED = re.compile(rf"{_ATOM}([*+?]?)", re.ASCII)


class InvalidPattern(ValueError):
    """This is no regular expression; its text says why."""


class Pattern:
    """A pattern ready to search.

    With `ignore_case` it is for people who look for something, and sees characters.  Raises
    InvalidPattern.
    """

    __slots__ = ("_find", "_ignore_case", "_patience", "demanding", "overruns", "text")

    def __init__(self, text: str, *, ignore_case: bool = False, longest: int = LENGTH) -> None:
        if len(text) > MAX_LENGTH:
            raise InvalidPattern("regular expression is too large")
        self.text = text
        self._ignore_case = ignore_case
        self._patience = PATIENCE
        seen = text if ignore_case else _octets(text)
        self.demanding = not is_cheap(seen, longest)
        """Whether a search may take long; one that does not takes about a millisecond at most."""
        self.overruns = 0
        """How many searches have taken longer than all may."""
        self._find: Callable[..., Any] = self._compiled(seen)

    def _compiled(self, seen: str) -> Callable[..., Any]:
        if self.demanding:
            found: Callable[..., Any] = pcre.compiled(seen, self._ignore_case).search
            return found
        try:
            return re.compile(seen, re.IGNORECASE if self._ignore_case else re.ASCII).search
        except (re.error, OverflowError, RecursionError) as error:
            raise InvalidPattern(str(error)) from None

    def search(self, name: str) -> bool:
        """Whether there is a match anywhere in `name`; False where it takes too long to say."""
        return self.find(name) or False

    def find(self, name: str) -> bool | None:
        """The same, with None where it takes too long."""
        seen = name if self._ignore_case else _octets(name)
        if not self.demanding:
            return self._find(seen) is not None
        try:
            found = self._find(seen, timeout=AT_ONCE) is not None
        except TimeoutError:
            return self._find_patiently(seen)
        self._patience = min(PATIENCE, self._patience + 0.1)
        return found

    def _find_patiently(self, seen: str) -> bool | None:
        self.overruns += 1
        if self.overruns == 1:
            logger.warning("the pattern %r takes long for some names", self.text)
        if self._patience < COST_OF_FAILURE:
            return None
        self._patience -= COST_OF_MORE
        try:
            return self._find(seen, timeout=AT_MOST) is not None
        except TimeoutError:
            self._patience -= COST_OF_FAILURE
            return None


def is_cheap(pattern: str, longest: int) -> bool:
    """Whether it takes few steps to search for it in what has up to `longest` characters."""
    if not _PLAIN.fullmatch(pattern):
        return False
    repeats = [mark[1] for mark in _REPEATED.finditer(pattern)]
    # A match begins at any character, each star ends at any, and each choice doubles the ways.
    power = repeats.count("*") + repeats.count("+") + (not _is_anchored(pattern))
    ways = 1 << min(repeats.count("?") + pattern.count("|"), 64)
    steps: int = max(longest, 1) ** power * ways
    return steps <= CHEAP_STEPS


def _is_anchored(pattern: str) -> bool:
    depth = 0
    for character in re.sub(r"\\.|\[[^]]*\]", "", pattern):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "|" and not depth:
            return False
    return pattern.startswith("^")


def _octets(text: str) -> str:
    # A character for each octet: names need not be UTF-8, and RabbitMQ looks at octets, too.
    if text.isascii():
        return text
    return text.encode("utf-8", "surrogateescape").decode("latin-1")


def invalid_pattern(pattern: str) -> str | None:
    """Why this is no regular expression; None where it is one."""
    try:
        Pattern(pattern)
    except InvalidPattern as error:
        return str(error)
    return None


def compiled(pattern: str) -> Pattern | None:
    """The pattern ready to search; None for the empty one, which matches nothing.

    Raises InvalidValue for what is no regular expression.
    """
    if not pattern:
        return None
    try:
        return Pattern(pattern)
    except InvalidPattern as error:
        shown = pattern if len(pattern) <= 200 else pattern[:200] + "..."
        raise errors.InvalidValue(f"invalid regular expression '{shown}': {error}") from None
