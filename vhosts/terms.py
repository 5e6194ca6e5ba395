"""Values from JSON as RabbitMQ's error texts print them, in Erlang's notation.

Whoever shows a value that somebody else chose shows only so much of it.
"""

from itertools import islice
from typing import Any

from exchanges.tables import term

MAX_DEPTH = 8
MAX_LENGTH = 500
MAX_PAIRS = 10


def printed(value: Any) -> str:
    """`<<"text">>`, `[1,2]`, `#{<<"a">> => 1}`; cut where it is long or deep."""
    text = _term(value, MAX_DEPTH)
    return text if len(text) <= MAX_LENGTH else text[:MAX_LENGTH] + "..."


def _term(value: Any, depth: int) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return term(("S", value[:MAX_LENGTH]))
    if value is None:
        return "null"
    if not depth:
        return "..."
    if isinstance(value, list):
        return f"[{','.join(_term(item, depth - 1) for item in value[:MAX_LENGTH])}]"
    if isinstance(value, dict):
        members = list(value.items())[:MAX_LENGTH]
        pairs = (f"{_term(name, depth)} => {_term(item, depth - 1)}" for name, item in members)
        return "#{" + ",".join(pairs) + "}"
    return _number(value)


def _number(value: Any) -> str:
    try:
        return str(value)
    except ValueError:  # Python prints no integer of thousands of digits
        return "..."


def printed_pairs(pairs: dict[str, Any]) -> str:
    """Members of an object as a list of pairs: `[{<<"a">>,1}]`."""
    shown = (f"{{{printed(name)},{printed(pairs[name])}}}" for name in islice(pairs, MAX_PAIRS))
    return f"[{','.join(shown)}{',...' if len(pairs) > MAX_PAIRS else ''}]"
