"""SASL mechanisms: what a client's response says of who it is (spec 2.4).

Here: one function for each mechanism, from the response of start-ok to name and
password.  Not here: whether they are right, and what is answered.
"""

from collections.abc import Callable
from typing import NamedTuple

from broker.amqp.tables import Table, TableError, decode_entries


class Credentials(NamedTuple):
    """A name and a password, any bytes of which stand as surrogate escapes."""

    name: str
    password: str


class MalformedResponse(Exception):
    """The response is not what the mechanism wants."""


def plain(response: bytes) -> Credentials:
    """PLAIN: NUL, name, NUL, password; the authorization identity before it must be empty."""
    parts = response.split(b"\x00")
    if len(parts) != 3 or parts[0]:
        raise MalformedResponse
    return Credentials(_text(parts[1]), _text(parts[2]))


def amqplain(response: bytes) -> Credentials:
    """AMQPLAIN: the contents of a table with LOGIN and PASSWORD, without its length."""
    try:
        table = decode_entries(response)
    except TableError:
        raise MalformedResponse from None
    return Credentials(_entry(table, "LOGIN"), _entry(table, "PASSWORD"))


def _entry(table: Table, key: str) -> str:
    tag, value = table.get(key, ("V", None))
    if tag == "S":
        text: str = value
        return text
    if tag == "x":
        return _text(value)
    raise MalformedResponse


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


# In the order in which they are offered.  Names are case sensitive.
MECHANISMS: dict[str, Callable[[bytes], Credentials]] = {"AMQPLAIN": amqplain, "PLAIN": plain}
