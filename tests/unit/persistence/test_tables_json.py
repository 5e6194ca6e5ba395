"""Typed tables as JSON."""

from hypothesis import given
from hypothesis import strategies as st

from persistence import tables_json

# Any bytes of the wire, as they look decoded with surrogateescape.
texts = st.binary(max_size=20).map(lambda raw: raw.decode("utf-8", "surrogateescape"))
plain = st.one_of(
    st.tuples(st.just("t"), st.booleans()),
    st.tuples(st.sampled_from("bBsuIilLT"), st.integers()),
    st.tuples(st.sampled_from("fd"), st.floats(allow_nan=False)),
    st.tuples(st.just("D"), st.tuples(st.integers(0, 255), st.integers(0, 2**32 - 1))),
    st.tuples(st.just("S"), texts),
    st.tuples(st.just("x"), st.binary(max_size=20)),
    st.tuples(st.just("V"), st.none()),
)
fields = st.recursive(
    plain,
    lambda inner: st.one_of(
        st.tuples(st.just("F"), st.dictionaries(texts, inner, max_size=3)),
        st.tuples(st.just("A"), st.lists(inner, max_size=3)),
    ),
    max_leaves=8,
)


@given(st.dictionaries(texts, fields, max_size=5))
def test_loading_is_the_inverse_of_dumping(table):
    text = tables_json.dump(table)

    assert text.isascii()
    assert tables_json.load(text) == table
