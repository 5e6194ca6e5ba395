"""Regular expressions that anybody may send, searched for in names at a bounded cost.

A few characters are enough to keep Python's matcher busy for years, and it holds the interpreter
meanwhile. What is sure to take few steps is therefore matched here; all else in a process of its
own (pattern_search.py), which ends itself in time. What may be filtered is said in paging.py.
"""

import asyncio
import marshal
import re
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Sequence
from pathlib import Path

from mgmt_ui import pattern_search
from mgmt_ui.errors import ApiError, bad_request
from mgmt_ui.turns import next_turn

INVALID = "Pagination parameters are invalid"
TOO_SLOW = "the pattern takes too long to match"

# The steps that matching may take at most: for one name (0.2 ms), and in all (0.2 s).
STEPS_FOR_ONE, STEPS = 20_000, 20_000_000
# How many names are looked at before others have their turn.
SLICE = 500
# How many processes may be at work; each for a second at most.
MOST_PROCESSES = 4

_ATOM = r"(?:[\w \-/@#%&~,;:=<>!\"'`]|\\\W|\\[dDsSwW]|\.|\[\^?[\w .,:;/@\-]+\])"
# No repeats of groups, no references, no look around.
_PLAIN = re.compile(rf"(?:{_ATOM}[*+?]?|\(\?:|\(|\)(?![*+?{{])|[|^$])*", re.ASCII)
_REPEATED = re.compile(rf"{_ATOM}([*+?]?)", re.ASCII)

_processes = 0


async def search(pattern: str, names: Sequence[str]) -> list[bool]:
    """Whether each name has a match, anywhere and whatever the case.

    ApiError 400 for what is no pattern and for what takes too long, 503 when too many are asked
    for at the same time.
    """
    steps = _steps(pattern, names)
    if steps is None or steps > STEPS:
        return await _search_elsewhere(pattern, names)
    try:
        found = pattern_search.compiled(pattern).search
    except pattern_search.ERRORS:
        raise bad_request(INVALID) from None
    flags: list[bool] = []
    for start in range(0, len(names), SLICE):
        flags += [found(name) is not None for name in names[start : start + SLICE]]
        await next_turn()
    return flags


def _steps(pattern: str, names: Sequence[str]) -> int | None:
    """How many steps the search takes at the worst; None if that cannot be said, or too many."""
    if not _PLAIN.fullmatch(pattern):
        return None
    repeats = [mark[1] for mark in _REPEATED.finditer(pattern)]
    # A match begins at any character, each star ends at any, and each choice doubles the ways.
    power = 1 + repeats.count("*") + repeats.count("+")
    ways = 1 << min(repeats.count("?") + pattern.count("|"), 64)
    if max(map(len, names), default=0) ** power * ways > STEPS_FOR_ONE:
        return None
    steps: int = ways * sum(len(name) ** power for name in names)
    return steps


async def _search_elsewhere(pattern: str, names: Sequence[str]) -> list[bool]:
    global _processes
    if _processes >= MOST_PROCESSES:
        raise ApiError(503, "service_unavailable", "too many patterns are searched for")
    _processes += 1
    try:
        # Isolated and without site-packages: it starts in a few milliseconds.
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", str(Path(pattern_search.__file__))),
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
        )
        question = marshal.dumps((pattern, list(names)))
        answer, _ = await process.communicate(question)
    finally:
        _processes -= 1
    if process.returncode == pattern_search.NO_PATTERN:
        raise bad_request(INVALID)
    if process.returncode or len(answer) != len(names):
        raise bad_request(TOO_SLOW)
    return [bool(each) for each in answer]
