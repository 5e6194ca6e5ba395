"""Policies and operator policies of one virtual host (spec 10.4).

Here: what a policy is, and which one a queue or an exchange comes under. Not here: keys and their
values (policy_keys.py), when that is looked at and what follows (enforcement.py).
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from vhosts import errors, policy_keys
from vhosts.arguments import ALL
from vhosts.patterns import Pattern, invalid_pattern
from vhosts.terms import printed

logger = logging.getLogger("leveret.vhosts")

EXCHANGE = "exchange"
APPLY_TO = {
    "all": ALL | {EXCHANGE},
    "queues": ALL,
    "exchanges": frozenset({EXCHANGE}),
    "classic_queues": frozenset({"classic"}),
    "quorum_queues": frozenset({"quorum"}),
    "streams": frozenset({"stream"}),
}
"""What `apply-to` may be, with the kinds that it means: an exchange, or a type of queue."""

OPERATOR_COMPONENT = "operator_policy"
"""The component that operator policies are parameters of (spec 10.5)."""

# A pattern of which nobody can tell how long it takes may take half a millisecond for a name.
DEMANDING = 250

# As the database has room for.
MAX_PRIORITY = 2**31 - 1


class Policy:
    """One policy, which never changes: `set` makes another of the same name."""

    __slots__ = (
        *("_kinds", "_pattern", "apply_to", "definition"),
        *("demanding", "name", "pattern", "priority"),
    )

    def __init__(
        self, name: str, pattern: str, apply_to: str, priority: int, definition: dict[str, Any]
    ) -> None:
        self.name = name
        self.pattern = pattern
        self.apply_to = apply_to
        self.priority = priority
        self.definition = definition
        self._pattern = Pattern(pattern)
        self.demanding = self._pattern.demanding
        known = policy_keys.queue_types(definition) | {EXCHANGE}
        self._kinds = APPLY_TO[apply_to] & known

    def covers(self, kind: str, name: str) -> bool:
        """Whether it is for what is called `name`; `kind` is 'exchange' or a type of queue."""
        return kind in self._kinds and self._pattern.search(name)


class Policies:
    """The policies of one virtual host, or its operator policies.

    `save(policy)` and `delete(name)` write to the store; `changed()` is called after each change.
    """

    def __init__(
        self,
        save: Callable[[Policy], None],
        delete: Callable[[str], None],
        changed: Callable[[], None],
        *,
        operator: bool = False,
    ) -> None:
        self._save = save
        self._delete = delete
        self._changed = changed
        self._operator = operator
        self._policies: dict[str, Policy] = {}
        self._ranked: list[Policy] = []
        # What a look at one name costs, next to one that costs next to nothing.
        self.effort = 0

    def __iter__(self) -> Iterator[Policy]:
        return iter(self._policies.values())

    def __len__(self) -> int:
        return len(self._policies)

    def get(self, name: str) -> Policy | None:
        return self._policies.get(name)

    def set(
        self,
        name: str,
        *,
        pattern: Any,
        definition: Any,
        priority: Any = 0,
        apply_to: Any = "all",
    ) -> None:
        """Makes or replaces a policy; it applies at once.

        Takes values as they come from JSON; raises InvalidValue, and changes nothing, for bad ones.
        """
        check(pattern, definition, priority, apply_to, operator=self._operator)
        policy = Policy(name, pattern, apply_to, int(priority), definition)
        self._put(policy)
        self._save(policy)
        self._changed()

    def delete(self, name: str) -> bool:
        """Whether there was such a policy."""
        if self._policies.pop(name, None) is None:
            return False
        self._rank()
        self._delete(name)
        self._changed()
        return True

    def restore(
        self, name: str, pattern: str, apply_to: str, priority: int, definition: dict[str, Any]
    ) -> None:
        """A policy from the store, before there is anything that it could apply to."""
        try:
            check(pattern, definition, priority, apply_to, operator=self._operator)
        except errors.InvalidValue as error:
            logger.error("policy '%s' is left out: %s", name, " ".join(error.text.split()))
        else:
            self._put(Policy(name, pattern, apply_to, priority, definition))

    def _put(self, policy: Policy) -> None:
        self._policies[policy.name] = policy
        self._rank()

    def _rank(self) -> None:
        # Of equal priorities RabbitMQ takes either; here it is the first by name.
        self._ranked = sorted(self, key=lambda policy: (-policy.priority, policy.name))
        self.effort = sum(DEMANDING for policy in self if policy.demanding)

    def for_(self, kind: str, name: str) -> Policy | None:
        """The one policy that this comes under; `kind` is 'exchange' or a type of queue."""
        for policy in self._ranked:
            if policy.covers(kind, name):
                return policy
        return None


def check(pattern: Any, definition: Any, priority: Any, apply_to: Any, *, operator: bool) -> None:
    """Raises InvalidValue with RabbitMQ's text, a line for each thing that is wrong."""
    reasons: Iterable[str | None] = (
        _pattern_problem(pattern),
        policy_keys.problem(definition, operator=operator),
        _priority_problem(priority),
        _apply_to_problem(apply_to),
    )
    wrong = [reason for reason in reasons if reason is not None]
    if wrong:
        raise errors.validation_failed(*wrong)


def _pattern_problem(pattern: Any) -> str | None:
    if not isinstance(pattern, str):
        return f"pattern should be a binary but was {printed(pattern)}"
    reason = invalid_pattern(pattern)
    if reason is None:
        return None
    return f"pattern should be regular expression but is invalid: {reason}"


def _priority_problem(priority: Any) -> str | None:
    number = isinstance(priority, int | float) and not isinstance(priority, bool)
    if not number:
        return f"priority should be a number, actually was {printed(priority)}"
    if not abs(priority) <= MAX_PRIORITY or priority != int(priority):
        return f"priority should be an integer of 32 bits, actually was {printed(priority)}"
    return None


def _apply_to_problem(apply_to: Any) -> str | None:
    if isinstance(apply_to, str) and apply_to in APPLY_TO:
        return None
    shown = apply_to[:100] if isinstance(apply_to, str) else printed(apply_to)
    return f"apply-to '{shown}' unrecognised; should be one of {', '.join(APPLY_TO)}"
