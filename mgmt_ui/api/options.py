"""Options: what is in force, and new values for what can change in a running broker (ours).

Not over HTTP goes what names files or says who may do what on this machine: whoever may change
that has the broker's account, and SIGHUP. New values hold until the next start or reload.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from broker.options import OPTIONS, Option
from mgmt_ui.answer import DONE, Answer
from mgmt_ui.call import Call
from mgmt_ui.errors import bad_request, not_found
from mgmt_ui.paging import Listing, Row

# Live, but only for those who can write to the configuration file.
LOCAL = frozenset({"audit_log"} | {name for name in OPTIONS if name.startswith("tls_")})


def effective(call: Call) -> Row:
    """GET /config/effective: every option with its value; secrets only say whether they are set."""
    found = call.server.options
    return {name: _shown(getattr(found, name), row.secret) for name, row in OPTIONS.items()}


def index(call: Call) -> Listing[Option]:
    """GET /options: every option: its value, its default, what it means, whether it can change."""
    return Listing(
        sorted(OPTIONS.values(), key=lambda option: option.name),
        lambda option: option.name,
        lambda option: _row(call, option),
    )


def show(call: Call) -> Row:
    """GET /options/:name"""
    return _row(call, _option(call))


async def put(call: Call) -> Answer:
    """PUT /options/:name with a `value` as one would write it in the configuration file.

    It holds at once, until the next start or reload.
    """
    option = _option(call)
    body = await call.body()
    body.require("value")
    if not option.live:
        raise bad_request(f"{option.name} cannot change while the broker runs")
    if option.name in LOCAL:
        raise bad_request(
            f"{option.name} is changed in the configuration file only; SIGHUP makes it known"
        )
    value = _parsed(option, body.get("value"))
    _, refused = call.server.reload(replace(call.server.options, **{option.name: value}))
    if option.name in refused:
        raise bad_request(f"{option.name} stays as it was: {refused[option.name]}")
    return DONE


def _option(call: Call) -> Option:
    option = OPTIONS.get(call.path["name"].replace("-", "_"))
    if option is None:
        raise not_found()
    return option


def _parsed(option: Option, value: Any) -> Any:
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        value = ",".join(value)
    if isinstance(value, bool | int | float):
        value = json.dumps(value)
    if not isinstance(value, str):
        raise bad_request(f"{option.name} must be text, a number, or a list of texts")
    try:
        return option.parse(value)
    except ValueError as error:
        shown = "the value" if option.secret else f'"{value}"'
        raise bad_request(f"{option.name}: {shown} is not {error}") from None


def _row(call: Call, option: Option) -> Row:
    return {
        "name": option.name,
        "value": _shown(getattr(call.server.options, option.name), option.secret),
        "default": option.default,
        "live": option.live and option.name not in LOCAL,
        "description": option.doc,
    }


def _shown(value: Any, secret: bool) -> Any:
    if secret:
        return None if value is None else "<redacted>"
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple | list | set | frozenset):
        return [_shown(each, False) for each in value]
    return value
