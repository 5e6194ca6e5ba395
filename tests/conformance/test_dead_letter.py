"""Dead-lettering in its plain form (checklist 302-310 and 315)."""

import pytest

from tests.conformance.helpers import (
    Inbox,
    bound,
    declare,
    get,
    publish,
    ready,
    take,
    until_ready,
)
from tests.support.encoding import Typed, plain
from tests.support.eventually import eventually


@pytest.fixture
def channel(connection):
    """A channel that waits for the confirm of each publish: what is published is in its queue."""
    channel = connection.channel()
    channel.confirm_delivery()
    return channel


def dead_lettering(channel, exchange, key=None, queue="", **arguments):
    """Declare a queue that dead-letters to the exchange."""
    options = {"x-dead-letter-exchange": exchange}
    if key is not None:
        options["x-dead-letter-routing-key"] = key
    return declare(channel, queue, arguments=options | arguments)


@pytest.fixture
def dead(channel):
    """The queue in which the dead end."""
    return declare(channel)


def die(channel, queue, body="m", **properties):
    """Publish, get and reject one message."""
    publish(channel, "", queue, body, **properties)
    channel.basic_reject(get(channel, queue)[0].delivery_tag, requeue=False)


@pytest.mark.checklist(302)
@pytest.mark.parametrize("how", ["reject", "nack", "nack multiple"])
@pytest.mark.parametrize("source", ["get", "consume"])
def test_rejected_messages_are_dead_lettered(channel, dead, how, source):
    queue = dead_lettering(channel, "", dead)
    publish(channel, "", queue, "1", "2")
    if source == "get":
        tags = [get(channel, queue)[0].delivery_tag for _ in range(2)]
    else:
        box = Inbox(channel, queue)
        box.wait(2)
        tags = box.tags
    if how == "nack multiple":
        channel.basic_nack(tags[-1], multiple=True, requeue=False)
    else:
        for tag in tags:
            settle = channel.basic_reject if how == "reject" else channel.basic_nack
            settle(tag, requeue=False)
    until_ready(channel, dead, 2)
    method, properties, body = get(channel, dead)
    assert (method.redelivered, body) == (False, b"1")
    assert properties.headers["x-death"][0]["reason"] == "rejected"


@pytest.mark.checklist(303)
def test_requeued_messages_are_not(channel, dead):
    queue = dead_lettering(channel, "", dead)
    publish(channel, "", queue, "m")
    channel.basic_reject(get(channel, queue)[0].delivery_tag)
    until_ready(channel, queue, 1)
    channel.basic_recover(requeue=True)
    assert ready(channel, dead) == 0


@pytest.mark.checklist(304)
def test_missing_dead_letter_exchange(channel, name):
    exchange = name("later")
    queue = dead_lettering(channel, exchange)
    die(channel, queue, "dropped")
    assert ready(channel, queue) == 0
    channel.exchange_declare(exchange, "fanout")
    dead = bound(channel, exchange)
    die(channel, queue, "kept")
    until_ready(channel, dead, 1)
    assert take(channel, dead) == [b"kept"]


@pytest.mark.checklist(305)
def test_without_a_key_the_original_keys_route(channel, name):
    exchange = name("dlx")
    channel.exchange_declare(exchange, "direct")
    queue = dead_lettering(channel, exchange)
    by_key, by_cc, by_bcc = (bound(channel, exchange, key) for key in (queue, "cc", "bcc"))
    die(channel, queue, headers={"CC": ["cc"], "BCC": ["bcc"]})
    for dead in (by_key, by_cc, by_bcc):
        until_ready(channel, dead, 1)
        method, properties, _ = get(channel, dead)
        assert (method.exchange, method.routing_key) == (exchange, queue)
        assert properties.headers["CC"] == ["cc"]
        assert "BCC" not in properties.headers


@pytest.mark.checklist(306)
def test_with_a_key_only_that_routes(channel, name):
    exchange = name("dlx")
    channel.exchange_declare(exchange, "direct")
    queue = dead_lettering(channel, exchange, "dead")
    right, wrong = bound(channel, exchange, "dead"), bound(channel, exchange, "cc", queue)
    die(channel, queue, headers={"CC": ["cc"]})
    until_ready(channel, right, 1)
    assert get(channel, right)[0].routing_key == "dead"
    assert take(channel, wrong) == []


