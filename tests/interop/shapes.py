"""Compares two JSON documents by names, types and nesting, and values where they must be equal."""

from collections.abc import Collection, Iterator
from typing import Any

# What tells the rows of a list apart on both brokers, whatever else is in them.
NAMING = (
    *("vhost", "source", "destination_type", "destination", "routing_key"),
    *("component", "user", "protocol", "number", "confirm", "transactional"),
    *("consumer_tag", "user_provided_name"),
)
UNSTABLE_NAME = ("peer_port", "connection_details", "consumer_tag")


def differences(
    expected: Any, found: Any, same: Collection[str] = (), where: str = ""
) -> Iterator[str]:
    """Where `found` lacks what `expected` has, or has it as another type, one line each.

    `found` may have more members and more rows. Rows of lists are paired by what names them.
    Values are compared in members that are named in `same`.
    """
    if kind(expected) != kind(found):
        yield f"{where}: {kind(found)} instead of {kind(expected)}"
    elif isinstance(expected, dict):
        for name, value in expected.items():
            path = f"{where}.{name}".lstrip(".")
            if name not in found:
                yield f"{path}: missing"
            elif name in same and value != found[name]:
                yield f"{path}: {found[name]!r} instead of {value!r}"
            else:
                yield from differences(value, found[name], same, path)
    elif isinstance(expected, list):
        yield from _of_lists(expected, found, same, where)


def _of_lists(
    expected: list[Any], found: list[Any], same: Collection[str], where: str
) -> Iterator[str]:
    if not all(isinstance(row, dict) for row in [*expected, *found]):
        if expected and not found:
            yield f"{where}: empty"
        elif expected:
            yield from differences(expected[0], found[0], same, f"{where}[]")
        return
    rows = {identity(row): row for row in found}
    for row in expected:
        path = f"{where}[{' '.join(identity(row))}]"
        if identity(row) not in rows:
            yield f"{path}: missing"
        else:
            yield from differences(row, rows[identity(row)], same, path)


def kind(value: Any) -> str:
    """The JSON type of a value; whole numbers and fractions are one."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def identity(row: dict[str, Any]) -> tuple[str, ...]:
    """What names a row of a list and is the same on both brokers."""
    names = [name for name in NAMING if name in row]
    # Breakdowns are by what they say of others.
    parts = [row[part] for part in ("exchange", "queue", "channel_details") if part in row]
    names_of_parts = [
        each.get("number", each.get("name")) for each in parts if isinstance(each, dict)
    ]
    # Names of connections and channels are made of port numbers.
    if "name" in row and not any(each in row for each in UNSTABLE_NAME):
        names.append("name")
    return tuple(str(part) for part in [*(row[name] for name in names), *names_of_parts])
