"""The first look inside: the management API's frame and its lists (management reference 1 to 3)."""

import urllib.error
import urllib.request
from typing import Any

import pytest

from tests.conformance.helpers import declare
from tests.support.eventually import eventually
from tests.support.target import Target

# RabbitMQ shows connections and counts up to five seconds late.
LATE = 12.0
NOT_FOUND = {"error": "Object Not Found", "reason": "Not Found"}
COUNTS = {"channels", "connections", "consumers", "exchanges", "queues"}


def get(target: Target, path: str) -> Any:
    """The body of a 200."""
    status, body = target.api("GET", path)
    assert status == 200, body
    return body


def find(rows: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """The row of that name; AssertionError where there is none."""
    found = [row for row in rows if row["name"] == name]
    assert found, f"no {name}"
    return found[0]


# -- the frame ---------------------------------------------------------------------------------


def plain_get(target: Target, path: str, **headers: str) -> Any:
    """A request without credentials: the answer, whatever its status."""
    request = urllib.request.Request(f"http://{target.http}/api/{path}", headers=headers)
    try:
        return urllib.request.urlopen(request, timeout=30)
    except urllib.error.HTTPError as error:
        return error


def test_no_credentials(target: Target):
    with plain_get(target, "overview") as response:
        assert response.status == 401
        assert response.headers["www-authenticate"] == 'Basic realm="RabbitMQ Management"'


def test_wrong_password(target: Target):
    status, body = target.api("GET", "overview", user="guest:wrong")
    assert (status, body) == (401, {"error": "not_authorized", "reason": "Login failed"})


def test_unknown_path(target: Target):
    assert target.api("GET", "no/such/path") == (404, NOT_FOUND)
    with plain_get(target, "no/such/path") as response:
        assert response.status == 404


def test_wrong_method(target: Target):
    status, body = target.api("DELETE", "overview")
    assert (status, body) == (405, None)


def test_unknown_vhost(target: Target):
    assert target.api("GET", "queues/nosuch") == (404, NOT_FOUND)


def test_malformed_escape(target: Target):
    assert target.api("GET", "queues/%zz")[0] == 400


def test_only_json(target: Target):
    with plain_get(target, "overview", accept="text/html") as response:
        assert response.status in {401, 406}


# -- overview and health -----------------------------------------------------------------------


def test_overview(target: Target):
    overview = get(target, "overview")
    assert overview["object_totals"].keys() == COUNTS
    assert {"direct", "fanout", "topic", "headers"} <= {
        each["name"] for each in overview["exchange_types"]
    }
    assert overview["node"].partition("@")[1] == "@"
    assert overview["rabbitmq_version"] == overview["management_version"]
    listeners = {each["protocol"]: each for each in overview["listeners"]}
    assert target.http
    assert listeners["amqp"]["port"] == target.amqp.port
    assert listeners["http"]["port"] == target.http.port
    eventually(lambda: get(target, "overview")["contexts"], LATE)
    assert int(get(target, "overview")["contexts"][0]["port"]) == target.http.port


def test_no_alarms(target: Target):
    assert get(target, "health/checks/alarms") == {"status": "ok"}


# -- queues ------------------------------------------------------------------------------------

CONFIGURATION = "name,vhost,type,durable,auto_delete,exclusive"


def test_a_queue(target: Target, channel, name):
    queue = name()
    arguments = {"x-max-length": 10, "custom": {"a": [1, True]}}
    declare(channel, queue, exclusive=False, durable=True, arguments=arguments)
    for path in ("queues", "queues/%2F", "queues/%2f/"):
        row = find(get(target, path), queue)
        assert {key: row[key] for key in CONFIGURATION.split(",")} == {
            "name": queue,
            "vhost": "/",
            "type": "classic",
            "durable": True,
            "auto_delete": False,
            "exclusive": False,
        }
        assert row["arguments"].items() >= arguments.items()


def test_the_length_of_a_queue(target: Target, channel, name):
    queue = declare(channel, name(), exclusive=False)
    for _ in range(3):
        channel.basic_publish("", queue, b"x")
    channel.basic_get(queue)

    def shown() -> bool:
        row = find(get(target, "queues/%2F"), queue)
        counts = (row.get("messages"), row.get("messages_ready"))
        return counts == (3, 2) and row["messages_unacknowledged"] == 1

    eventually(shown, LATE)


def test_pages_of_queues(target: Target, channel, name):
    mine = name("paged")
    queues = [name(f"{mine}-{number}") for number in range(3)]
    for queue in queues:
        declare(channel, queue, exclusive=False)
    page = get(target, f"queues/%2F?page=1&page_size=2&name={mine.upper()}&columns=name")
    assert page["items"] == [{"name": queue} for queue in queues[:2]]
    assert (page["filtered_count"], page["item_count"], page["page_count"]) == (3, 2, 2)
    assert (page["page"], page["page_size"]) == (1, 2)
    assert page["total_count"] >= 3
    pattern = f"queues?page=2&page_size=2&use_regex=true&name=^{mine}-[0-9]&pagination=false"
    assert [row["name"] for row in get(target, pattern)["items"]] == queues[2:]


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("page=99&page_size=2", "page_out_of_range"),
        ("page=0", "invalid_pagination_parameters"),
        ("page=1&page_size=501", "invalid_pagination_parameters"),
        ("page=x", "bad_request"),
    ],
)
def test_bad_pages(target: Target, query: str, error: str):
    status, body = target.api("GET", f"queues?{query}")
    assert (status, body["error"]) == (400, error)