@pytest.mark.checklist(306)
@pytest.mark.differs("removes CC when a routing key is configured")
def test_cc_is_kept_with_a_key(channel, dead):
    queue = dead_lettering(channel, "", dead)
    die(channel, queue, headers={"CC": ["cc"]})
    assert get(channel, dead)[1].headers["CC"] == ["cc"]


@pytest.mark.checklist(302, 308)
def test_fields_of_x_death(client, name):
    queue, dead = name("q"), name("dead")
    client.call(1, "queue.declare", queue=dead)
    arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead}
    client.call(1, "queue.declare", queue=queue, arguments=arguments)
    client.call(1, "queue.bind", queue=queue, exchange="amq.direct", routing_key=queue)
    client.publish(
        "amq.direct",
        queue,
        b"m",
        headers={"CC": ["cc"], "BCC": ["bcc"], "own": 1},
        expiration="60000",
        delivery_mode=2,
        priority=3,
        message_id="id",
        timestamp=5,
    )
    client.send_method(
        1,
        "basic.reject",
        delivery_tag=eventually(lambda: client.get(queue)).method.arguments["delivery_tag"],
    )
    got = eventually(lambda: client.get(dead))
    headers = got.properties.pop("headers")
    assert got.properties == {
        "delivery_mode": 2,
        "priority": 3,
        "message_id": "id",
        "timestamp": 5,
    }
    death = headers["x-death"]
    assert death.tag == "A"
    assert [entry.tag for entry in death.value] == ["F"]
    entry = death.value[0].value
    assert entry.pop("time").tag == "T"
    assert entry == {
        "count": Typed("l", 1),
        "reason": Typed("S", "rejected"),
        "queue": Typed("S", queue),
        "exchange": Typed("S", "amq.direct"),
        "routing-keys": Typed("A", [Typed("S", queue), Typed("S", "cc")]),
        "original-expiration": Typed("S", "60000"),
    }
    assert headers["own"] == Typed("I", 1)
    for key, value in (("queue", queue), ("reason", "rejected"), ("exchange", "amq.direct")):
        assert headers[f"x-first-death-{key}"] == Typed("S", value)


@pytest.mark.checklist(308)
def test_expired_by_its_own_ttl(channel, dead):
    queue = dead_lettering(channel, "", dead)
    publish(channel, "", queue, "m", expiration="50")
    _, properties, _ = get(channel, dead)
    assert properties.expiration is None
    assert properties.headers["x-first-death-reason"] == "expired"
    assert properties.headers["x-death"][0]["original-expiration"] == "50"


@pytest.mark.checklist(308)
def test_expired_by_the_queues_ttl(channel, dead):
    queue = dead_lettering(channel, "", dead, **{"x-message-ttl": 50})
    publish(channel, "", queue, "1", "2", "3")
    until_ready(channel, dead, 3, timeout=2)
    _, properties, body = get(channel, dead)
    assert body == b"1"
    assert properties.headers["x-death"][0]["reason"] == "expired"
    assert "original-expiration" not in properties.headers["x-death"][0]
    assert take(channel, dead) == [b"2", b"3"]


@pytest.mark.checklist(308)
def test_ttl_of_zero_is_dead_lettered(channel, dead):
    queue = dead_lettering(channel, "", dead, **{"x-message-ttl": 0})
    publish(channel, "", queue, "m")
    assert get(channel, dead)[1].headers["x-death"][0]["reason"] == "expired"


@pytest.mark.checklist(309)
def test_repeated_deaths_are_counted(channel, dead):
    queue = dead_lettering(channel, "", dead)
    back = dead_lettering(channel, "", queue, **{"x-message-ttl": 0})
    channel.queue_bind(back, "amq.direct", back)
    looping = dead_lettering(channel, "", back)
    die(channel, looping)
    for count in (1, 2, 3):
        method, properties, _ = get(channel, queue)
        assert properties.headers["x-death"][0]["queue"] == back
        assert properties.headers["x-death"][0]["count"] == 1
        channel.basic_ack(method.delivery_tag)
        headers = dict(properties.headers)
        assert [entry["queue"] for entry in headers["x-death"]] == [back, looping]
        if count == 3:
            break
        die(channel, looping)


