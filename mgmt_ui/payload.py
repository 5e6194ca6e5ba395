"""The body of a request: a JSON object whose members handlers read by type (spec 1.2, 1.5).

Here: reading it, and the texts for what is missing or of the wrong type. What the members mean is
the handlers' affair; how a JSON value becomes an AMQP one is in fields.py.
"""

import json
from typing import Any

from mgmt_ui.errors import ApiError, bad_request
from vhosts import strict_json

DOUBLY_ENCODED = (
    "invalid payload: the request body JSON-decoded to a string. Is the input doubly-JSON-encoded?"
)
TOO_LARGE = "Exceeded HTTP request body size limit"
_EMPTY = frozenset({"", "null", "undefined"})
_BOOLEANS = {"true": True, "false": False}
_MISSING = object()
SHORT = 255
"""Octets of the longest name, routing key or property (AMQP's short string)."""
# How wide Erlang prints a list of missing members before it gives each a line.
_LINE = 72


class Payload:
    """The members of one object. All readers raise ApiError 400 for values of another type."""

    __slots__ = ("members",)

    def __init__(self, members: dict[str, Any]) -> None:
        self.members = members

    def __contains__(self, name: str) -> bool:
        return name in self.members

    def get(self, name: str, default: Any = None) -> Any:
        """The member as it is; `default` where it is absent."""
        return self.members.get(name, default)

    def require(self, *names: str) -> None:
        """ApiError 400 that names all that is missing."""
        missing = [name for name in names if name not in self.members]
        if missing:
            raise bad_request(_erlang_list([f"{{key_missing,{name}}}" for name in missing]))

    def boolean(self, name: str, default: bool = False) -> bool:
        """True, False or their names."""
        value = self.members.get(name, default)
        found = _BOOLEANS.get(value) if isinstance(value, str) else value
        if not isinstance(found, bool):
            raise wrong_value("not_boolean", value, name)
        return found

    def integer(self, name: str, default: int | None = None) -> int:
        """An integer, also as a decimal string; required without a default."""
        value = self._value(name, default)
        if isinstance(value, str) and value.lstrip("+-").isdecimal() and len(value) < 20:
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise wrong_type("not_int", name)
        return value

    def number(self, name: str) -> float:
        """A number, whole or not; required."""
        value = self._value(name, None)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise wrong_type("not_number", name)
        return value

    def string(self, name: str, default: str | None = None) -> str:
        """A string; required without a default."""
        value = self._value(name, default)
        if not isinstance(value, str):
            raise wrong_type("not_string", name)
        return value

    def short(self, name: str, default: str | None = None) -> str:
        """A string that fits a short string of AMQP; required without a default."""
        value = self.string(name, default)
        if len(value.encode("utf-8", "surrogateescape")) > SHORT:
            raise wrong_type("too_long", name)
        return value

    def object(self, name: str) -> dict[str, Any]:
        """An object; absent, null and an empty array stand for an empty one."""
        value = self.members.get(name)
        if value is None or value == []:
            return {}
        if not isinstance(value, dict):
            raise wrong_type("not_object", name)
        return value

    def _value(self, name: str, default: Any) -> Any:
        value = self.members.get(name, _MISSING)
        if value is not _MISSING:
            return value
        if default is None:
            self.require(name)
        return default


def wrong_type(what: str, value: object) -> ApiError:
    """400 `["not_int","priority"]`: what it should be, and the name or value that is not."""
    return bad_request(json.dumps([what, value], separators=(",", ":"), ensure_ascii=False))


def wrong_value(what: str, value: object, name: str) -> ApiError:
    """400 `["not_boolean","maybe"]: durable`: RabbitMQ's words, and the name of the member."""
    return bad_request(f"{wrong_type(what, value).reason}: {name}")


def parse(raw: bytes) -> Payload:
    """The object in a request's body, empty for an empty one; ApiError 400 for all else."""
    try:
        text = raw.decode("utf-8").strip()
        value = {} if text in _EMPTY else strict_json.loads(text)
    except (ValueError, RecursionError):
        raise bad_request("not_json") from None
    if isinstance(value, str):
        raise bad_request(DOUBLY_ENCODED)
    if not isinstance(value, dict):
        raise bad_request("not_json")
    return Payload(value)


def _erlang_list(items: list[str]) -> str:
    # Clients compare these texts, and RabbitMQ prints a list that is too long for a line so.
    line = "[" + ",".join(items) + "]"
    return line if len(line) <= _LINE else "[" + ",\n ".join(items) + "]"
