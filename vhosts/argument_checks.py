"""Checks of single argument values, worded as RabbitMQ words them (spec 7.1).

A check takes the field and the whole table and returns None, or the reason that goes into
`invalid arg '<key>' for <resource>: <reason>`. Which argument has which check is said in
`arguments.py`, nowhere here.
"""

import re
from collections.abc import Callable

from exchanges.tables import INTEGERS, TYPE_NAMES, Field, Table, term

__all__ = ["INTEGERS", "TYPE_NAMES", "Check", "Field", "Table"]

Check = Callable[[Field, Table], str | None]

TEN_YEARS_MS = 315_360_000_000
MAX_PRIORITY = 255

_INTERVAL = re.compile(r"([0-9]+)([YMDhms])")
_UNIT_MS = {
    "Y": 365 * 86_400_000,
    "M": 30 * 86_400_000,
    "D": 86_400_000,
    "h": 3_600_000,
    "m": 60_000,
    "s": 1_000,
}


def interval_ms(text: str) -> int | None:
    """Milliseconds of an interval such as `7D` or `30m`; None when it is none (spec 7.1, 8.3)."""
    match = _INTERVAL.fullmatch(text)
    if match is None or int(match[1]) == 0:
        return None
    return int(match[1]) * _UNIT_MS[match[2]]


def shown(value: object) -> str:
    """A value as texts print it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def anything(field: Field, table: Table) -> str | None:
    return None


def integer(field: Field, table: Table) -> str | None:
    if field[0] in INTEGERS:
        return None
    return f'"expected integer, got {TYPE_NAMES[field[0]]}"'


def not_negative(field: Field, table: Table) -> str | None:
    if (reason := integer(field, table)) is not None:
        return reason
    return f"{{value_negative,{field[1]}}}" if field[1] < 0 else None


def positive(field: Field, table: Table) -> str | None:
    if (reason := not_negative(field, table)) is not None:
        return reason
    return "{value_zero,0}" if field[1] == 0 else None


def _at_most_ten_years(check: Check) -> Check:
    def bounded(field: Field, table: Table) -> str | None:
        if (reason := check(field, table)) is not None:
            return reason
        return f"{{value_too_large,{field[1]}}}" if field[1] > TEN_YEARS_MS else None

    return bounded


duration = _at_most_ten_years(not_negative)
positive_duration = _at_most_ten_years(positive)


def priority_levels(field: Field, table: Table) -> str | None:
    if (reason := not_negative(field, table)) is not None:
        return reason
    return f"{{max_value_exceeded,{field[1]}}}" if field[1] > MAX_PRIORITY else None


def _unacceptable(field: Field) -> str:
    return f"{{unacceptable_type,{TYPE_NAMES[field[0]]}}}"


def boolean(field: Field, table: Table) -> str | None:
    return None if field[0] == "t" else _unacceptable(field)


def string(field: Field, table: Table) -> str | None:
    return None if field[0] == "S" else _unacceptable(field)


def one_of(reason: str, *allowed: str) -> Check:
    """A string out of `allowed`; `reason` may show the refused one as `{}`."""

    def check(field: Field, table: Table) -> str | None:
        if (unacceptable := string(field, table)) is not None:
            return unacceptable
        return None if field[1] in allowed else reason.format(field[1])

    return check


def queue_version(field: Field, table: Table) -> str | None:
    if (reason := not_negative(field, table)) is not None:
        return reason
    return None if field[1] in (1, 2) else f"\"unsupported queue version '{field[1]}'\""


def max_age(field: Field, table: Table) -> str | None:
    if (reason := string(field, table)) is not None:
        return reason
    return None if interval_ms(field[1]) is not None else "invalid_max_age"


def dead_letter_routing_key(field: Field, table: Table) -> str | None:
    if (reason := string(field, table)) is not None:
        return reason
    return None if "x-dead-letter-exchange" in table else "routing_key_but_no_dlx_defined"


def delayed_retry_type(field: Field, table: Table) -> str | None:
    if (reason := string(field, table)) is not None:
        return reason
    if field[1] not in ("disabled", "all", "failed", "returned"):
        return "invalid_delayed_retry_type"
    needs_min = field[1] != "disabled" and "x-delayed-retry-min" not in table
    return "delayed_retry_type_but_no_min_defined" if needs_min else None


def stream_offset(field: Field, table: Table) -> str | None:
    """Where a stream consumer starts (spec 8.3)."""
    tag, value = field
    if tag in INTEGERS or tag == "T":
        return None
    if tag == "S" and (value in ("first", "last", "next") or interval_ms(value) is not None):
        return None
    return f"{{invalid_stream_offset_arg,{{{TYPE_NAMES[tag]},{term(field)}}}}}"


def stream_filter(field: Field, table: Table) -> str | None:
    tag, value = field
    if tag == "S" or (tag == "A" and all(item[0] == "S" for item in value)):
        return None
    return _unacceptable(field)
