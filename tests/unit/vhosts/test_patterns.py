import pytest

from tests.unit.vhosts.fakes import refusal
from vhosts.errors import InvalidValue
from vhosts.patterns import compiled


def test_the_empty_pattern_matches_nothing():
    assert compiled("") is None


def test_patterns_are_not_anchored():
    pattern = compiled("b")
    assert pattern is not None
    assert pattern.search("abc")


@pytest.mark.parametrize("pattern", ["[", "(", "*", "a{99999999999}", "(?P<n>a)(?P<n>b)"])
def test_what_is_no_expression(pattern):
    text = refusal(InvalidValue, compiled, pattern)
    assert text.startswith(f"invalid regular expression '{pattern}'")
