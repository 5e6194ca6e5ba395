"""How an argument and a policy make one effective value (spec 7.2).

A rule takes the argument's value, the policy's value (None where absent) and the queue's type.
"""

from collections.abc import Callable
from typing import Any

Merge = Callable[[Any, Any, str], Any]


def argument_only(argument: Any, policy: Any, queue_type: str) -> Any:
    return argument


def argument_wins(argument: Any, policy: Any, queue_type: str) -> Any:
    return policy if argument is None else argument


def policy_wins(argument: Any, policy: Any, queue_type: str) -> Any:
    return argument if policy is None else policy


def minimum(argument: Any, policy: Any, queue_type: str) -> Any:
    if argument is None or policy is None:
        return argument_wins(argument, policy, queue_type)
    return min(argument, policy)


def minimum_or_unlimited(argument: Any, policy: Any, queue_type: str) -> Any:
    """Negative means unlimited, and on either side makes the larger value win."""
    if argument is None or policy is None:
        return argument_wins(argument, policy, queue_type)
    return max(argument, policy) if min(argument, policy) < 0 else min(argument, policy)


def overflow(argument: Any, policy: Any, queue_type: str) -> Any:
    rule = policy_wins if queue_type == "quorum" else argument_wins
    return rule(argument, policy, queue_type)


def max_length_bytes(argument: Any, policy: Any, queue_type: str) -> Any:
    rule = policy_wins if queue_type == "stream" else minimum
    return rule(argument, policy, queue_type)
