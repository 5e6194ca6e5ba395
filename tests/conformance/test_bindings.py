"""Bindings and routing by every built-in exchange type (checklist 112-149)."""

import pytest

from tests.conformance.helpers import (
    arrives,
    bound,
    declare,
    get,
    publish,
    refused,
    take,
    until_fence,
    until_ready,
)
from tests.support.encoding import Table, Typed

DEFAULT_EXCHANGE = "ACCESS_REFUSED - operation not permitted on the default exchange"


# Identity of bindings


@pytest.mark.checklist(112)
def test_same_binding_twice_counts_once(channel, exchange):
    source = exchange("direct")
    queue = bound(channel, source, "k", "k")
    publish(channel, source, "k", "m")
    until_ready(channel, queue, 1)
    channel.queue_unbind(queue, source, "k")
    assert not arrives(channel, source, "k", queue)


@pytest.mark.checklist(113, 114)
def test_bindings_with_different_arguments_are_different(channel, exchange):
    source = exchange("direct")
    queue = declare(channel)
    one, two = {"a": 1, "b": "x"}, {"a": 2}
    channel.queue_bind(queue, source, "k", one)
    channel.queue_bind(queue, source, "k", two)
    publish(channel, source, "k", "m")
    until_ready(channel, queue, 1)
    assert take(channel, queue) == [b"m"]
    channel.queue_unbind(queue, source, "k", two)
    channel.queue_unbind(queue, source, "k", {"a": 1})
    channel.queue_unbind(queue, source, "k")
    assert arrives(channel, source, "k", queue)
    channel.queue_unbind(queue, source, "k", {"b": "x", "a": 1})
    assert not arrives(channel, source, "k", queue)


@pytest.mark.checklist(115)
def test_bind_of_missing_things(connection, channel, exchange):
    source, queue = exchange("direct"), declare(channel)
    with refused(404, "NOT_FOUND - no queue 'no-q' in vhost '/'"):
        connection.channel().queue_bind("no-q", source, "k")
    with refused(404, "NOT_FOUND - no exchange 'no-x' in vhost '/'"):
        connection.channel().queue_bind(queue, "no-x", "k")
    with refused(404, "NOT_FOUND - no exchange 'no-x' in vhost '/'"):
        connection.channel().queue_bind("no-q", "no-x", "k")


@pytest.mark.checklist(116)
@pytest.mark.parametrize("method", ["queue_bind", "queue_unbind"])
def test_default_exchange_cannot_be_bound(channel, method):
    queue = declare(channel)
    with refused(403, DEFAULT_EXCHANGE):
        getattr(channel, method)(queue, "", "k")


@pytest.mark.checklist(117)
def test_unbind_of_missing_things(channel, exchange):
    source, queue = exchange("direct"), declare(channel)
    channel.queue_unbind(queue, source, "never bound")
    channel.queue_unbind(queue, "no-x", "k")
    channel.queue_unbind("no-q", source, "k")
    channel.queue_unbind("no-q", "no-x", "k")
    channel.exchange_unbind(source, "no-x", "k")
    channel.exchange_unbind("no-y", source, "k")


@pytest.mark.checklist(118)
def test_exchange_bind_of_missing_things(connection, exchange):
    known = exchange("direct")
    for destination, source, missing in (
        (known, "no-x", "no-x"),
        ("no-y", known, "no-y"),
        ("no-y", "no-x", "no-x"),
    ):
        with refused(404, f"NOT_FOUND - no exchange '{missing}' in vhost '/'"):
            connection.channel().exchange_bind(destination, source, "k")


@pytest.mark.checklist(118)
@pytest.mark.parametrize("method", ["exchange_bind", "exchange_unbind"])
@pytest.mark.parametrize("side", ["source", "destination"])
def test_default_exchange_cannot_be_bound_to_exchanges(channel, exchange, method, side):
    ends = {"source": exchange("direct"), "destination": exchange("direct")} | {side: ""}
    with refused(403, DEFAULT_EXCHANGE):
        getattr(channel, method)(**ends, routing_key="k")


@pytest.mark.checklist(120)
def test_bind_of_the_bare_reply_queue(channel):
    with refused(404, "NOT_FOUND - no queue 'amq.rabbitmq.reply-to' in vhost '/'"):
        channel.queue_bind("amq.rabbitmq.reply-to", "amq.direct", "k")


@pytest.mark.checklist(120)
@pytest.mark.differs("answers 404")
@pytest.mark.parametrize("method", ["queue_bind", "queue_unbind"])
def test_bind_of_a_reply_queue(channel, method):
    with refused(
        403, "ACCESS_REFUSED - cannot bind or unbind to a volatile (direct reply-to) queue"
    ):
        getattr(channel, method)("amq.rabbitmq.reply-to.abc", "amq.direct", "k")


@pytest.mark.checklist(115)
def test_line_ends_are_stripped_in_bindings(channel, exchange):
    source, queue = exchange("fanout"), declare(channel)
    channel.queue_bind(queue + "\r\n", "\n" + source, "k")
    assert arrives(channel, source, "", queue)
    channel.queue_unbind("\n" + queue, source + "\r", "k")
    assert not arrives(channel, source, "", queue)


