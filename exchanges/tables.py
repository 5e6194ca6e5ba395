"""Typed field tables as bindings and headers need them: compared, hashed, put into error texts.

A field is (type tag, value), see spec 1.3 for the tags. Encoding and decoding them is not here.
"""

import math
from collections.abc import Hashable
from typing import Any

Field = tuple[str, Any]
"""Type tag and value: `F` holds a Table, `A` a list of fields, `D` (scale, int), `V` None."""

Table = dict[str, Field]

TYPE_NAMES = {
    "t": "bool",
    "b": "byte",
    "B": "unsignedbyte",
    "s": "short",
    "u": "unsignedshort",
    "I": "signedint",
    "i": "unsignedint",
    "l": "long",
    "L": "long",
    "f": "float",
    "d": "double",
    "D": "decimal",
    "S": "longstr",
    "x": "binary",
    "T": "timestamp",
    "F": "table",
    "A": "array",
    "V": "void",
}
INTEGERS = frozenset("bBsuIilL")
FLOATS = frozenset("fd")


def canonical(table: Table) -> tuple[Hashable, ...]:
    """The same hashable value for equal tables, whatever the order of their members."""
    if not table:
        return ()
    return tuple(sorted((name, *canonical_field(field)) for name, field in table.items()))


def canonical_field(field: Field) -> tuple[str, Hashable]:
    """Type and value; equal only for the same type, inside arrays and tables too."""
    tag, value = field
    if tag == "F":
        return "F", canonical(value)
    if tag == "A":
        return "A", tuple(canonical_field(item) for item in value)
    if tag in FLOATS:
        return tag, repr(value)  # NaN is not equal to itself, its text is.
    return ("l" if tag == "L" else tag), value


def comparable(field: Field) -> tuple[str, Hashable]:
    """What a headers exchange compares (spec 6.4).

    Integers of any width are one type, floats another, strings and byte arrays a third. All
    others, and whatever is inside arrays and tables, are equal only within their own type.
    """
    tag, value = field
    if tag == "S":
        return "S", value.encode("utf-8", "surrogateescape")
    if tag == "x":
        return "S", bytes(value)
    if tag in INTEGERS:
        return "l", value
    if tag in FLOATS:
        return "d", value
    return canonical_field(field)


def term(field: Field) -> str:
    """A value as RabbitMQ's error texts print it, in Erlang's notation: `<<"text">>`."""
    tag, value = field
    if tag == "S":
        return _binary(value)
    if tag == "x":
        return _binary(bytes(value).decode("utf-8", "surrogateescape"))
    if tag == "t":
        return "true" if value else "false"
    if tag == "V":
        return "undefined"
    if tag == "D":
        return f"{{{value[0]},{value[1]}}}"
    if tag == "A":
        return "[" + ",".join(f"{{{_typed(item)}}}" for item in value) + "]"
    if tag == "F":
        members = (f"{{{_binary(name)},{_typed(item)}}}" for name, item in value.items())
        return "[" + ",".join(members) + "]"
    return _float(value) if tag in FLOATS else str(value)


def _typed(field: Field) -> str:
    return f"{TYPE_NAMES[field[0]]},{term(field)}"


def _binary(text: str) -> str:
    if not text:
        return "<<>>"
    if not text.isprintable():
        return f"<<{','.join(map(str, text.encode('utf-8', 'surrogateescape')))}>>"
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'<<"{quoted}"{"" if text.isascii() else "/utf8"}>>'


def _float(value: float) -> str:
    # The shortest digits, as Python finds them, with an exponent where that makes it shorter.
    if not math.isfinite(value):
        return str(value)
    from decimal import Decimal  # seldom needed

    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    assert isinstance(exponent, int)  # it is finite
    text = "".join(map(str, digits))
    point = len(text) + exponent if value else 1
    power = str(point - 1)
    cost = len(power) + (3 if len(text) == 1 else 2)
    if 0 < point < len(text):
        plain = f"{text[:point]}.{text[point:]}"
    elif point > 0:
        plain = f"{text}{'0' * (point - len(text))}.0" if point - len(text) + 2 <= cost else ""
    else:
        plain = f"0.{'0' * -point}{text}" if not point or 2 - point <= cost else ""
    return ("-" if sign else "") + (plain or f"{text[0]}.{text[1:] or '0'}e{power}")
