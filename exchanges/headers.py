"""The headers exchange: a binding's arguments compared with the headers of the message (spec 6.4).

Every condition of every binding is looked up by (header name, value), so that a message costs as
much as it has headers, not as there are bindings.
"""

from collections.abc import Collection, Hashable
from typing import Any

from exchanges.base import (
    Binding,
    Counts,
    Exchange,
    InvalidArgument,
    Routable,
    Table,
    count_down,
    count_up,
)
from exchanges.tables import TYPE_NAMES, comparable, term

Condition = tuple[str, Hashable]
"""A header's name and its value as `comparable` gives it, or PRESENT."""

PRESENT = ()
MODES = ("all", "any", "all-with-x", "any-with-x")


class Matcher:
    """The arguments of a binding, understood.

    A message meets it when one of `triggers` and all of `required` are among its headers.
    Without triggers it is `always` met, or never.
    """

    __slots__ = ("always", "destination", "names", "required", "triggers")

    def __init__(self, binding: Binding) -> None:
        mode = _mode(binding.arguments)
        conditions = _conditions(binding.arguments, with_x=mode.endswith("-with-x"))
        match_all = mode.startswith("all")
        self.destination = binding.destination
        self.always = match_all and not conditions
        # A value tells more messages apart than the presence of a name.
        conditions.sort(key=lambda condition: condition[1] == PRESENT)
        self.triggers = conditions[:1] if match_all else conditions
        self.required = frozenset(conditions[1:] if match_all else ())
        self.names = {name for name, _ in conditions}


def _mode(arguments: Table) -> str:
    tag, value = field = arguments.get("x-match", ("S", "all"))
    if tag != "S":
        raise InvalidArgument(
            f"Invalid x-match field type {TYPE_NAMES[tag]} (value {term(field)}); expected longstr"
        )
    if value not in MODES:
        raise InvalidArgument(
            f"Invalid x-match field value {term(field)}; "
            "expected all, any, all-with-x, or any-with-x"
        )
    return str(value)


def _conditions(arguments: Table, with_x: bool) -> list[Condition]:
    return [
        (name, PRESENT if field[0] == "V" else comparable(field))
        for name, field in arguments.items()
        if name != "x-match" and (with_x or not name.startswith("x-"))
    ]


class HeadersExchange(Exchange):
    """The routing key does not matter."""

    __slots__ = ("_always", "_by_condition", "_matchers", "_names")

    type = "headers"
    per_message = True

    def __init__(
        self, name: str, durable: bool, auto_delete: bool, internal: bool, arguments: Table
    ) -> None:
        super().__init__(name, durable, auto_delete, internal, arguments)
        self._matchers: dict[Binding, Matcher] = {}
        self._always: Counts = {}
        self._by_condition: dict[Condition, dict[Matcher, None]] = {}
        self._names: Counts = {}

    def add(self, binding: Binding) -> None:
        matcher = self._matchers[binding] = Matcher(binding)
        if matcher.always:
            count_up(self._always, matcher.destination)
        for name in matcher.names:
            count_up(self._names, name)
        for condition in matcher.triggers:
            self._by_condition.setdefault(condition, {})[matcher] = None

    def remove(self, binding: Binding) -> None:
        matcher = self._matchers.pop(binding)
        if matcher.always:
            count_down(self._always, matcher.destination)
        for name in matcher.names:
            count_down(self._names, name)
        for condition in matcher.triggers:
            matchers = self._by_condition[condition]
            del matchers[matcher]
            if not matchers:
                del self._by_condition[condition]

    def route(self, message: Routable) -> Collection[Any]:
        if not self._names:
            return self._always
        met: dict[Condition, None] = {}
        for name, field in message.headers.items():
            if name in self._names:
                met[name, PRESENT] = met[name, comparable(field)] = None
        conditions = met.keys()
        found = [
            matcher.destination
            for condition in met
            for matcher in self._by_condition.get(condition, ())
            if matcher.required <= conditions
        ]
        return [*self._always, *found]
