"""What patterns match, and that none can hold up others for long."""

import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from tests.unit.vhosts.fakes import declare_exchange, declare_queue, make_vhost, refusal
from vhosts import patterns
from vhosts.errors import InvalidValue
from vhosts.patterns import Pattern, compiled
from vhosts.permissions import Permission
from vhosts.topic_permissions import TopicPermission

LONG = "a" * 254 + "!"
# All of these keep Python's own matcher busy for longer than anybody lives.
CATASTROPHES = [
    *(r"^(a|a)*$", r"^(a|aa)+$", r"^(a+)+$", r"^(.*a){30}$", r"(\w+\s?)+$", r"(a*)*b\1"),
    *(r"(?:a?){255}a{255}b", r"(x+x+)+y|^(([a-z])+.)+[A-Z]([a-z])+$", "(?R)?(a|a)*?$"),
]


def test_the_empty_pattern_matches_nothing():
    assert compiled("") is None


def test_patterns_are_not_anchored():
    assert Pattern("b").search("abc") is True
    assert Pattern("b").search("ac") is False


@pytest.mark.parametrize(
    "pattern", ["[", "(", "*", "a{99999999999}", "(?P<n>a)(?P<n>b)(", "(" * 999]
)
def test_what_is_no_expression(pattern):
    text = refusal(InvalidValue, compiled, pattern)
    assert text.startswith(f"invalid regular expression '{pattern[:200]}")


def test_what_is_too_large():
    assert refusal(InvalidValue, compiled, "a" * 5000).endswith("regular expression is too large")


@pytest.mark.parametrize(
    "pattern",
    [
        *("", ".*", "^orders", r"^(amq\.gen.*|ann-.*)$", ".*-dlq$", "^für.*", "^[a-z0-9_-]+$"),
        *(r"\d+$", "^a|^b", r"^\.x?y?$", "(?:a|b)c", "[^.]*"),
    ],
)
def test_common_patterns_are_cheap(pattern):
    assert not Pattern(pattern).demanding


@pytest.mark.parametrize(
    "pattern",
    ["(a)+", "a{9}", "a*?", r"(a)\1", r"\bx", "(?=x)", "|" * 100, "^.*.*.*", ".*.*|a", "(?i)a"],
)
def test_all_others_are_not(pattern):
    assert Pattern(pattern).demanding


def busy(call):
    """Seconds of this process that it took."""
    began = time.process_time()
    call()
    return time.process_time() - began


@pytest.mark.parametrize("pattern", CATASTROPHES)
def test_no_search_takes_long(pattern):
    search = Pattern(pattern).search
    assert busy(lambda: search(LONG)) < 0.1


def test_what_takes_too_long_matches_nothing(caplog):
    pattern = Pattern("^(.*a){30}$")
    assert pattern.find(LONG) is None
    assert pattern.search(LONG) is False
    assert pattern.search("a" * 30) is True
    assert pattern.overruns >= 2
    assert len(caplog.records) == 1


def test_patience_comes_to_an_end_and_comes_back():
    pattern = Pattern("^(.*a){30}$")
    assert busy(lambda: [pattern.search(LONG) for _ in range(200)]) < 1.0
    for _ in range(200):
        pattern.search("b")
    assert pattern._patience == patterns.PATIENCE


def test_a_policy_for_thousands_of_queues_goes_in_steps():
    later: list[Callable[[], None]] = []
    vhost = make_vhost(later=later.append)
    for number in range(200):
        declare_queue(vhost, LONG[:-4] + f"{number:03}!")
    steps = 0
    vhost.policies.set("slow", pattern="^(.*a){30}$", definition={"max-length": 1})
    while later:
        steps += 1
        later.pop()()
    assert steps > 20
    assert all(queue.policy is None for queue in vhost.queues.values())


def test_permissions_that_take_too_long_are_refused():
    slow = "^(.*a){30}$"
    assert busy(lambda: Permission("u", "/", slow, slow, slow).allows("any", "queue", LONG)) < 0.1
    assert not Permission("u", "/", slow, slow, slow).allows("read", "queue", LONG)
    assert not TopicPermission("u", "/", "x", slow, slow).allows("write", LONG)


def test_exchanges_under_a_pattern_of_pcre():
    vhost = make_vhost()
    vhost.policies.set("p", pattern=r"\A[[:lower:]]+\z", definition={"alternate-exchange": "a"})
    assert declare_exchange(vhost, "abc").alternate == "a"
    assert declare_exchange(vhost, "Abc").alternate is None


def test_the_package_is_imported_by_who_needs_it():
    script = (
        "import sys; from vhosts.patterns import Pattern; Pattern('^a.*'); Pattern('.*');"
        "assert 'regex' not in sys.modules; Pattern('(a)+'); assert 'regex' in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
