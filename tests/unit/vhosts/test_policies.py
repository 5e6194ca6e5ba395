"""Which policy is for whom, what is refused, what is written (spec 10.4)."""

from collections.abc import Callable

import pytest

from tests.unit.vhosts.fakes import declare_exchange, declare_queue, make_vhost, refusal
from vhosts.enforcement import STEP
from vhosts.errors import InvalidValue

TTL = {"message-ttl": 1}


def queue(vhost, name, queue_type="classic"):
    arguments = {"x-queue-type": ("S", queue_type)}
    return declare_queue(vhost, name, durable=True, arguments=arguments)


def name_of(policy):
    return None if policy is None else policy.name


@pytest.fixture
def vhost():
    return make_vhost()


def test_the_highest_priority_wins(vhost):
    vhost.policies.set("low", pattern="^q", definition=TTL, priority=-1)
    vhost.policies.set("high", pattern="^q", definition={"max-length": 5}, priority=7)
    vhost.policies.set("other", pattern="^x", definition=TTL, priority=9)
    one = queue(vhost, "q1")
    assert name_of(one.policy) == "high"
    assert one.effective_policy == {"max-length": 5}
    vhost.policies.delete("high")
    assert name_of(one.policy) == "low"
    vhost.policies.delete("low")
    assert one.policy is None
    assert one.effective_policy == {}


def test_equal_priorities_go_by_name(vhost):
    vhost.policies.set("b", pattern="", definition=TTL)
    vhost.policies.set("a", pattern="", definition=TTL)
    assert name_of(queue(vhost, "q").policy) == "a"


def test_the_pattern_is_not_anchored(vhost):
    vhost.policies.set("p", pattern="m.d", definition=TTL)
    assert name_of(queue(vhost, "a-mid-b").policy) == "p"
    assert queue(vhost, "md").policy is None


def test_the_same_name_replaces_all_of_it(vhost):
    vhost.policies.set("p", pattern="q", definition=TTL, priority=3, apply_to="queues")
    vhost.policies.set("p", pattern="z", definition={"max-length": 1})
    policy = vhost.policies.get("p")
    assert (policy.pattern, policy.priority, policy.apply_to) == ("z", 0, "all")
    assert len(vhost.policies) == 1


@pytest.mark.parametrize(
    ("apply_to", "names"),
    [
        ("all", {"classic", "quorum", "stream", "exchange"}),
        ("queues", {"classic", "quorum", "stream"}),
        ("exchanges", {"exchange"}),
        ("classic_queues", {"classic"}),
        ("quorum_queues", {"quorum"}),
        ("streams", {"stream"}),
    ],
)
def test_apply_to(vhost, apply_to, names):
    vhost.policies.set("p", pattern="", definition={"max-length-bytes": 1}, apply_to=apply_to)
    made = [queue(vhost, kind, kind) for kind in ("classic", "quorum", "stream")]
    made.append(declare_exchange(vhost, "exchange"))
    assert {each.name for each in made if each.policy} == names


def test_a_queue_that_does_not_know_a_key_is_left_to_the_next(vhost):
    vhost.policies.set(
        "p",
        pattern="",
        definition={"max-length": 1, "dead-letter-strategy": "at-least-once"},
        priority=1,
    )
    vhost.policies.set("q", pattern="", definition=TTL)
    assert name_of(queue(vhost, "classic").policy) == "q"
    assert name_of(queue(vhost, "quorum", "quorum").policy) == "p"
    assert queue(vhost, "stream", "stream").policy is None


def test_with_an_operator_policy(vhost):
    one = queue(vhost, "q")
    vhost.policies.set("p", pattern="", definition={"max-length": 9, "overflow": "drop-head"})
    limits = {"max-length": 4, "overflow": "reject-publish", "expires": 5}
    vhost.operator_policies.set("o", pattern="q", definition=limits)
    assert (name_of(one.policy), name_of(one.operator_policy)) == ("p", "o")
    assert one.effective_policy == limits
    vhost.policies.delete("p")
    assert one.policy is None
    assert one.effective_policy == limits


