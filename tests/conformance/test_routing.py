"""Routing beyond bindings: CC and BCC, alternate exchanges, exchange to exchange (112-148)."""

import aio_pika
import pika
import pytest

from tests.conformance.helpers import arrives, bound, declare, get, publish, take, until_ready
from tests.support.encoding import plain
from tests.support.eventually import eventually

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
