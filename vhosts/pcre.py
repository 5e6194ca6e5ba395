"""Regular expressions of PCRE, as RabbitMQ takes them, for the package `regex`.

Here: one walk over the pattern that writes anew what reads otherwise there.  Not here: what is
searched, and for how long (patterns.py).  `regex` itself is imported when the first such pattern
is compiled: most brokers have none.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

_ASCII = {
    "alnum": "a-zA-Z0-9",
    "alpha": "a-zA-Z",
    "ascii": r"\x00-\x7f",
    "blank": r" \t",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": r"\x21-\x7e",
    "lower": "a-z",
    "print": r"\x20-\x7e",
    "punct": r"\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e",
    "space": r" \t-\r",
    "upper": "A-Z",
    "word": r"\w",
    "xdigit": "0-9A-Fa-f",
}
# Escapes that stand for one of several characters, as the inside of a set.
_CLASSES = {
    "d": r"\d",
    "s": r"\s",
    "w": r"\w",
    "h": r" \t\xa0",
    "v": r"\n-\r\x85",
}
_CONTROL = {"a": 7, "e": 27, "f": 12, "n": 10, "r": 13, "t": 9}
_ESCAPE = re.compile(
    r"""\\(?:
    (?P<hex>x\{[0-9A-Fa-f]+\}|x[0-9A-Fa-f]{0,2}) | (?P<octal>o\{[0-7]+\}|0[0-7]{0,2})
    | c(?P<control>[\x20-\x7e]) | (?P<digits>[1-9][0-9]*)
    | [gk](?:\{(?P<n1>\w+)\}|<(?P<n2>\w+)>|'(?P<n3>\w+)') | g(?P<n4>[0-9]+)
    | (?P<property>[pP](?:\{\^?[A-Za-z_&]+\}|[A-Z]))
    | (?P<other>.)
    )""",
    re.VERBOSE | re.DOTALL,
)
_GROUP = re.compile(
    r"""\(\?(?:
    [:|>=!&] | <[=!] | P[=>] | (?P<named>P?<|')(?=[A-Za-z_])
    | R\) | [+-]?[0-9]+\) | (?=\()
    | [imsx]*(?:-[imsx]+)?[:)] | (?P<comment>\#)
    )""",
    re.VERBOSE,
)
_QUANTIFIER = re.compile(r"\{[0-9]+(?:,[0-9]*)?\}")
_POSIX = re.compile(r"\[:(\^?)([a-z]+):\]")
_VERB = re.compile(r"\(\*(?:F|FAIL|ACCEPT|COMMIT|PRUNE|SKIP|THEN)\)")


def compiled(pattern: str, ignore_case: bool) -> Any:
    """What `regex.compile` makes of it.

    Without `ignore_case` each character of the pattern is an octet.  Raises InvalidPattern.
    """
    from vhosts.patterns import InvalidPattern

    try:
        import regex  # for the few who have such patterns

        flags = regex.V1 | (regex.IGNORECASE if ignore_case else regex.ASCII)
        return regex.compile("".join(_Reader(pattern).pieces()), flags)
    except (ValueError, IndexError, OverflowError, RecursionError, regex.error) as error:
        raise InvalidPattern(str(error) or "regular expression is too large") from None


class _Reader:
    """One walk over a pattern; ValueError for what PCRE does not take."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0

    def pieces(self) -> Iterator[str]:
        """The pattern in the other dialect."""
        pattern = self._pattern
        while self._at < len(pattern):
            character = pattern[self._at]
            take: Callable[[], str] | None = _SPECIAL.get(character, lambda _: None)(self)
            if take is None:
                self._at += 1
                yield character
            else:
                yield take()

    def _escape(self) -> str:
        if self._pattern.startswith("\\Q", self._at):
            return re.escape(self._quoted())
        found = self._next_escape()
        other = found["other"]
        if other is None:
            return _reference(found) or (found["property"] and found[0]) or _literal(_code(found))
        if other in "ABbGKRX":
            return found[0]
        if other in "Zz":
            return r"\Z" if other == "z" else r"(?=\n?\Z)"
        if other in "NC":
            return r"[^\n]" if other == "N" else "(?s:.)"
        if other in "gk":
            raise ValueError("only references by name or by positive number are supported")
        if other.lower() in _CLASSES:
            return f"[{'^' * other.isupper()}{_CLASSES[other.lower()]}]"
        return "" if other == "E" else _literal(_plain(other))

    def _next_escape(self) -> re.Match[str]:
        found = _ESCAPE.match(self._pattern, self._at)
        if found is None:
            raise ValueError("\\ at end of pattern")
        self._at = found.end()
        return found

    def _quoted(self) -> str:
        end = self._pattern.find("\\E", self._at)
        end = len(self._pattern) if end < 0 else end
        text = self._pattern[self._at + 2 : end]
        self._at = min(end + 2, len(self._pattern))
        return text

    def _group(self) -> str:
        pattern, start = self._pattern, self._at
        if pattern.startswith("(*", start):
            verb = _VERB.match(pattern, start)
            if verb is None:
                raise ValueError("(*VERB) not recognized")
            self._at = verb.end()
            return verb[0]
        if not pattern.startswith("(?", start):
            self._at += 1
            return "("
        if pattern.startswith("(?C", start):
            raise ValueError("callouts are not supported")
        found = _GROUP.match(pattern, start)
        if found is None:
            raise ValueError("unrecognized character after (? or (?-")
        self._at = found.end()
        if found["comment"]:
            self._at = pattern.find(")", start) + 1
            if not self._at:
                raise ValueError("missing ) after comment")
            return ""
        if found["named"] == "'":
            name, _, _ = pattern[self._at :].partition("'")
            self._at += len(name) + 1
            return f"(?P<{name}>"
        return "(?P<" if found["named"] else found[0]

    def _brace(self) -> str:
        found = _QUANTIFIER.match(self._pattern, self._at)
        self._at += len(found[0]) if found else 1
        return found[0] if found else r"\{"

    # -- sets --------------------------------------------------------------------------------

    def _set(self) -> str:
        pattern = self._pattern
        self._at += 1
        negated = pattern.startswith("^", self._at)
        self._at += negated
        # A number is a character, a text the inside of a set.
        items: list[int | str] = []
        first = True
        while first or not pattern.startswith("]", self._at):
            if self._at >= len(pattern):
                raise ValueError("missing terminating ] for character class")
            items += self._items()
            first = False
        self._at += 1
        return f"[{'^' * negated}{''.join(_ranges(items))}]"

    def _items(self) -> list[int | str]:
        pattern = self._pattern
        if pattern.startswith("\\Q", self._at):
            return [ord(character) for character in self._quoted()]
        if found := _POSIX.match(pattern, self._at):
            self._at = found.end()
            if found[2] not in _ASCII:
                raise ValueError("unknown POSIX class name")
            return [f"[{found[1]}{_ASCII[found[2]]}]"]
        if pattern[self._at] == "\\":
            return self._escape_in_set()
        self._at += 1
        character = pattern[self._at - 1]
        # A hyphen that may mean a range; elsewhere it is what it is.
        return ["-"] if character == "-" else [ord(character)]

    def _escape_in_set(self) -> list[int | str]:
        found = self._next_escape()
        other = found["other"]
        if found["property"]:
            return [found[0]]
        if other is None:
            if _reference(found) and not found["digits"]:
                raise ValueError("a reference in a character class")
            return [_code(found)]
        if other == "b":
            return [8]
        if other.lower() in _CLASSES:
            return [f"[{'^' * other.isupper()}{_CLASSES[other.lower()]}]"]
        return [] if other == "E" else [_plain(other)]


_SPECIAL: dict[str, Callable[[_Reader], Callable[[], str]]] = {
    "\\": lambda reader: reader._escape,
    "(": lambda reader: reader._group,
    "{": lambda reader: reader._brace,
    "[": lambda reader: reader._set,
}


def _ranges(items: list[int | str]) -> Iterator[str]:
    place = 0
    while place < len(items):
        low = _as_character(items[place])
        between = items[place + 1 : place + 3]
        if isinstance(low, int) and len(between) == 2 and between[0] == "-":
            high = _as_character(between[1])
            if isinstance(high, int):
                if high < low:
                    raise ValueError("range out of order in character class")
                yield f"{_literal(low)}-{_literal(high)}"
                place += 3
                continue
        yield low if isinstance(low, str) else _literal(low)
        place += 1


def _as_character(item: int | str) -> int | str:
    return ord("-") if item == "-" else item


def _code(found: re.Match[str]) -> int:
    if found["hex"] is not None:
        return _bounded(int(found["hex"].strip("x{}") or "0", 16))
    if found["octal"] is not None:
        return _bounded(int(found["octal"].strip("o{}"), 8))
    if found["control"] is not None:
        return ord(found["control"].upper()) ^ 0x40
    return _bounded(int(found["digits"], 8))  # in a set there is nothing to refer to


def _bounded(code: int) -> int:
    if code > 0xFF:
        raise ValueError("character value in \\x{} or \\o{} is too large")
    return code


def _plain(letter: str) -> int:
    if letter in "LlUu":
        raise ValueError("PCRE does not support \\L, \\l, \\N{name}, \\U, or \\u")
    return _CONTROL.get(letter, ord(letter))


def _literal(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else chr(code)


def _reference(found: re.Match[str]) -> str:
    if found["digits"]:
        return found[0]
    name = found["n1"] or found["n2"] or found["n3"] or found["n4"]
    return f"\\g<{name}>" if name else ""
