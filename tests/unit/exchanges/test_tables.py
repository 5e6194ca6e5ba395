"""Typed tables: equality, and how error texts print them."""

import math

import pytest

from exchanges.tables import canonical, canonical_field, comparable, term


def test_order_does_not_matter_at_any_depth():
    one = {"a": ("I", 1), "b": ("F", {"x": ("t", True), "y": ("V", None)})}
    other = {"b": ("F", {"y": ("V", None), "x": ("t", True)}), "a": ("I", 1)}
    assert canonical(one) == canonical(other)
    assert hash(canonical(one)) == hash(canonical(other))


def test_empty_is_empty():
    assert canonical({}) == ()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("I", 1), ("l", 1)),
        (("t", True), ("I", 1)),
        (("S", "a"), ("x", b"a")),
        (("f", 1.0), ("d", 1.0)),
        (("T", 1), ("l", 1)),
        (("V", None), ("F", {})),
        (("F", {}), ("A", [])),
        (("A", [("I", 1), ("I", 2)]), ("A", [("I", 2), ("I", 1)])),
    ],
)
def test_identity_is_strict_about_types(one, other):
    assert canonical_field(one) != canonical_field(other)


def test_both_tags_of_a_long_are_one_type():
    assert canonical_field(("L", 5)) == canonical_field(("l", 5))


def test_nan_is_itself():
    assert canonical_field(("d", math.nan)) == canonical_field(("d", float("nan")))
    assert comparable(("d", math.nan)) != comparable(("d", float("nan")))


@pytest.mark.parametrize(
    ("field", "text"),
    [
        (("S", "foo"), '<<"foo">>'),
        (("S", ""), "<<>>"),
        (("S", 'say "a\\b"'), '<<"say \\"a\\\\b\\"">>'),
        (("S", "é"), '<<"é"/utf8>>'),
        (("S", "a\n"), "<<97,10>>"),
        (("S", "\udcff"), "<<255>>"),
        (("x", b"foo"), '<<"foo">>'),
        (("x", b"\xff\x00"), "<<255,0>>"),
        (("l", -5), "-5"),
        (("d", 1.5), "1.5"),
        (("d", 0.0), "0.0"),
        (("d", -0.0), "-0.0"),
        (("d", 0.5), "0.5"),
        (("d", 100.0), "100.0"),
        (("d", 1000.0), "1.0e3"),
        (("d", -1500.0), "-1.5e3"),
        (("d", 99999.0), "99999.0"),
        (("d", 0.0001), "0.0001"),
        (("d", 0.00001), "1.0e-5"),
        (("d", 1.5e-7), "1.5e-7"),
        (("f", 12345678901234567890.0), "1.2345678901234567e19"),
        (("d", math.inf), "inf"),
        (("t", True), "true"),
        (("t", False), "false"),
        (("V", None), "undefined"),
        (("T", 7), "7"),
        (("D", (2, 314)), "{2,314}"),
        (("A", [("I", 1), ("S", "a")]), '[{signedint,1},{longstr,<<"a">>}]'),
        (("F", {"k": ("t", True)}), '[{<<"k">>,bool,true}]'),
    ],
)
def test_terms(field, text):
    assert term(field) == text
