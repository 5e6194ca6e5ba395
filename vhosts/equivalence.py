"""Is a redeclaration the same as what exists? (spec 4.1, 5.1.4)

Knows fields and texts, not which arguments count: the callers name the keys.
"""

from collections.abc import Iterable

from exchanges.tables import term
from vhosts.argument_checks import INTEGERS, TYPE_NAMES, Field, Table, shown
from vhosts.errors import inequivalent

# Values compare equal only within one class. That timestamps and decimals are among the integers
# is RabbitMQ's quirk.
TYPE_CLASSES = {
    **TYPE_NAMES,
    **dict.fromkeys([*INTEGERS, "D", "T"], "int"),
    **dict.fromkeys("fd", "float"),
}


def same_field(one: Field, other: Field) -> bool:
    return TYPE_CLASSES[one[0]] == TYPE_CLASSES[other[0]] and bool(one[1] == other[1])


def check_same_arguments(
    keys: Iterable[str], current: Table, received: Table, resource: str
) -> None:
    """Raises PreconditionFailed for the first of `keys` that differs between two tables."""
    for key in keys:
        old, new = current.get(key), received.get(key)
        if old is new or (old is not None and new is not None and same_field(old, new)):
            continue
        if old is not None and new is not None:
            raise inequivalent(key, resource, _quoted(new), _quoted(old))
        raise inequivalent(key, resource, _described(new), _described(old))


def check_same_property(key: str, current: object, received: object, resource: str) -> None:
    """Raises PreconditionFailed when a declared property differs from the existing one."""
    if current != received:
        raise inequivalent(key, resource, f"'{shown(received)}'", f"'{shown(current)}'")


def _quoted(field: Field) -> str:
    return "none" if field[0] == "V" else f"'{_value(field)}'"


def _value(field: Field) -> str:
    tag, value = field
    if tag == "x":
        return bytes(value).decode("utf-8", "surrogateescape")
    return str(value) if tag == "S" else term(field)


def _described(field: Field | None) -> str:
    if field is None:
        return "none"
    return f"the value '{_value(field)}' of type '{TYPE_NAMES[field[0]]}'"