@pytest.mark.checklist(309)
def test_second_death_of_a_pair_moves_to_the_front(channel, name):
    retry, work = name("retry"), name("work")
    dead_lettering(channel, "", work, retry, **{"x-message-ttl": 1})
    dead_lettering(channel, "", retry, work)
    publish(channel, "", work, "m")
    for count in (1, 2, 3):
        method, properties, _ = get(channel, work)
        expected = []
        if count > 1:
            pairs = [(retry, "expired"), (work, "rejected")]
            expected = [(queue, reason, count - 1) for queue, reason in pairs]
        deaths = (properties.headers or {}).get("x-death", [])
        assert [(each["queue"], each["reason"], each["count"]) for each in deaths] == expected
        channel.basic_reject(method.delivery_tag, requeue=False)


@pytest.mark.checklist(310)
def test_first_death_stays(channel, dead):
    second = dead_lettering(channel, "", dead, **{"x-message-ttl": 0})
    first = dead_lettering(channel, "", second)
    die(channel, first)
    headers = get(channel, dead)[1].headers
    assert headers["x-first-death-queue"] == first
    assert headers["x-first-death-reason"] == "rejected"
    assert headers["x-first-death-exchange"] == ""
    deaths = [(entry["queue"], entry["reason"]) for entry in headers["x-death"]]
    assert deaths == [(second, "expired"), (first, "rejected")]


@pytest.mark.checklist(310)
@pytest.mark.differs("has no x-last-death headers")
def test_last_death_follows(channel, dead):
    second = dead_lettering(channel, "", dead, **{"x-message-ttl": 0})
    first = dead_lettering(channel, "", second)
    die(channel, first)
    headers = get(channel, dead)[1].headers
    assert headers["x-last-death-queue"] == second
    assert headers["x-last-death-reason"] == "expired"
    assert headers["x-last-death-exchange"] == ""


@pytest.mark.checklist(309)
@pytest.mark.differs("continues a client's own x-death")
def test_x_death_of_a_client_is_not_continued(channel, dead):
    queue = dead_lettering(channel, "", dead)
    stale = {"queue": queue, "reason": "rejected", "count": 5, "exchange": "", "routing-keys": []}
    die(channel, queue, headers={"x-death": [stale]})
    deaths = get(channel, dead)[1].headers["x-death"]
    assert [(entry["queue"], entry["count"]) for entry in deaths] == [(queue, 1)]


@pytest.mark.checklist(310)
def test_x_death_of_a_wrong_type_is_replaced(channel, dead):
    queue = dead_lettering(channel, "", dead)
    die(channel, queue, headers={"x-death": "nonsense", "k": 1})
    headers = plain(get(channel, dead)[1].headers)
    assert [entry["queue"] for entry in headers["x-death"]] == [queue]
    assert headers["k"] == 1


@pytest.mark.checklist(315)
def test_automatic_cycle_is_cut(channel, name):
    queue = name("q")
    dead_lettering(channel, "", queue, queue, **{"x-message-ttl": 20})
    publish(channel, "", queue, "m")
    until_ready(channel, queue, 0, timeout=2)
    assert take(channel, queue) == []


@pytest.mark.checklist(315)
def test_cycle_by_rejects_goes_on(channel, name):
    queue = name("q")
    dead_lettering(channel, "", queue, queue)
    publish(channel, "", queue, "m")
    for count in range(5):
        method, properties, _ = get(channel, queue)
        if count:
            assert properties.headers["x-death"][0]["count"] == count
        channel.basic_reject(method.delivery_tag, requeue=False)


@pytest.mark.checklist(315)
def test_cycle_of_two_queues_is_cut(channel, name):
    first, second = name("a"), name("b")
    dead_lettering(channel, "", second, first, **{"x-message-ttl": 10})
    dead_lettering(channel, "", first, second, **{"x-message-ttl": 10})
    publish(channel, "", first, "m")

    def nowhere():
        # On its way from one queue to the other a message is in neither.
        return all(ready(channel, queue) == 0 for queue in (first, second) * 20)

    eventually(nowhere, timeout=2)
