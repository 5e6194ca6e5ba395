"""Bindings and routing by every built-in exchange type (checklist 112-149)."""

import uuid

import aio_pika
import pika
import pytest

from tests.conformance.helpers import bound, declare, get, publish, refused, take, until_ready
from tests.support.encoding import Table, Typed, plain
from tests.support.eventually import eventually

DEFAULT_EXCHANGE = "ACCESS_REFUSED - operation not permitted on the default exchange"


@pytest.fixture
def exchange(channel, name):
    """Declares a transient exchange of the given type and returns its name."""

    def declared(kind, **options):
        made = name(kind)
        channel.exchange_declare(made, kind, **options)
        return made

    return declared


def arrives(channel, exchange, key, queue, **properties):
    """Whether a message published now reaches the queue."""
    body = uuid.uuid4().bytes
    publish(channel, exchange, key, body, **properties)
    return body in until_fence(channel, queue)


def until_fence(channel, queue):
    """Everything in the queue once all that was published on the channel has been routed."""
    publish(channel, "", queue, "fence")
    seen = []

    def fenced():
        seen.extend(take(channel, queue))
        return b"fence" in seen

    eventually(fenced)
    return seen[: seen.index(b"fence")]


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


# CC and BCC


@pytest.mark.checklist(138)
def test_cc_and_bcc_through_the_default_exchange(channel):
    one, two, three = (declare(channel) for _ in range(3))
    headers = {"CC": [two, one], "BCC": [three], "other": 1}
    publish(channel, "", one, "m", headers=headers)
    for queue in (one, two, three):
        method, properties, _ = get(channel, queue)
        assert properties.headers == {"CC": [two, one], "other": 1}
        assert method.routing_key == one
        assert method.message_count == 0


@pytest.mark.checklist(139)
@pytest.mark.parametrize("header", ["CC", "BCC"])
@pytest.mark.parametrize(
    ("value", "kind"), [("q", "longstr"), (5, "signedint")], ids=["string", "integer"]
)
def test_cc_that_is_no_array(client, header, value, kind):
    client.publish("", "k", b"m", headers={header: value})
    reason = f'{{unacceptable_type_in_header,"{header}",{kind}}}'
    text = f"PRECONDITION_FAILED - invalid message: {reason}"
    client.expect_close(406, text, channel=1, at=(60, 40))


@pytest.mark.checklist(140, 142)
def test_what_is_no_string_in_cc_is_ignored(channel):
    one, two = declare(channel), declare(channel)
    publish(channel, "", one, "m", headers={"CC": [1, None, True], "BCC": []})
    publish(channel, "", one, "m", headers={"cc": [two], "bcc": [two]})
    until_ready(channel, one, 2)
    assert take(channel, two) == []


@pytest.mark.checklist(141)
def test_cc_through_topic_and_bound_exchanges(channel, exchange):
    source, behind = exchange("topic"), exchange("direct")
    channel.exchange_bind(behind, source, "#")
    first = bound(channel, source, "a.*", "*.x", "#")
    second = bound(channel, source, "c.*")
    third = bound(channel, behind, "b.x", "c.y")
    publish(channel, source, "a.x", "m", headers={"CC": ["b.x", "a.x"], "BCC": ["c.y"]})
    for queue in (first, second, third):
        until_ready(channel, queue, 1)
        assert get(channel, queue)[0].routing_key == "a.x"


@pytest.mark.checklist(138)
async def test_cc_with_aio_pika(target):
    async with await aio_pika.connect(target.url) as connection:
        channel = await connection.channel()
        one, two = [await channel.declare_queue(exclusive=True) for _ in range(2)]
        message = aio_pika.Message(b"m", headers={"CC": [two.name]})
        await channel.default_exchange.publish(message, one.name)
        for queue in (one, two):
            assert (await queue.get(no_ack=True)).headers == {"CC": [two.name]}


# Alternate exchanges


@pytest.mark.checklist(143, 144)
def test_alternate_exchange_takes_what_is_not_routed(channel, exchange):
    alternate = exchange("fanout")
    source = exchange("direct", arguments={"alternate-exchange": alternate})
    main, other = bound(channel, source, "known"), bound(channel, alternate)
    publish(channel, source, "known", "m1")
    publish(channel, source, "unknown", "m2")
    method, _, body = get(channel, other)
    assert (method.exchange, method.routing_key, body) == (source, "unknown", b"m2")
    assert method.message_count == 0
    assert take(channel, main) == [b"m1"]


