"""What both brokers say to requests that are wrong: status, error and reason, one by one."""

import html
import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from tests.interop import mistakes
from tests.interop.mistakes import Request
from tests.support.broker import Broker
from tests.support.debian import or_skip
from tests.support.rabbitmq import RabbitMQ, install
from tests.support.target import Target

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


class Said(NamedTuple):
    """An answer; `text` is `error: reason`, or the body of what was no error."""

    status: int
    text: str

    def __str__(self) -> str:
        return f"{self.status} {self.text}"


class Differs(NamedTuple):
    """Where Leveret answers otherwise, and why: patterns of the request and of both answers."""

    request: str
    rabbitmq: str
    leveret: str
    why: str


TYPE = r'400 bad_request: (\["not_|Validation failed)'
DIFFERENT: tuple[Differs, ...] = (
    Differs("", "500 ", "4.. .+", "RabbitMQ fails; a client's mistake is the client's"),
    Differs(r"\w=", "20[014] ", TYPE, "RabbitMQ takes values of another type and fails later"),
    Differs(
        r"\w=|'hex'|!!!|bogus|\"value\"|\"payload",
        r'400 bad_request: \["(not_|un)',
        r'400 bad_request: \["(not_|un)',
        "which member it is is said as well, and of which type it must be",
    ),
    Differs(" 'true'$", "", "400 bad_request: not_json", "true is no object either"),
    Differs(
        r"(feature-flags|rebalance)/",
        "204 ",
        "400 bad_request",
        "a body that is there is looked at",
    ),
    Differs(r"(arguments|properties)=(null|\[\])", "500 ", "20[01] ", "stands for none, as in PHP"),
    Differs(r"truncate=-1", "500 ", "200 ", "nothing is left of the body"),
    Differs(
        'type=|"bogus"|definitions',
        "400 bad_request: .*invalid exchange type",
        "400 bad_request: "
        r'(\["not_string","type"\]|unknown exchange type|\[{key_missing,type}\])',
        "RabbitMQ 4's wording; the member is named",
    ),
    Differs("PUT exchanges.*type=", "400 .*EXIT", TYPE, "RabbitMQ fails, and says where"),
    Differs("apply-to|policies", "unrecognised", "unrecognised", "there are more kinds of queues"),
    Differs("/limits value=", r"Unrecognised terms \[1\]", "limits not a list", "an array is none"),
    Differs("/limits with", "204 ", "201 ", "RabbitMQ keeps limits of which none is left"),
    Differs("hashing_algorithm=", "201 ", "400 .*unknown hashing", "nobody could log in with it"),
    Differs("arguments=", "400 .*EXIT", TYPE, "RabbitMQ fails, and says where"),
    Differs(
        r'"pattern": "\("', "expression but is invalid", "expression but is invalid", "readable"
    ),
    Differs("regex|permissions", r"\[\"invalid_regexp\"", "invalid regular expression", "readable"),
    Differs(
        "bulk-delete", "400 .*no_such_user", "204 ", "management 2.4: unknown ones are left out"
    ),
    Differs("bulk-delete", "400 .*no_such_user", "400 .*not_a_list_of_users", "1 is no name"),
    Differs("nnnn", "(20[01]|404) ", "400 ", "AMQP has no names and texts beyond 255 octets"),
    Differs("nosuch/x/publish", "401 ", "404 .*vhost_not_found", "management 1.5"),
    Differs("delivery_mode", "delivery_mode_unknown", "200 ", "RabbitMQ 4 takes it as transient"),
    Differs('"priority"', "200 ", '400 .*not_int","priority"', "it does not fit the octet it has"),
    Differs('{"a": null}', "null_not_allowed", "200 ", "AMQP has a void field, and so it is sent"),
    Differs(
        "page=2&page_size=1$", r'200 .*"items": \[\]', "400 page_out", "management 1.6: none beyond"
    ),
    Differs("page=1&name$", "400 .*Pagination", "200 ", "a name without a value is an empty one"),
    Differs("sort_reverse=yes|sort=name.deep", "500 ", "200 ", "RabbitMQ fails"),
    Differs("sort=$", "200 ", "200 ", "without an order RabbitMQ has none, Leveret the usual one"),
    Differs("columns=,$", r"200 \[null", "200 ", "no column is named"),
    Differs("definitions", "400 bad_request", r"400 bad_request: \[{key_missing,\w+}\]", "named"),
)
# What is in a definition is named by its own members.
UNNAMED = re.compile(r"definition=\{")


