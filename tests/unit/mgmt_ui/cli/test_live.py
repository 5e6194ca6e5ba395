"""Patches of the live stream are applied as mgmt_ui/delta.py makes them."""

from hypothesis import given
from hypothesis import strategies as st

from mgmt_ui.cli.live import patched
from mgmt_ui.delta import delta

NAMES = st.sampled_from("abcd")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.text("xy", max_size=2),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES, VALUES)
def test_a_patch_makes_the_old_the_new(old, new):
    patch = delta(old, new)
    assert (old if patch is None else patched(old, patch)) == new