def returned(channel, exchange, key):
    """Whether a mandatory message comes back, and how often."""
    seen = []
    channel.add_on_return_callback(lambda *arguments: seen.append(arguments[1].reply_text))
    channel.basic_publish(exchange, key, b"m", mandatory=True)
    for _ in range(2):
        channel.queue_declare("", exclusive=True, auto_delete=True)
    channel.connection.process_data_events(0)
    return seen


@pytest.mark.checklist(145)
def test_chain_and_cycle_of_alternate_exchanges(channel, name):
    ring = [name(f"x{index}") for index in range(3)]
    for exchange, alternate in zip(ring, ring[1:] + ring[:1], strict=True):
        arguments = {"alternate-exchange": alternate}
        channel.exchange_declare(exchange, "direct", arguments=arguments)
    assert returned(channel, ring[0], "k") == ["NO_ROUTE"]
    queue = bound(channel, ring[2], "k")
    publish(channel, ring[0], "k", "m")
    assert get(channel, queue)[0].exchange == ring[0]


@pytest.mark.checklist(146, 257)
def test_mandatory_is_decided_after_the_alternate_exchange(channel, exchange):
    alternate = exchange("fanout")
    source = exchange("direct", arguments={"alternate-exchange": alternate})
    assert returned(channel, source, "k") == ["NO_ROUTE"]
    bound(channel, alternate)
    assert returned(channel, source, "k") == []


@pytest.mark.checklist(146)
def test_missing_alternate_exchange(channel, exchange):
    source = exchange("direct", arguments={"alternate-exchange": "missing"})
    assert returned(channel, source, "k") == ["NO_ROUTE"]


@pytest.mark.checklist(147)
def test_alternate_exchange_by_policy(channel, exchange, admin, name):
    by_policy, by_argument = exchange("fanout"), exchange("fanout")
    plain_source = exchange("direct")
    source = exchange("direct", arguments={"alternate-exchange": by_argument})
    first, second = bound(channel, by_policy), bound(channel, by_argument)
    policy = {
        "pattern": f"^({plain_source}|{source})$",
        "definition": {"alternate-exchange": by_policy},
        "apply-to": "exchanges",
    }
    admin.put(f"policies/%2F/{name('policy')}", policy)
    eventually(lambda: arrives(channel, plain_source, "k", first))
    assert arrives(channel, source, "k", second)


# Exchange to exchange


@pytest.mark.checklist(148)
def test_one_copy_per_queue_through_loops_and_duplicates(channel, exchange):
    first, second, third = exchange("fanout"), exchange("direct"), exchange("topic")
    for source, destination, key in (
        (first, second, ""),
        (second, third, "k"),
        (third, first, "#"),
        (first, third, ""),
    ):
        channel.exchange_bind(destination, source, key)
    queue = declare(channel)
    for source, key in ((first, ""), (second, "k"), (third, "*"), (third, "#")):
        channel.queue_bind(queue, source, key)
    publish(channel, second, "k", "m")
    method, _, _ = get(channel, queue)
    assert (method.exchange, method.routing_key, method.message_count) == (second, "k", 0)


@pytest.mark.checklist(148)
def test_exchange_unbind(channel, exchange):
    source, destination = exchange("direct"), exchange("fanout")
    queue = bound(channel, destination)
    channel.exchange_bind(destination, source, "a")
    channel.exchange_bind(destination, source, "b")
    assert arrives(channel, source, "a", queue)
    channel.exchange_unbind(destination, source, "a")
    assert not arrives(channel, source, "a", queue)
    assert arrives(channel, source, "b", queue)


@pytest.mark.checklist(112)
def test_headers_survive_routing(channel):
    queue = declare(channel)
    properties = pika.BasicProperties(headers={"k": {"deep": [1, "x", True]}})
    channel.basic_publish("", queue, b"", properties)
    assert plain(get(channel, queue)[1].headers) == {"k": {"deep": [1, "x", True]}}