def test_exchanges_and_their_alternates(vhost):
    own = declare_exchange(vhost, "own", arguments={"alternate-exchange": ("S", "a")})
    other = declare_exchange(vhost, "other")
    vhost.policies.set("p", pattern="", definition={"alternate-exchange": "b"})
    assert (own.alternate, other.alternate) == ("a", "b")
    assert vhost.exchanges[""].alternate is None
    assert vhost.exchanges["amq.direct"].alternate == "b"
    assert declare_exchange(vhost, "later").alternate == "b"
    vhost.policies.delete("p")
    assert (own.alternate, other.alternate) == ("a", None)


def test_targets_are_looked_up_again(vhost):
    queue(vhost, "q")
    before = vhost.topology
    vhost.policies.set("p", pattern="q", definition=TTL)
    assert vhost.topology > before


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"definition": {}}, "no policy provided"),
        ({"pattern": 1}, "pattern should be a binary but was 1"),
        (
            {"pattern": "["},
            "pattern should be regular expression but is invalid: "
            "missing terminating ] for character class",
        ),
        ({"priority": "a"}, 'priority should be a number, actually was <<"a">>'),
        ({"priority": True}, "priority should be a number, actually was true"),
        ({"priority": None}, "priority should be a number, actually was null"),
        ({"priority": 1.5}, "priority should be an integer of 32 bits, actually was 1.5"),
        ({"priority": 2**31}, "priority should be an integer of 32 bits, actually was 2147483648"),
        ({"priority": float("nan")}, "priority should be an integer of 32 bits, actually was nan"),
        (
            {"apply_to": "bogus"},
            "apply-to 'bogus' unrecognised; should be one of all, queues, exchanges, "
            "classic_queues, quorum_queues, streams",
        ),
        (
            {"pattern": 1, "priority": "a"},
            "pattern should be a binary but was 1\n"
            'priority should be a number, actually was <<"a">>',
        ),
    ],
)
def test_refused(vhost, wrong, text):
    options = {"pattern": "", "definition": TTL} | wrong
    assert refusal(InvalidValue, vhost.policies.set, "p", **options) == (
        f"Validation failed\n\n{text}\n"
    )
    assert len(vhost.policies) == 0
    assert vhost.store.calls == []


def test_what_is_written(vhost):
    vhost.policies.set("p", pattern="a", definition=TTL, priority=2.0, apply_to="queues")
    vhost.operator_policies.set("o", pattern="b", definition=TTL)
    vhost.policies.delete("p")
    vhost.operator_policies.delete("o")
    assert not vhost.policies.delete("p")
    value = {"pattern": "b", "definition": TTL, "priority": 0, "apply-to": "all"}
    assert vhost.store.calls == [
        ("save_policy", "/", ("p", "a", "queues", 2, TTL)),
        ("save_parameter", "/", "operator_policy", "o", value),
        ("delete_policy", "/", "p"),
        ("delete_parameter", "/", "operator_policy", "o"),
    ]


def test_many_queues_come_under_it_step_by_step():
    steps: list[Callable[[], None]] = []
    vhost = make_vhost(later=steps.append)
    queues = [queue(vhost, f"q{number}") for number in range(STEP)]
    vhost.policies.set("p", pattern="q", definition=TTL)
    done = sum(each.policy is not None for each in queues)
    assert 0 < done < STEP
    vhost.delete_queue(queues[-1])
    # Another change in between starts anew, and nothing runs twice.
    vhost.policies.set("p", pattern="q", definition={"max-length": 1})
    while steps:
        assert len(steps) == 1
        steps.pop()()
    assert all(each.effective_policy == {"max-length": 1} for each in queues[:-1])
    assert queues[-1].policy is None
