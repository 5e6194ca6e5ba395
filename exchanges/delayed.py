"""The delayed-message exchange: a message with an `x-delay` waits before it is routed (spec 6.5).

Here: which messages wait and how long, and routing by the type that `x-delayed-type` names. Where
they wait and how that survives is not known here: a waiting room is handed in, and stands in a
route where a queue would.
"""

import math
import re
from collections.abc import Collection, Iterable
from typing import Any, ClassVar

from exchanges.base import Binding, Exchange, InvalidArgument, Routable, Table, WaitingRoom
from exchanges.tables import FLOATS, INTEGERS, Field

INNER_TYPE = "x-delayed-type"
DELAY = "x-delay"
MAX_DELAY_MS = 2**32 - 1

_NUMBER = re.compile(r"[+-]?[0-9]{1,20}(\.[0-9]*)?")


ExchangeType = type[Exchange]


class DelayedExchange(Exchange):
    """An exchange of another type behind a waiting room; without a room nothing waits."""

    __slots__ = ("_inner", "room")

    type = "x-delayed-message"
    per_message = True
    inner_types: ClassVar[dict[str, ExchangeType]] = {}
    """What x-delayed-type may name; the registry, which knows this type too, fills it in."""

    _inner: Exchange

    def __init__(
        self, name: str, durable: bool, auto_delete: bool, internal: bool, arguments: Table
    ) -> None:
        super().__init__(name, durable, auto_delete, internal, arguments)
        self.room: WaitingRoom | None = None
        inner_type = self.inner_types.get(self._string_argument(INNER_TYPE) or "")
        if inner_type is not None and inner_type is not DelayedExchange:
            self._inner = inner_type(name, durable, auto_delete, internal, arguments)

    def validate(self) -> None:
        inner_type = self._string_argument(INNER_TYPE)
        if inner_type is None:
            raise InvalidArgument(
                f"Invalid argument, '{INNER_TYPE}' must be an existing exchange type"
            )
        if inner_type == self.type:
            raise InvalidArgument(
                f"Invalid argument, '{self.type}' can't be used for '{INNER_TYPE}'"
            )
        if inner_type not in self.inner_types:
            raise InvalidArgument(f"unknown exchange type '{inner_type}'")
        self._inner.validate()

    def add(self, binding: Binding) -> None:
        self._inner.add(binding)

    def remove(self, binding: Binding) -> None:
        self._inner.remove(binding)

    def on_bound(self, binding: Binding) -> Iterable[Routable]:
        return self._inner.on_bound(binding)

    def let_go(self) -> None:
        self.room = None

    def route(self, message: Routable) -> Collection[Any]:
        if message.message is not None and self.room is not None and delay_ms(message.headers):
            return (self.room,)
        return self._inner.route(message)


def delay_ms(headers: Table) -> int:
    """The milliseconds that a message with these headers waits; 0 for none."""
    delay = _number(headers.get(DELAY, ("V", None)))
    return delay if 0 < delay <= MAX_DELAY_MS else 0


def _number(field: Field) -> int:
    tag, value = field
    if tag in INTEGERS:
        return int(value)
    if tag in FLOATS:
        return int(value) if math.isfinite(value) else 0
    if tag == "S" and _NUMBER.fullmatch(value):
        return int(value.partition(".")[0])
    return 0


def negated(headers: Table) -> Table:
    """The headers of a message that has waited: its x-delay is negative, so it does not again."""
    tag, _ = headers[DELAY]
    return {**headers, DELAY: (tag if tag in "bsIl" else "l", -delay_ms(headers))}