def test_a_broken_pattern(target: Target, channel, name):
    declare(channel, name(), exclusive=False)
    assert target.api("GET", "queues?page=1&name=(&use_regex=true")[0] == 400


def test_sorted_queues(target: Target, channel, name):
    mine = name("sorted")
    for number in range(3):
        declare(channel, name(f"{mine}-{number}"), exclusive=False)
    path = f"queues?page=1&name={mine}&sort=name&sort_reverse=true&columns=name"
    names = [row["name"] for row in get(target, path)["items"]]
    assert names == sorted(names, reverse=True)
    assert len(names) == 3


# -- exchanges, connections --------------------------------------------------------------------


def test_exchanges(target: Target, channel, name):
    exchange = name()
    arguments = {"alternate-exchange": "amq.fanout"}
    channel.exchange_declare(exchange, "topic", durable=True, internal=True, arguments=arguments)
    rows = get(target, "exchanges/%2F")
    row = find(rows, exchange)
    assert (
        row.items()
        >= {
            "name": exchange,
            "vhost": "/",
            "type": "topic",
            "durable": True,
            "auto_delete": False,
            "internal": True,
            "arguments": arguments,
        }.items()
    )
    assert {row["name"]: row["type"] for row in rows}.items() >= {
        "": "direct",
        "amq.direct": "direct",
        "amq.fanout": "fanout",
        "amq.headers": "headers",
        "amq.match": "headers",
        "amq.rabbitmq.trace": "topic",
        "amq.topic": "topic",
    }.items()


def test_a_connection(target: Target, connect):
    provided = "a-connection-of-the-tests"
    connection = connect(client_properties={"connection_name": provided})
    connection.channel()

    def row() -> Any:
        rows = get(target, "connections")
        found = [each for each in rows if each.get("user_provided_name") == provided]
        assert found
        assert found[0]["channels"] == 1
        return found[0]

    shown = eventually(row, LATE)
    assert shown["name"].endswith(f" -> {shown['host']}:{target.amqp.port}")
    assert shown["name"].startswith(f"{shown['peer_host']}:{shown['peer_port']} ")
    assert (shown["user"], shown["vhost"], shown["state"]) == ("guest", "/", "running")
    assert (shown["protocol"], shown["auth_mechanism"]) == ("AMQP 0-9-1", "PLAIN")
    assert (shown["frame_max"], shown["channel_max"], shown["timeout"]) == (131072, 2047, 0)
    assert shown["client_properties"]["connection_name"] == provided
    assert shown["client_properties"]["capabilities"]["basic.nack"] is True
    assert shown["ssl"] is False
    assert shown["recv_oct"] > 0
