import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pamqp import decode as pamqp_decode

from broker.amqp.content import MAX_NESTING, MalformedProperties, check_table
from broker.amqp.tables import (
    TableError,
    decode_entries,
    decode_table,
    encode_table,
    with_portable_integers,
)
from exchanges.tables import TYPE_NAMES
from tests.support import encoding
from tests.support.encoding import Typed
from tests.unit.broker.amqp import strategies

EVERY_TYPE = {
    "bool": ("t", True),
    "byte": ("b", -128),
    "unsignedbyte": ("B", 255),
    "short": ("s", -32768),
    "unsignedshort": ("u", 65535),
    "signedint": ("I", -(1 << 31)),
    "unsignedint": ("i", (1 << 32) - 1),
    "long": ("l", -(1 << 63)),
    "float": ("f", 1.5),
    "double": ("d", 0.1),
    "decimal": ("D", (2, 314)),
    "longstr": ("S", "text"),
    "binary": ("x", b"\x00\xff"),
    "timestamp": ("T", (1 << 64) - 1),
    "table": ("F", {"a": ("I", 1)}),
    "array": ("A", [("S", "x"), ("V", None)]),
    "void": ("V", None),
}


def sized(entries: bytes) -> bytes:
    return struct.pack(">I", len(entries)) + entries


def entry(key: bytes, field: bytes) -> bytes:
    return bytes([len(key)]) + key + field


def as_typed(field: Any) -> Typed:
    tag, value = field
    if tag == "F":
        value = {key: as_typed(item) for key, item in value.items()}
    if tag == "A":
        value = [as_typed(item) for item in value]
    return Typed(tag, value)


def test_every_type_there_and_back():
    raw = encode_table(EVERY_TYPE)
    assert decode_table(raw) == (EVERY_TYPE, len(raw))
    assert {TYPE_NAMES[tag] for tag, _ in EVERY_TYPE.values()} == set(EVERY_TYPE)


def test_bytes_as_the_independent_encoder_makes_them():
    table = {key: as_typed(field) for key, field in EVERY_TYPE.items()}
    assert encode_table(EVERY_TYPE) == encoding.encode_table(table)


def test_what_pamqp_reads_alike():
    table = {"l": ("l", 7), "I": ("I", -7), "S": ("S", "x"), "t": ("t", False), "V": ("V", None)}
    raw = encode_table({**table, "F": ("F", table), "A": ("A", list(table.values()))})
    plain = {key: value for key, (_, value) in table.items()}
    consumed, value = pamqp_decode.field_table(raw)
    assert (consumed, value) == (len(raw), {**plain, "F": plain, "A": list(plain.values())})


@given(strategies.tables)
def test_decoding_undoes_encoding(table):
    raw = encode_table(table)
    assert decode_table(raw) == (table, len(raw))
    assert decode_entries(raw[4:]) == table


@given(strategies.tables, st.binary(max_size=8), st.binary(max_size=8))
def test_at_any_place_in_longer_data(table, before, after):
    raw = encode_table(table)
    data = before + raw + after
    assert decode_table(data, len(before)) == (table, len(before) + len(raw))


@given(strategies.tables)
def test_encoding_undoes_decoding(table):
    raw = encode_table(table)
    assert encode_table(decode_table(raw)[0]) == raw


@given(strategies.tables, st.data())
def test_a_table_cut_short_is_no_table(table, data):
    raw = encode_table(table)
    cut = data.draw(st.integers(0, len(raw) - 1))
    with pytest.raises(TableError):
        decode_table(raw[:cut])


def accepted(data: bytes) -> int | None:
    """Where the table in `data` ends, None where there is none."""
    try:
        return decode_table(data)[1]
    except TableError:
        return None


def accepted_unread(data: bytes) -> int | None:
    """The same from the walk that does not build the table."""
    try:
        return check_table(data, 0, len(data), 0)
    except (MalformedProperties, IndexError, struct.error):
        return None


@given(st.one_of(st.binary(max_size=80), st.binary(max_size=80).map(sized)))
def test_any_bytes_are_judged_as_when_they_are_only_checked(data):
    assert accepted(data) == accepted_unread(data)


@given(strategies.tables, st.data())
def test_damaged_tables_are_judged_as_when_they_are_only_checked(table, data):
    raw = bytearray(encode_table(table))
    raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    assert accepted(bytes(raw)) == accepted_unread(bytes(raw))


