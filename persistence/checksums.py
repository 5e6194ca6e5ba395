"""The checksum of a row of definitions.

Here: how it is reckoned, which must never change: migrations rely on it.  Not
here: what becomes of a row whose checksum does not fit (damage.py).  Batches
have theirs inside (record.py).
"""

from collections.abc import Iterable
from zlib import crc32


def of_row(values: Iterable[object]) -> int:
    """CRC-32 over the values of a row in the order of its columns.

    They are bytes, str, int or bool; each goes in with its kind and its length.
    """
    checksum = 0
    for value in values:
        if isinstance(value, bytes | memoryview):
            kind, data = b"b", bytes(value)
        elif isinstance(value, str):
            kind, data = b"s", value.encode("utf-8", "surrogatepass")
        elif isinstance(value, int):
            kind, data = b"i", b"%d" % value
        else:
            kind, data = b"?", repr(value).encode()
        checksum = crc32(b"%s%d:%s" % (kind, len(data), data), checksum)
    return checksum
