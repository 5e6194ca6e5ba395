"""Field tables, decoded with their wire types and encoded again (spec 1.2, 1.3).

Here: bytes of a table to `Table` and back, and the one rewriting that old
messages need.  Not here: what a key means.

A decoded table maps each key to its field, a pair of type tag and value:
t bool | b B s u I i l L int | f d float | D (scale, unscaled int) | S str |
x bytes | T int seconds | F Table | A list of fields | V None.  Text that is
not UTF-8 keeps its bytes as surrogate escapes.  Where a key stands twice the
first one counts.
"""

from collections.abc import Callable
from struct import Struct, error
from typing import Any

from broker.amqp.content import MAX_NESTING

Field = tuple[str, Any]
Table = dict[str, Field]

_FORMATS = {
    "t": ">?",
    "b": ">b",
    "B": ">B",
    "s": ">h",
    "u": ">H",
    "I": ">i",
    "i": ">I",
    "l": ">q",
    "L": ">q",
    "f": ">f",
    "d": ">d",
    "T": ">Q",
}
_STRUCTS = {tag: Struct(form) for tag, form in _FORMATS.items()}
_NUMBERS = {ord(tag): (tag, s.unpack_from, s.size) for tag, s in _STRUCTS.items()}
_FIXED_SIZES = {ord(tag): s.size for tag, s in _STRUCTS.items()} | {ord("D"): 5, ord("V"): 0}
# `L` means the same as `l`, but several clients cannot read it (spec 1.3).
_PACKERS = {tag: (tag.replace("L", "l").encode(), s.pack) for tag, s in _STRUCTS.items()}
_U32 = Struct(">I")
_DECIMAL = Struct(">BI")


class TableError(Exception):
    """Bytes that are no table, or a value that a table cannot hold."""


# -- decoding ------------------------------------------------------------------------------


def decode_table(data: bytes, at: int = 0) -> tuple[Table, int]:
    """The table whose length word stands at `at`, and the offset behind it; or TableError."""
    try:
        return _table(data, at, len(data), 0)
    except (IndexError, error):
        raise TableError("cut short") from None


def decode_entries(data: bytes) -> Table:
    """A table's contents without the length word before them; or TableError."""
    return decode_table(_U32.pack(len(data)) + data)[0]


def _table(data: bytes, at: int, limit: int, depth: int) -> tuple[Table, int]:
    at, end = _bounds(data, at, limit, depth)
    table: Table = {}
    while at < end:
        start = at + 1
        at = start + data[at]
        if at >= end:
            raise TableError("a key without a value")
        key = data[start:at].decode("utf-8", "surrogateescape")
        field, at = _field(data, at, end, depth)
        if key not in table:
            table[key] = field
    return table, end


def _field(data: bytes, at: int, end: int, depth: int) -> tuple[Field, int]:
    tag = data[at]
    at += 1
    number = _NUMBERS.get(tag)
    if number is not None:
        name, unpack, size = number
        field: Field = (name, unpack(data, at)[0])
        at += size
    elif tag == 0x53:  # S
        start, at = at + 4, at + 4 + _U32.unpack_from(data, at)[0]
        field = ("S", data[start:at].decode("utf-8", "surrogateescape"))
    elif tag == 0x46:  # F
        value, at = _table(data, at, end, depth + 1)
        field = ("F", value)
    elif tag == 0x41:  # A
        items, at = _array(data, at, end, depth + 1)
        field = ("A", items)
    else:
        field, at = _seldom(data, tag, at)
    if at > end:
        raise TableError("a value beyond the end")
    return field, at


def _seldom(data: bytes, tag: int, at: int) -> tuple[Field, int]:
    if tag == 0x78:  # x
        start, end = at + 4, at + 4 + _U32.unpack_from(data, at)[0]
        return ("x", data[start:end]), end
    if tag == 0x56:  # V
        return ("V", None), at
    if tag == 0x44:  # D
        return ("D", _DECIMAL.unpack_from(data, at)), at + 5
    raise TableError(f"unknown type {tag}")


def _array(data: bytes, at: int, limit: int, depth: int) -> tuple[list[Field], int]:
    at, end = _bounds(data, at, limit, depth)
    items: list[Field] = []
    while at < end:
        field, at = _field(data, at, end, depth)
        items.append(field)
    return items, end


def _bounds(data: bytes, at: int, limit: int, depth: int) -> tuple[int, int]:
    if depth > MAX_NESTING:
        raise TableError("too many levels")
    start = at + 4
    end = start + _U32.unpack_from(data, at)[0]
    if end > limit:
        raise TableError("longer than what holds it")
    return start, end


# -- encoding ------------------------------------------------------------------------------


def encode_table(table: Table) -> bytes:
    """The table with its length word; `L` goes out as `l`.  TableError for what does not fit."""
    try:
        return _encode_table(table, 0)
    except error as reason:
        raise TableError(str(reason)) from None


def _encode_table(table: Table, depth: int) -> bytes:
    if depth > MAX_NESTING:
        raise TableError("too many levels")
    pieces: list[bytes] = []
    for key, field in table.items():
        raw = key.encode("utf-8", "surrogateescape")
        if len(raw) > 255:
            raise TableError("a key of more than 255 bytes")
        pieces += (bytes((len(raw),)), raw, _encode_field(field, depth))
    return _sized(b"".join(pieces))


def _encode_field(field: Field, depth: int) -> bytes:
    tag, value = field
    packer = _PACKERS.get(tag)
    if packer is not None:
        name, pack = packer
        return name + pack(value)
    encode = _ENCODERS.get(tag)
    if encode is None:
        raise TableError(f"unknown type {tag}")
    return tag.encode() + encode(value, depth + 1)


def _encode_array(items: list[Field], depth: int) -> bytes:
    if depth > MAX_NESTING:
        raise TableError("too many levels")
    return _sized(b"".join([_encode_field(item, depth) for item in items]))


def _sized(raw: bytes) -> bytes:
    return _U32.pack(len(raw)) + raw


_ENCODERS: dict[str, Callable[[Any, int], bytes]] = {
    "S": lambda text, _: _sized(text.encode("utf-8", "surrogateescape")),
    "x": lambda raw, _: _sized(raw),
    "D": lambda pair, _: _DECIMAL.pack(*pair),
    "V": lambda nothing, _: b"",
    "F": _encode_table,
    "A": _encode_array,
}


# -- rewriting -----------------------------------------------------------------------------


def with_portable_integers(data: bytes, at: int) -> bytes:
    """`data` with each tag `L` in the well-formed table at `at` made `l`, which all clients read.

    Returns `data` itself where there is none.
    """
    found: list[int] = []
    _find_entries(data, at + 4, at + 4 + _U32.unpack_from(data, at)[0], found)
    if not found:
        return data
    changed = bytearray(data)
    for offset in found:
        changed[offset] = 0x6C
    return bytes(changed)


def _find_entries(data: bytes, at: int, end: int, found: list[int]) -> None:
    while at < end:
        at = _find_in_field(data, at + 1 + data[at], found)


def _find_in_field(data: bytes, at: int, found: list[int]) -> int:
    tag = data[at]
    if tag == 0x4C:
        found.append(at)
    size = _FIXED_SIZES.get(tag)
    if size is not None:
        return at + 1 + size
    start = at + 5
    end: int = start + _U32.unpack_from(data, at + 1)[0]
    if tag == 0x46:
        _find_entries(data, start, end, found)
    elif tag == 0x41:
        while start < end:
            start = _find_in_field(data, start, found)
    return end
