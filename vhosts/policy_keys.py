"""KEYS: every key that a policy may have, once (spec 10.4).

A row says what values the key takes and how a refused one is called, whether operator policies
may have it, and what a policy and an operator policy that both have it come to. Which queues know
it, and how it merges with their arguments, is said in `arguments.py`.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from vhosts.argument_checks import interval_ms
from vhosts.arguments import (
    ALL,
    ARGUMENTS,
    CLASSIC,
    FILTER_SIZES_BYTES,
    MAX_SEGMENT_SIZE_BYTES,
    QUORUM,
)
from vhosts.terms import printed, printed_pairs

Check = Callable[[Any], bool]
Join = Callable[[Any, Any], Any]


def _integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _from(low: int, high: int | None = None) -> Check:
    """An integer of at least `low` and at most `high`."""
    return lambda value: _integer(value) and value >= low and (high is None or value <= high)


def _string(value: Any) -> bool:
    return isinstance(value, str)


def _one_of(*allowed: Any) -> Check:
    return lambda value: not isinstance(value, bool) and value in allowed


def _max_age(value: Any) -> bool:
    return isinstance(value, str) and interval_ms(value) is not None


def _anything(value: Any) -> bool:
    return True


def _operators(policy: Any, operator: Any) -> Any:
    return operator


def _least(policy: Any, operator: Any) -> Any:
    return min(policy, operator)


def _greatest(policy: Any, operator: Any) -> Any:
    return max(policy, operator)


def _least_limit(policy: Any, operator: Any) -> Any:
    # Negative means unlimited.
    return max(policy, operator) if min(policy, operator) < 0 else min(policy, operator)


class Key(NamedTuple):
    """One row: `noun` completes `<value> is not a valid ...`.

    `join` makes one value of the policy's and the operator policy's; None where operator policies
    cannot have the key.
    """

    name: str
    noun: str
    check: Check
    join: Join | None = None


_locators = _one_of("client-local", "balanced", "random", "least-leaders")

# fmt: off
_ROWS = (
    Key("message-ttl", "message TTL", _from(0), _least),
    Key("expires", "queue expiry", _from(1), _least),
    Key("max-length", "maximum length", _from(0), _least),
    Key("max-length-bytes", "maximum length in bytes", _from(0), _least),
    Key("max-in-memory-length", "maximum memory in bytes", _from(0), _least),
    Key("max-in-memory-bytes", "maximum memory in bytes", _from(0), _least),
    Key("overflow", "overflow value",
        _one_of("drop-head", "reject-publish", "reject-publish-dlx"), _operators),
    Key("delivery-limit", "delivery limit", _integer, _least_limit),
    Key("dead-letter-exchange", "dead letter exchange name", _string),
    Key("dead-letter-routing-key", "dead letter routing key", _string),
    Key("dead-letter-strategy", "dead letter strategy", _one_of("at-most-once", "at-least-once")),
    Key("queue-mode", "queue-mode value", _one_of("default", "lazy")),
    Key("queue-version", "queue-version value", _one_of(1, 2), _operators),
    Key("queue-leader-locator", "queue leader locator value", _locators),
    Key("queue-master-locator", "queue-master-locator value",
        _one_of("client-local", "random", "min-masters")),
    Key("alternate-exchange", "alternate exchange name", _string),
    Key("max-age", "max age", _max_age),
    Key("stream-max-segment-size-bytes", "segment size", _from(0, MAX_SEGMENT_SIZE_BYTES)),
    Key("stream-filter-size-bytes", "filter size",
        _from(FILTER_SIZES_BYTES.start, FILTER_SIZES_BYTES.stop - 1)),
    Key("initial-cluster-size", "cluster size", _from(1)),
    Key("target-group-size", "target group size", _from(1), _greatest),
    Key("consumer-timeout", "consumer timeout", _from(0)),
    Key("consumer-disconnected-timeout", "consumer disconnected timeout", _from(0)),
    Key("delayed-retry-type", "delayed retry type",
        _one_of("disabled", "all", "failed", "returned")),
    Key("delayed-retry-min", "delayed retry delay", _from(1)),
    Key("delayed-retry-max", "delayed retry delay", _from(1)),
    Key("federation-upstream", "federation upstream name", _string),
    Key("federation-upstream-set", "federation upstream set name", _string),
    # Mirrors are no more: taken, so that old definitions can be imported, and without effect.
    Key("ha-mode", "ha-mode value", _one_of("all", "exactly", "nodes"), _operators),
    Key("ha-params", "ha-params value", _anything, _operators),
    Key("ha-sync-mode", "ha-sync-mode value", _one_of("manual", "automatic"), _operators),
    Key("ha-sync-batch-size", "ha-sync-batch-size value", _from(1), _operators),
    Key("ha-promote-on-shutdown", "ha-promote-on-shutdown value",
        _one_of("always", "when-synced"), _operators),
    Key("ha-promote-on-failure", "ha-promote-on-failure value",
        _one_of("always", "when-synced"), _operators),
)
# fmt: on

KEYS = {row.name: row for row in _ROWS}

_KNOWN_TO = {
    row.policy_key: row.queue_types | row.by_policy for row in ARGUMENTS.values() if row.policy_key
}
_KNOWN_TO |= {name: CLASSIC for name in KEYS if name.startswith("ha-")}
_KNOWN_TO["target-group-size"] = QUORUM


def problem(definition: Any, *, operator: bool) -> str | None:
    """Why this cannot be the definition of a policy; None where it can.

    Bad values come before unknown keys, as in RabbitMQ.
    """
    if not isinstance(definition, dict):
        return f"policy definition is no map: {printed(definition)}"
    if not definition:
        return "no policy provided"
    unknown = {}
    for name in sorted(definition):
        key, value = KEYS.get(name), definition[name]
        if key is None or (operator and key.join is None):
            unknown[name] = value
        elif not key.check(value):
            return f"{printed(value)} is not a valid {key.noun}"
    return f"{printed_pairs(unknown)} are not recognised policy settings" if unknown else None


def queue_types(definition: Mapping[str, Any]) -> frozenset[str]:
    """The types of queue that know all keys; the others do not come under the policy at all."""
    known = ALL
    for name in definition:
        known &= _KNOWN_TO.get(name, ALL)
    return known


def joined(policy: Mapping[str, Any], operator: Mapping[str, Any]) -> dict[str, Any]:
    """What a policy and an operator policy come to together."""
    both = {**operator, **policy}
    for name in policy.keys() & operator.keys():
        join = KEYS[name].join
        assert join is not None  # else it would not be in an operator policy
        both[name] = join(policy[name], operator[name])
    return both