def answers(target: Target) -> dict[str, Said]:
    """What is said to every request, each to a broker that is as it was before."""
    found = {}
    for path in mistakes.CLEARED:
        target.api("DELETE", path)
    for request in mistakes.spoilt():
        for method, path, body in mistakes.PREPARED:
            status, answer = target.api(method, path, body)
            assert status in (201, 204), (path, status, answer)
        found[request.what] = said(target, request)
        if request.undo and found[request.what].status < 300:
            target.api("DELETE", request.undo)
    for path in mistakes.CLEARED:
        target.api("DELETE", path)
    return found


def said(target: Target, request: Request) -> Said:
    """The answer to one request, in words that both could use."""
    status, body = target.send(request.method, request.path, request.body, mistakes.JSON)
    if not isinstance(body, dict) or "error" not in body:
        return Said(
            status,
            "" if request.path.endswith("/get") else json.dumps(listed(body), sort_keys=True),
        )
    reason = body["reason"]
    if not isinstance(reason, str):  # RabbitMQ prints some as arrays, which no client can read
        reason = json.dumps(reason, separators=(",", ":"))
    return Said(status, f"{body['error']}: {html.unescape(reason).rstrip()}")


def listed(body: Any) -> Any:
    """Of a list the names in their order, with what the envelope says; all else as it is."""
    if isinstance(body, dict) and "items" in body:
        return body | {"items": listed(body["items"])}
    if isinstance(body, list):
        # RabbitMQ writes an empty object as an empty array.
        return [row.get("name") if isinstance(row, dict) else row or None for row in body]
    return body


@pytest.fixture(scope="module")
def recorded() -> Iterator[dict[str, Said]]:
    """What RabbitMQ says to all of them."""
    or_skip(install)
    server = RabbitMQ()
    try:
        server.start()
        yield answers(Target(server.amqp, server.http, "rabbitmq"))
    finally:
        server.close()


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Said]]:
    """The same of Leveret."""
    with Broker(tmp_path_factory.mktemp("validation")) as broker:
        yield answers(Target(broker.amqp, broker.http, "leveret"))


def explained(what: str, rabbitmq: Said, leveret: Said) -> Differs | None:
    """The row of the table that says why."""
    for row in DIFFERENT:
        if (
            re.search(row.request, what)
            and re.search(row.rabbitmq, str(rabbitmq))
            and re.search(row.leveret, str(leveret))
        ):
            return row
    return None


def test_the_same_answers(recorded: dict[str, Said], found: dict[str, Said]):
    other = [
        f"{what}: {found[what]!s} instead of {expected!s}"
        for what, expected in recorded.items()
        if found[what] != expected and explained(what, expected, found[what]) is None
    ]
    assert other == []


def test_every_difference_is_one(recorded: dict[str, Said], found: dict[str, Said]):
    used: set[Any] = {
        explained(what, expected, found[what])
        for what, expected in recorded.items()
        if found[what] != expected
    }
    assert [row.why for row in DIFFERENT if row not in used] == []


def test_none_is_the_brokers_fault(found: dict[str, Said]):
    assert [what for what, answer in found.items() if answer.status >= 500] == []


def test_who_is_wrong_is_named(found: dict[str, Said]):
    unnamed = []
    for what, answer in found.items():
        member = re.search(r" (?:without )?([\w-]+)(?:=|$)", what.partition(" ")[2])
        if answer.status != 400 or member is None or UNNAMED.search(what):
            continue
        if member[1] not in answer.text and member[1] != "value":
            unnamed.append(f"{what}: {answer!s}")
    assert unnamed == []
