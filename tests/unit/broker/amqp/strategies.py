"""Hypothesis strategies for what stands on the wire."""

from hypothesis import strategies as st

from broker.amqp.tables import Field, Table


def text(max_bytes: int = 60) -> st.SearchStrategy[str]:
    """Text of any bytes, as decoding leaves it."""
    return st.binary(max_size=max_bytes).map(lambda raw: raw.decode("utf-8", "surrogateescape"))


def utf8(max_bytes: int = 255) -> st.SearchStrategy[str]:
    """Text that is valid UTF-8."""
    characters = st.characters(exclude_categories=["Cs"])
    return st.text(characters, max_size=max_bytes // 4)


def _integers(bits: int, *, signed: bool) -> st.SearchStrategy[int]:
    if signed:
        return st.integers(-(1 << bits - 1), (1 << bits - 1) - 1)
    return st.integers(0, (1 << bits) - 1)


_BY_TAG: dict[str, st.SearchStrategy[object]] = {
    "t": st.booleans(),
    "b": _integers(8, signed=True),
    "B": _integers(8, signed=False),
    "s": _integers(16, signed=True),
    "u": _integers(16, signed=False),
    "I": _integers(32, signed=True),
    "i": _integers(32, signed=False),
    "l": _integers(64, signed=True),
    "f": st.floats(width=32, allow_nan=False),
    "d": st.floats(allow_nan=False),
    "D": st.tuples(_integers(8, signed=False), _integers(32, signed=False)),
    "S": text(),
    "x": st.binary(max_size=60),
    "T": _integers(64, signed=False),
    "V": st.none(),
}
_scalars: st.SearchStrategy[Field] = st.one_of(
    *(st.tuples(st.just(tag), values) for tag, values in _BY_TAG.items())
)


def _containers(fields: st.SearchStrategy[Field]) -> st.SearchStrategy[Field]:
    tables = st.dictionaries(text(30), fields, max_size=4)
    return st.one_of(
        st.tuples(st.just("A"), st.lists(fields, max_size=4)), st.tuples(st.just("F"), tables)
    )


fields: st.SearchStrategy[Field] = st.recursive(_scalars, _containers, max_leaves=8)
tables: st.SearchStrategy[Table] = st.dictionaries(text(30), fields, max_size=5)
