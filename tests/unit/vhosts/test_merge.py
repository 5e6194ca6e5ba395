"""One rule for each way an argument and a policy can meet (spec 7.2)."""

import pytest

from vhosts import merge


@pytest.mark.parametrize(
    ("rule", "queue_type", "both", "argument", "policy"),
    [
        (merge.argument_only, "classic", 1, 1, None),
        (merge.argument_wins, "classic", 1, 1, 2),
        (merge.policy_wins, "stream", 2, 1, 2),
        (merge.minimum, "classic", 1, 1, 2),
        (merge.minimum_or_unlimited, "quorum", 1, 1, 2),
        (merge.max_length_bytes, "classic", 1, 1, 2),
        (merge.max_length_bytes, "stream", 2, 1, 2),
        (merge.overflow, "classic", 1, 1, 2),
        (merge.overflow, "quorum", 2, 1, 2),
    ],
)
def test_rule(rule, queue_type, both, argument, policy):
    assert rule(1, 2, queue_type) == both
    assert rule(1, None, queue_type) == argument
    assert rule(None, 2, queue_type) == policy
    assert rule(None, None, queue_type) is None


def test_unlimited_on_either_side_takes_the_larger():
    assert merge.minimum_or_unlimited(-1, 5, "quorum") == 5
    assert merge.minimum_or_unlimited(5, -1, "quorum") == 5
    assert merge.minimum_or_unlimited(-1, None, "quorum") == -1
