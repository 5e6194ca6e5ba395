"""The patches of the live stream: applying one gives the new value."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgmt_ui.delta import Patch, delta

LEAVES = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", 1.5])
JSON = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=4)
    ),
    max_leaves=12,
)


def applied(value: Any, patch: Patch) -> Any:
    """What the console's lib/patch.ts does."""
    if "r" in patch:
        return patch["r"]
    if isinstance(value, list):
        items = value[: patch.get("n", len(value))]
        for index, inner in patch.get("p", {}).items():
            items[int(index)] = applied(value[int(index)], inner)
        return items + patch.get("e", [])
    members = value | patch.get("s", {})
    for name in patch.get("d", ()):
        del members[name]
    for name, inner in patch.get("p", {}).items():
        members[name] = applied(value[name], inner)
    return members


def same(one: Any, other: Any) -> bool:
    """Equal as JSON: true is not 1."""
    return repr(one) == repr(other) or (
        isinstance(one, dict)
        and isinstance(other, dict)
        and one.keys() == other.keys()
        and all(same(one[name], other[name]) for name in one)
    )


@given(JSON, JSON)
def test_a_patch_makes_the_old_value_into_the_new_one(old: Any, new: Any) -> None:
    patch = delta(old, new)
    assert new == (old if patch is None else applied(old, patch))


@given(JSON)
def test_nothing_changed_is_no_patch(value: Any) -> None:
    assert delta(value, value) is None


@pytest.mark.parametrize(
    ("old", "new", "patch"),
    [
        ({"a": 1}, {"a": 2}, {"s": {"a": 2}}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1}}, {"p": {"a": {"d": ["c"]}}}),
        ([1, 2, 3], [1], {"n": 1}),
        ([1], [2, 3], {"p": {"0": {"r": 2}}, "e": [3]}),
        ({"a": 1}, {"a": True}, {"s": {"a": True}}),
        (None, {}, {"r": {}}),
    ],
)
def test_patches_say_no_more_than_they_must(old: Any, new: Any, patch: Patch) -> None:
    assert delta(old, new) == patch
