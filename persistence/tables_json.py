"""Typed field tables as JSON and back, losslessly.

A field is a (tag, value) pair; byte arrays go as Base64, strings that are not
UTF-8 as the escapes JSON has for lone surrogates.
"""

import json
from base64 import b64decode, b64encode
from typing import Any

Table = dict[str, tuple[str, Any]]


def dump(table: Table) -> str:
    """The table as JSON text in ASCII."""
    return json.dumps({name: _to_json(field) for name, field in table.items()})


def load(text: str) -> Table:
    """The table that `dump` wrote."""
    return {name: _from_json(field) for name, field in json.loads(text).items()}


def _to_json(field: tuple[str, Any]) -> list[Any]:
    tag, value = field
    if tag == "x":
        value = b64encode(value).decode()
    elif tag == "F":
        value = {name: _to_json(item) for name, item in value.items()}
    elif tag == "A":
        value = [_to_json(item) for item in value]
    return [tag, value]


def _from_json(field: list[Any]) -> tuple[str, Any]:
    tag, value = field
    if tag == "x":
        value = b64decode(value)
    elif tag == "F":
        value = {name: _from_json(item) for name, item in value.items()}
    elif tag == "A":
        value = [_from_json(item) for item in value]
    elif tag == "D":
        value = tuple(value)
    return tag, value
