"""From words on a command line to values: key=value pairs, JSON, paths of the API."""

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from mgmt_ui.cli.exits import USAGE, Failure


def value(text: str) -> Any:
    """JSON where it is JSON, else the text itself: 5 is a number, hello a text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def pairs(words: Iterable[str]) -> dict[str, Any]:
    """`a=1 b=x` as an object."""
    found = {}
    for word in words:
        key, equals, text = word.partition("=")
        if not equals or not key:
            raise Failure(f"'{word}' must look like KEY=VALUE", USAGE)
        found[key] = value(text)
    return found


def definition(text: str) -> dict[str, Any]:
    """A JSON object."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise Failure(f"no JSON: {error}", USAGE) from None
    if not isinstance(found, dict):
        raise Failure("must be a JSON object", USAGE)
    return found


def arguments(given: dict[str, Any], words: Iterable[str]) -> dict[str, Any]:
    """Options that are set, with what `--arg` says besides."""
    return {key: each for key, each in given.items() if each is not None} | pairs(words)


def path(*segments: str) -> str:
    """A path below /api: each segment is encoded whole, so that `/` may stand in names."""
    return "/" + "/".join(quote(segment, safe="") for segment in segments)