def test_any_octet_but_zero_is_true():
    assert decode_table(sized(entry(b"k", b"t\x02")))[0] == {"k": ("t", True)}


def test_the_first_of_duplicate_keys_counts():
    raw = sized(entry(b"k", b"B\x01") + entry(b"other", b"V") + entry(b"k", b"B\x02"))
    assert decode_table(raw)[0] == {"k": ("B", 1), "other": ("V", None)}


def test_text_that_is_not_utf8_keeps_its_bytes():
    raw = sized(entry(b"\xff", b"S" + sized(b"\xfe")))
    assert encode_table(decode_table(raw)[0]) == raw


def test_long_comes_as_it_was_tagged_and_goes_out_portable():
    raw = sized(entry(b"k", b"L" + bytes(7) + b"\x05"))
    table, _ = decode_table(raw)
    assert table == {"k": ("L", 5)}
    assert encode_table(table) == raw.replace(b"L", b"l")


@pytest.mark.parametrize("tag", [b"U", b"c", b"Z", b"\x00"])
def test_unknown_tags(tag):
    with pytest.raises(TableError):
        decode_table(sized(entry(b"k", tag + bytes(8))))


@pytest.mark.parametrize(
    "entries",
    [
        entry(b"k", b"I\x00\x00\x00"),
        entry(b"k", b""),
        entry(b"k", b"S\x00\x00\x00\x02x"),
        entry(b"k", b"S\xff\xff\xff\xff"),
        entry(b"k", b"D\x00\x00"),
        b"\x09short",
        entry(b"k", b"F" + struct.pack(">I", 9) + entry(b"i", b"V")),
        entry(b"k", b"A" + struct.pack(">I", 3) + b"I\x00\x00\x00\x01"),
        entry(b"k", b"F" + sized(b"\x01i")),
    ],
)
def test_values_beyond_the_end_of_what_holds_them(entries):
    # Bytes enough behind the table must not make up for it.
    with pytest.raises(TableError):
        decode_table(sized(entries) + bytes(20))


def nested(levels: int, kind: str) -> tuple[str, Any]:
    field: tuple[str, Any] = ("V", None)
    for _ in range(levels):
        field = ("F", {"k": field}) if kind == "F" else ("A", [field])
    return field


@pytest.mark.parametrize("kind", ["F", "A"])
def test_levels_are_counted(kind):
    raw = encode_table({"k": nested(MAX_NESTING, kind)})
    assert decode_table(raw)[0] == {"k": nested(MAX_NESTING, kind)}
    with pytest.raises(TableError):
        encode_table({"k": nested(MAX_NESTING + 1, kind)})
    deeper = sized(entry(b"k", b"F" + raw)) if kind == "F" else sized(entry(b"k", deep_array()))
    with pytest.raises(TableError):
        decode_table(deeper)


def deep_array() -> bytes:
    raw = b"V"
    for _ in range(MAX_NESTING + 1):
        raw = b"A" + sized(raw)
    return raw


@pytest.mark.parametrize(
    "field",
    [("B", 256), ("l", 1 << 63), ("T", -1), ("I", "text"), ("D", (300, 1)), ("?", 1)],
)
def test_values_that_do_not_fit(field):
    with pytest.raises(TableError):
        encode_table({"k": field})


def test_keys_that_do_not_fit():
    with pytest.raises(TableError):
        encode_table({"é" * 128: ("V", None)})


def table_full_of_l(tag: bytes) -> bytes:
    eight = b"LLLLLLLL"
    return sized(
        entry(b"L", tag + eight)
        + entry(b"S", b"S" + sized(b"L"))
        + entry(b"t", b"F" + sized(entry(b"L", tag + eight)))
        + entry(b"a", b"A" + sized(tag + eight + b"V" + b"d" + eight + b"D" + eight[:5]))
        + entry(b"x", b"x" + sized(b"LL"))
    )


def test_portable_integers_change_tags_and_nothing_else():
    changed = with_portable_integers(b"LL" + table_full_of_l(b"L") + b"L", 2)
    assert changed == b"LL" + table_full_of_l(b"l") + b"L"


@given(strategies.tables)
def test_portable_tables_stay_the_same_object(table):
    raw = encode_table(table)
    assert with_portable_integers(raw, 0) is raw