# Direct, fanout, default


@pytest.mark.checklist(121)
def test_direct_takes_the_exact_key(channel, exchange):
    source = exchange("direct")
    queue = bound(channel, source, "a.b", "")
    for key, expected in {"a.b": True, "": True, "a": False, "A.B": False, "a.*": False}.items():
        assert arrives(channel, source, key, queue) is expected, key


@pytest.mark.checklist(122)
def test_fanout_ignores_the_key(channel, exchange):
    source = exchange("fanout")
    queues = [bound(channel, source, key) for key in ("", "a", "b")]
    publish(channel, source, "whatever", "m")
    for queue in queues:
        until_ready(channel, queue, 1)


@pytest.mark.checklist(123)
def test_default_exchange_routes_by_queue_name(channel, name):
    queue = declare(channel, name("q.with#odd*name"))
    publish(channel, "", queue, "m")
    method, _, body = get(channel, queue)
    assert (method.exchange, method.routing_key, body) == ("", queue, b"m")


# Topic: the matrix of the specification

TOPIC: dict[str, tuple[list[str], list[str]]] = {
    "": ([""], [".", "a"]),
    "#": (["", ".", "a", "a.b", "a..b"], []),
    "#.#": (["", ".", "a", "a.b"], []),
    "*": (["a", "*", "#"], ["", ".", "a.b"]),
    "*.*": ([".", "a.b", ".a", "a."], ["", "a", ".."]),
    "a.#": (["a", "a.b", "a.", "a..b", "a.b.c.d"], ["", ".a", "ab"]),
    "#.a": (["a", ".a", "b.a"], ["a.b", ""]),
    "a.#.b": (["a.b", "a..b", "a.x.y.b"], ["a", "b", "a.b.c"]),
    "*.#": (["a", ".", "a.b"], [""]),
    "#.*": (["a", ".", "a.b"], [""]),
    "#.b.#": (["b", "a.b", "a..b", "a.b.c.d"], ["a", ""]),
    ".": (["."], ["", ".."]),
    "*.": ([".", "a."], ["a.b"]),
    "*.rk2": (["rk1.rk2", ".rk2"], ["rk2", "rk1.rk2.rk3", "rk0.rk1.rk2"]),
    "#.rk2": (["rk1.rk2", "rk2", "a.b.rk2"], ["rk1"]),
    "rk1.#": (["rk1.rk2", "rk1"], ["rk2.rk1"]),
    "*.*.*": (["a.b.c", ".."], ["a.b", "a.b.c.d"]),
    "a.*.c": (["a.b.c", "a..c"], ["a.c", "a.b.b.c"]),
    "a*.b": (["a*.b"], ["ab.b", "ax.b"]),
    "#.*.#": (["a", "a.b", "."], [""]),
    "*.#.*": (["a.b", ".", "a.b.c"], ["a", ""]),
    "a..b": (["a..b"], ["a.b", "a.x.b"]),
}


@pytest.mark.checklist(124, 125, 126, 127, 128)
@pytest.mark.parametrize("pattern", TOPIC)
def test_topic(channel, exchange, pattern):
    source = exchange("topic")
    queue = bound(channel, source, pattern)
    matching, other = TOPIC[pattern]
    for key in other + matching:
        publish(channel, source, key, key)
    assert until_fence(channel, queue) == [key.encode() for key in matching]


@pytest.mark.checklist(128)
def test_topic_changes_with_its_bindings(channel, exchange):
    source = exchange("topic")
    queue = bound(channel, source, "a.*", "a.#", "#")
    for pattern in ("#", "a.#", "a.*"):
        assert arrives(channel, source, "a.b", queue)
        channel.queue_unbind(queue, source, pattern)
    assert not arrives(channel, source, "a.b", queue)
    channel.queue_bind(queue, source, "*.b")
    assert arrives(channel, source, "a.b", queue)


@pytest.mark.checklist(129)
@pytest.mark.differs("takes any number of #")
def test_topic_pattern_with_three_hashes(channel, exchange):
    source, queue = exchange("topic"), declare(channel)
    channel.queue_bind(queue, source, "#.a.#")
    with refused(
        406,
        "PRECONDITION_FAILED - Topic binding key '#.a.#.b.#' uses 3 '#' wildcards, "
        "at most 2 are allowed",
    ):
        channel.queue_bind(queue, source, "#.a.#.b.#")


# Headers

