"""The table of policy keys: values, what joins, which queues know them (spec 10.4)."""

from typing import Any

import pytest

from vhosts.policy_keys import KEYS, joined, problem, queue_types

# What each key takes, and what it does not: with these the table has no untested row.
VALUES: dict[str, tuple[list[Any], list[Any]]] = {
    "message-ttl": ([0, 60000, 10**15], [-1, "1", 1.5, True, None, [1]]),
    "expires": ([1, 60000], [0, -1, "1"]),
    "max-length": ([0, 1], [-1, "a"]),
    "max-length-bytes": ([0, 1], [-1, {}]),
    "max-in-memory-length": ([0, 1], [-1]),
    "max-in-memory-bytes": ([0, 1], [-1]),
    "overflow": (["drop-head", "reject-publish", "reject-publish-dlx"], ["a", 1, []]),
    "delivery-limit": ([-1, 0, 5], ["5", 1.5]),
    "dead-letter-exchange": (["", "dlx"], [1, None]),
    "dead-letter-routing-key": (["", "key"], [1]),
    "dead-letter-strategy": (["at-most-once", "at-least-once"], ["twice", 1]),
    "queue-mode": (["default", "lazy"], ["a", 1]),
    "queue-version": ([1, 2], [0, 3, "1", True]),
    "queue-leader-locator": (["client-local", "balanced", "random", "least-leaders"], ["a"]),
    "queue-master-locator": (["client-local", "random", "min-masters"], ["a"]),
    "alternate-exchange": (["", "ae"], [1]),
    "max-age": (["7D", "1h"], ["1x", "0h", "1h ", "", 1]),
    "stream-max-segment-size-bytes": ([0, 3 * 10**9], [-1, 3 * 10**9 + 1, "1"]),
    "stream-filter-size-bytes": ([16, 255], [15, 256]),
    "initial-cluster-size": ([1, 5], [0, -1]),
    "target-group-size": ([1, 5], [0, "a"]),
    "consumer-timeout": ([0, 60000], [-1, "a"]),
    "consumer-disconnected-timeout": ([0, 60000], [-1]),
    "delayed-retry-type": (["disabled", "all", "failed", "returned"], ["a"]),
    "delayed-retry-min": ([1, 1000], [0, "a"]),
    "delayed-retry-max": ([1, 1000], [0]),
    "federation-upstream": (["all", "up"], [1]),
    "federation-upstream-set": (["all"], [1]),
    "ha-mode": (["all", "exactly", "nodes"], ["a", 1, []]),
    "ha-params": ([2, ["rabbit@a"]], []),
    "ha-sync-mode": (["manual", "automatic"], ["a"]),
    "ha-sync-batch-size": ([1], [0, "a"]),
    "ha-promote-on-shutdown": (["always", "when-synced"], ["a"]),
    "ha-promote-on-failure": (["always", "when-synced"], ["a"]),
}
OPERATORS = {
    "message-ttl", "expires", "max-length", "max-length-bytes", "max-in-memory-length",
    "max-in-memory-bytes", "overflow", "delivery-limit", "queue-version", "target-group-size",
}  # fmt: skip


def test_no_key_is_forgotten():
    assert VALUES.keys() == KEYS.keys()


@pytest.mark.parametrize("key", VALUES)
def test_values(key):
    good, bad = VALUES[key]
    assert [problem({key: value}, operator=False) for value in good] == [None] * len(good)
    for value in bad:
        assert "is not a valid" in (problem({key: value}, operator=False) or ""), value


@pytest.mark.parametrize("key", VALUES)
def test_what_operators_may_say(key):
    refused = problem({key: VALUES[key][0][0]}, operator=True)
    if key in OPERATORS or key.startswith("ha-"):
        assert refused is None
    else:
        assert "are not recognised policy settings" in (refused or "")


@pytest.mark.parametrize(
    ("definition", "text"),
    [
        ({}, "no policy provided"),
        ([], "policy definition is no map: []"),
        ("x", 'policy definition is no map: <<"x">>'),
        (None, "policy definition is no map: null"),
        ({"expires": "b", "max-length": "a"}, '<<"b">> is not a valid queue expiry'),
        ({"bogus": 1, "max-length": "a"}, '<<"a">> is not a valid maximum length'),
        ({"max-length": {"a": [1]}}, '#{<<"a">> => [1]} is not a valid maximum length'),
        (
            {"b": "x", "a": None},
            '[{<<"a">>,null},{<<"b">>,<<"x">>}] are not recognised policy settings',
        ),
    ],
)
def test_texts(definition, text):
    assert problem(definition, operator=False) == text


@pytest.mark.parametrize(
    ("definition", "types"),
    [
        ({"max-length": 1}, {"classic", "quorum"}),
        ({"max-length-bytes": 1}, {"classic", "quorum", "stream"}),
        ({"max-length": 1, "delivery-limit": 1}, {"classic", "quorum"}),
        ({"max-length": 1, "delayed-retry-min": 1}, {"quorum"}),
        ({"max-length": 1, "max-age": "1h"}, set()),
        ({"max-age": "1h"}, {"stream"}),
        ({"ha-mode": "all"}, {"classic"}),
        ({"target-group-size": 3}, {"quorum"}),
        ({"alternate-exchange": "x"}, {"classic", "quorum", "stream"}),
        ({"federation-upstream": "x"}, {"classic", "quorum", "stream"}),
    ],
)
def test_who_knows_all_keys(definition, types):
    assert queue_types(definition) == types


@pytest.mark.parametrize(
    ("key", "policy", "operator", "both"),
    [
        ("message-ttl", 10, 20, 10),
        ("max-length", 20, 10, 10),
        ("delivery-limit", 5, 3, 3),
        ("delivery-limit", -1, 3, 3),
        ("delivery-limit", 5, -1, 5),
        ("overflow", "drop-head", "reject-publish", "reject-publish"),
        ("queue-version", 1, 2, 2),
        ("target-group-size", 3, 5, 5),
        ("ha-mode", "all", "exactly", "exactly"),
    ],
)
def test_joined(key, policy, operator, both):
    assert joined({key: policy}, {key: operator}) == {key: both}
    assert joined({key: policy}, {}) == {key: policy}
    assert joined({}, {key: operator}) == {key: operator}
