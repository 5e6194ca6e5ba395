"""Filters of messages as requests bring them: a JSON object, all of whose members must fit.

Here: the members and their types. What they mean is in broker/message_filter.py.
"""

from typing import Any

from broker.message_filter import Filter
from mgmt_ui.api.messages import TEXTS
from mgmt_ui.errors import bad_request
from mgmt_ui.payload import Payload

PROPERTIES = frozenset(TEXTS) - {"expiration"}
PLAIN = ("routing_key", "exchange", "death_queue", "death_reason")
AGES = ("older_than", "newer_than")
MEMBERS = frozenset({*PROPERTIES, *PLAIN, *AGES, "headers", "body", "redelivered", "positions"})
LONGEST_AGE = 10**10
MOST_HEADERS = 20
MOST_POSITIONS = 10_000


def parse(body: Payload, *, required: bool = False) -> Filter:
    """The member `filter`, which may be left out unless it is required.

    ApiError 400 for members that there are not: what is misspelt must not fit everything.
    """
    if required:
        body.require("filter")
    given = body.object("filter")
    unknown = sorted(given.keys() - MEMBERS)
    if unknown:
        known = ", ".join(sorted(MEMBERS))
        raise bad_request(f"unknown member of filter: {unknown[0]}; there are {known}")
    filter_ = Payload(given)
    wanted = Filter(
        properties={name: filter_.string(name) for name in PROPERTIES if name in given},
        headers=_headers(filter_),
        body=filter_.string("body", "").encode(),
        redelivered=filter_.boolean("redelivered") if "redelivered" in given else None,
    )
    if "positions" in given:
        wanted.positions = _positions(filter_)
    for name in PLAIN:
        if name in given:
            setattr(wanted, name, filter_.string(name))
    for name in AGES:
        if name in given:
            setattr(wanted, name, _milliseconds(filter_, name))
    return wanted


def _headers(given: Payload) -> dict[str, Any]:
    headers = given.object("headers")
    if len(headers) > MOST_HEADERS:
        raise bad_request(f"more than {MOST_HEADERS} headers in a filter")
    return headers


def _positions(given: Payload) -> frozenset[int]:
    positions = given.get("positions")
    if not isinstance(positions, list) or len(positions) > MOST_POSITIONS:
        raise bad_request(f"positions is a list of at most {MOST_POSITIONS} numbers")
    if not all(type(each) is int and each >= 0 for each in positions):
        raise bad_request("positions are whole numbers, as messages have them that are shown")
    return frozenset(positions)


def _milliseconds(given: Payload, name: str) -> int:
    seconds = given.number(name)
    if not 0 <= seconds <= LONGEST_AGE:
        raise bad_request(f"{name} is seconds, from 0 to {LONGEST_AGE}")
    return int(seconds * 1000)