HEADERS: dict[str, tuple[Table, list[Table], list[Table]]] = {
    # name: (binding arguments, headers that match, headers that do not)
    "all": ({"a": 1, "b": "x"}, [{"a": 1, "b": "x", "c": 2}], [{"a": 1}, {"a": 1, "b": "y"}, {}]),
    "any": (
        {"x-match": "any", "a": 1, "b": "x"},
        [{"a": 1}, {"b": "x"}, {"a": 2, "b": "x"}],
        [{}, {"c": 1}, {"a": 2}],
    ),
    "all without arguments": ({"x-match": "all"}, [{}, {"a": 1}], []),
    "any without arguments": ({"x-match": "any"}, [], [{}, {"a": 1}]),
    "no arguments at all": ({}, [{}, {"a": 1}], []),
    "void": ({"a": None}, [{"a": 1}, {"a": "x"}, {"a": None}], [{}, {"b": 1}]),
    "all ignores x-": ({"x-match": "all", "x-foo": 1, "a": 1}, [{"a": 1}], [{"x-foo": 1}]),
    "any ignores x-": ({"x-match": "any", "x-foo": 1, "a": 1}, [{"a": 1}], [{"x-foo": 1}]),
    "all-with-x": (
        {"x-match": "all-with-x", "x-foo": 1, "a": 1},
        [{"a": 1, "x-foo": 1}],
        [{"a": 1}, {"x-foo": 1}],
    ),
    "any-with-x": (
        {"x-match": "any-with-x", "x-foo": 1, "a": 1},
        [{"a": 1}, {"x-foo": 1}],
        [{"x-bar": 1}],
    ),
    "integers of any width": (
        {"a": Typed("I", 1)},
        [{"a": Typed(tag, 1)} for tag in "bBsuIil"],
        [{"a": "1"}, {"a": True}, {"a": Typed("l", 2)}],
    ),
    "floats of any width": (
        {"a": Typed("d", 1.5)},
        [{"a": Typed("f", 1.5)}, {"a": Typed("d", 1.5)}],
        [{"a": "1.5"}, {"a": Typed("d", 1.25)}],
    ),
    "booleans": ({"a": True}, [{"a": True}], [{"a": 1}, {"a": False}, {"a": "true"}]),
    "strings and bytes": ({"a": "x"}, [{"a": "x"}, {"a": b"x"}], [{"a": "X"}, {"a": ""}]),
    "nested": (
        {"a": {"k": [1, "two"]}, "b": [1, 2]},
        [{"a": {"k": [1, "two"]}, "b": [1, 2]}],
        [
            {"a": {"k": [1, "two"]}, "b": [2, 1]},
            {"a": {"k": ["two", 1]}, "b": [1, 2]},
            {"a": {"k": [1, "two"]}},
        ],
    ),
    "timestamps": (
        {"a": Typed("T", 1700000000)},
        [{"a": Typed("T", 1700000000)}],
        [{"a": Typed("T", 1700000001)}],
    ),
}


@pytest.mark.checklist(130, 131, 132, 133, 134, 135, 136)
@pytest.mark.parametrize("case", HEADERS)
def test_headers(client, name, case):
    arguments, matching, other = HEADERS[case]
    exchange = name("headers")
    client.call(1, "exchange.declare", exchange=exchange, type="headers")
    queue = client.call(1, "queue.declare", exclusive=True).arguments["queue"]
    client.call(1, "queue.bind", queue=queue, exchange=exchange, arguments=arguments)
    client.call(1, "confirm.select")
    for index, headers in enumerate(other + matching):
        client.publish(exchange, "", str(index).encode(), headers=headers, mandatory=True)
        expected = client.read_method()
        if expected.name == "basic.return":
            assert headers in other, f"should match: {headers}"
            client.read_frame()
            client.read_frame()
            expected = client.read_method()
        else:
            assert headers in matching, f"should not match: {headers}"
        assert (expected.name, expected.arguments["delivery_tag"]) == ("basic.ack", index + 1)


@pytest.mark.checklist(132)
def test_headers_all_without_arguments_takes_messages_without_headers(channel, exchange):
    source = exchange("headers")
    queue = bound(channel, source)
    assert arrives(channel, source, "ignored", queue)


@pytest.mark.checklist(135)
@pytest.mark.differs("takes equal numbers of different types for equal")
@pytest.mark.parametrize("bound_to", [Typed("d", 5.0), Typed("T", 5)], ids=["float", "timestamp"])
def test_headers_integer_is_not(client, name, bound_to):
    exchange = name("headers")
    client.call(1, "exchange.declare", exchange=exchange, type="headers")
    queue = client.call(1, "queue.declare", exclusive=True).arguments["queue"]
    client.call(1, "queue.bind", queue=queue, exchange=exchange, arguments={"a": bound_to})
    client.publish(exchange, "", b"m", headers={"a": 5}, mandatory=True)
    client.expect_content("basic.return")


@pytest.mark.checklist(137)
@pytest.mark.parametrize(
    ("value", "text"),
    [
        (
            "foo",
            'Invalid x-match field value <<"foo">>; expected all, any, all-with-x, or any-with-x',
        ),
        (5, "Invalid x-match field type signedint (value 5); expected longstr"),
    ],
)
def test_headers_with_a_bad_x_match(client, name, value, text):
    exchange = name("headers")
    client.call(1, "exchange.declare", exchange=exchange, type="headers")
    client.call(1, "queue.declare", exclusive=True)
    client.send_method(1, "queue.bind", exchange=exchange, arguments={"x-match": value})
    client.expect_close(406, f"PRECONDITION_FAILED - {text}", channel=1, at=(50, 20))
