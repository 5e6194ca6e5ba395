"""Typed AMQP tables as the JSON that people and tools exchange, and back (management 2.7, 3.14).

Types get lost on the way out, as they do in RabbitMQ; tables_json.py of persistence keeps them.
"""

import math
from typing import Any

from vhosts import errors

# What AMQP clients may send, too: octets of a key, tables and arrays within each other.
LONGEST_KEY, MOST_LEVELS = 255, 64

Table = dict[str, tuple[str, Any]]


def plain(table: Table) -> dict[str, Any]:
    """A table without its type tags, as RabbitMQ shows it."""
    return {key: plain_field(*field) for key, field in table.items()}


def plain_field(tag: str, value: Any) -> Any:
    """One value: decimals become numbers, bytes text; not-a-number and infinities become null."""
    if tag == "F":
        return plain(value)
    if tag == "A":
        return [plain_field(*field) for field in value]
    if tag == "x":
        return bytes(value).decode("utf-8", "surrogateescape")
    if tag == "D":
        scale, digits = value
        return digits / 10**scale
    if tag in {"f", "d"}:
        return value if math.isfinite(value) else None
    return value


def typed(members: dict[str, Any], depth: int = 0) -> Table:
    """A table of JSON values with the types that RabbitMQ gives them.

    Raises InvalidValue for what no table of AMQP can hold.
    """
    for key in members:
        if len(key.encode("utf-8", "surrogateescape")) > LONGEST_KEY:
            raise errors.InvalidValue(f"the key '{key[:40]}...' is longer than {LONGEST_KEY} bytes")
    return {key: typed_field(value, depth) for key, value in members.items()}


def typed_field(value: Any, depth: int = 0) -> tuple[str, Any]:
    """One value: integers beyond 64 bits become doubles, as JSON has no others."""
    if depth >= MOST_LEVELS:
        raise errors.InvalidValue(f"values are nested in more than {MOST_LEVELS} levels")
    if value is None:
        return "V", None
    if isinstance(value, bool):
        return "t", value
    if isinstance(value, int):
        return ("l", value) if -(1 << 63) <= value < 1 << 63 else ("d", _double(value))
    if isinstance(value, float):
        return "d", value
    if isinstance(value, dict):
        return "F", typed(value, depth + 1)
    if isinstance(value, list):
        return "A", [typed_field(item, depth + 1) for item in value]
    return "S", str(value)


def _double(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        raise errors.InvalidValue("a number is too large") from None
