"""Dead-lettering in its plain form (checklist 302-313, 317 and 320)."""

import pytest

from tests.conformance.helpers import (
    Inbox,
    bound,
    dead_lettering,
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
def channel(confirming):
    return confirming


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


@pytest.mark.checklist(307)
def test_keys_that_say_the_same_are_told_as_they_came(channel, dead):
    queue = dead_lettering(channel, "", dead)
    die(channel, queue, headers={"CC": [queue, "other", queue]})
    until_ready(channel, dead, 1)
    (death,) = get(channel, dead)[1].headers["x-death"]
    assert death["routing-keys"] == [queue, queue, "other", queue]
    assert death["count"] == 1


@pytest.mark.checklist(305, 307)
def test_hidden_keys_route_at_every_death(channel, name):
    first, second = name("first"), name("second")
    for exchange in (first, second):
        channel.exchange_declare(exchange, "direct")
    queue = dead_lettering(channel, first)
    between = dead_lettering(channel, second)
    channel.queue_bind(between, first, queue)
    by_key, by_bcc = bound(channel, second, queue), bound(channel, second, "bcc")
    die(channel, queue, headers={"BCC": ["bcc"]})
    until_ready(channel, between, 1)
    channel.basic_reject(get(channel, between)[0].delivery_tag, requeue=False)
    for dead in (by_key, by_bcc):
        until_ready(channel, dead, 1)
        deaths = get(channel, dead)[1].headers["x-death"]
        assert sorted(death["queue"] for death in deaths) == sorted([queue, between])
        assert [death["routing-keys"] for death in deaths] == [[queue], [queue]]


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
    until_ready(channel, dead, 3)
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


# -- what the dead carry -------------------------------------------------------------------------


def killed_by(reason, queue, client):
    """Make the one message of the queue die."""
    if reason == "rejected":
        got = eventually(lambda: client.get(queue))
        client.send_method(1, "basic.reject", delivery_tag=got.method.arguments["delivery_tag"])
    elif reason == "maxlen":
        client.publish("", queue, b"the next one")


@pytest.mark.checklist(307, 320)
@pytest.mark.parametrize(
    ("reason", "limits"),
    [("rejected", {}), ("expired", {"x-message-ttl": 30}), ("maxlen", {"x-max-length": 1})],
)
def test_x_death_of_every_reason(client, name, reason, limits):
    queue, dead = name("q"), name("dead")
    client.call(1, "queue.declare", queue=dead)
    arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead} | limits
    client.call(1, "queue.declare", queue=queue, arguments=arguments)
    client.call(1, "queue.bind", queue=queue, exchange="amq.direct", routing_key="k")
    sent = {"message_id": "id", "timestamp": 5, "delivery_mode": 2, "content_type": "text/plain"}
    headers = {"CC": ["cc", "more"], "BCC": ["bcc"]}
    client.publish("amq.direct", "k", b"body", headers=headers, **sent)
    killed_by(reason, queue, client)
    got = eventually(lambda: client.get(dead))
    assert (got.body, got.method.arguments["redelivered"]) == (b"body", False)
    assert (got.method.arguments["exchange"], got.method.arguments["routing_key"]) == ("", dead)
    received = got.properties.pop("headers")
    assert got.properties == sent
    (death,) = received["x-death"].value
    assert death.value.pop("time").tag == "T"
    assert death.value == {
        "count": Typed("l", 1),
        "reason": Typed("S", reason),
        "queue": Typed("S", queue),
        "exchange": Typed("S", "amq.direct"),
        "routing-keys": Typed("A", [Typed("S", key) for key in ("k", "cc", "more")]),
    }
    assert "BCC" not in received


@pytest.mark.checklist(320)
@pytest.mark.parametrize("mode", [None, 1, 2])
def test_the_copy_is_the_message(channel, dead, mode):
    queue = dead_lettering(channel, "", dead)
    given = {
        "app_id": "app",
        "cluster_id": "cluster",
        "content_encoding": "gzip",
        "content_type": "text/plain",
        "correlation_id": "correlation",
        "delivery_mode": mode,
        "message_id": "id",
        "priority": 7,
        "reply_to": "back",
        "timestamp": 1_600_000_000,
        "type": "kind",
        "user_id": "guest",
    }
    publish(channel, "", queue, b"x" * 200_000, **given)
    taken = get(channel, queue)[0].delivery_tag
    channel.basic_nack(taken)
    again = get(channel, queue)[0]
    assert again.redelivered
    channel.basic_reject(again.delivery_tag, requeue=False)
    method, properties, body = get(channel, dead)
    assert (method.redelivered, body) == (False, b"x" * 200_000)
    assert {key: getattr(properties, key) for key in given} == given
    assert properties.expiration is None


@pytest.mark.checklist(311)
def test_routed_by_the_reason_of_the_first_death(channel, name):
    exchange = name("dlx")
    channel.exchange_declare(exchange, "headers")
    expired, rejected = declare(channel), declare(channel)
    for target, reason in ((expired, "expired"), (rejected, "rejected")):
        match = {"x-match": "all-with-x", "x-first-death-reason": reason}
        channel.queue_bind(target, exchange, arguments=match)
    queue = dead_lettering(channel, exchange)
    die(channel, queue, "rejected")
    publish(channel, "", queue, "expired", expiration="0")
    for target, body in ((expired, b"expired"), (rejected, b"rejected")):
        until_ready(channel, target, 1)
        assert take(channel, target) == [body]


@pytest.mark.checklist(311)
def test_x_headers_do_not_match_unless_asked_for(channel, name):
    exchange = name("dlx")
    channel.exchange_declare(exchange, "headers")
    ignoring = declare(channel)
    match = {"x-match": "any", "x-first-death-reason": "rejected"}
    channel.queue_bind(ignoring, exchange, arguments=match)
    seeing = declare(channel)
    channel.queue_bind(seeing, exchange, arguments=match | {"x-match": "any-with-x"})
    die(channel, dead_lettering(channel, exchange))
    until_ready(channel, seeing, 1)
    assert ready(channel, ignoring) == 0


@pytest.mark.checklist(312)
@pytest.mark.differs("continues a client's own x-death")
def test_published_again_with_its_old_headers(channel, dead):
    queue = dead_lettering(channel, "", dead)
    die(channel, queue)
    for _ in range(2):
        _, properties, body = get(channel, dead, auto_ack=True)
        deaths = [(each["queue"], each["count"]) for each in properties.headers["x-death"]]
        assert deaths == [(queue, 1)]
        channel.basic_publish("", queue, body, properties)
        method, unchanged, _ = get(channel, queue)
        assert unchanged.headers == properties.headers
        channel.basic_reject(method.delivery_tag, requeue=False)


@pytest.mark.checklist(313)
@pytest.mark.parametrize(
    "value",
    [
        "nonsense",
        5,
        True,
        {"a": 1},
        None,
        b"\xff",
        [],
        [{}],
        [{"count": "x"}],
        pytest.param(
            [1, "x"],
            marks=pytest.mark.differs("loses a message whose x-death lists other than tables"),
        ),
    ],
)
def test_a_client_may_send_any_x_death(channel, dead, value):
    queue = dead_lettering(channel, "", dead)
    die(channel, queue, headers={"x-death": value, "own": 1})
    headers = plain(get(channel, dead)[1].headers)
    newest = headers["x-death"][0]
    assert (newest["queue"], newest["reason"], newest["count"]) == (queue, "rejected", 1)
    assert headers["own"] == 1


# -- arguments -----------------------------------------------------------------------------------


@pytest.mark.checklist(317)
@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            {"x-dead-letter-exchange": 5},
            "invalid type 'signedint' for arg 'x-dead-letter-exchange' in queue '{}' in vhost '/'",
        ),
        (
            {"x-dead-letter-routing-key": "k"},
            "invalid arg 'x-dead-letter-routing-key' for queue '{}' in vhost '/': "
            "routing_key_but_no_dlx_defined",
        ),
        (
            {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": 5},
            "invalid arg 'x-dead-letter-routing-key' for queue '{}' in vhost '/': "
            "{{unacceptable_type,signedint}}",
        ),
    ],
    ids=["exchange", "key alone", "key"],
)
def test_bad_arguments(client, name, arguments, text):
    queue = name("q")
    client.send_method(1, "queue.declare", queue=queue, arguments=arguments)
    client.expect_close(406, "PRECONDITION_FAILED - " + text.format(queue), channel=1)


@pytest.mark.checklist(317)
@pytest.mark.parametrize(
    ("key", "text"),
    [
        (
            "x-dead-letter-exchange",
            "received 'other' but current is 'amq.direct'",
        ),
        ("x-dead-letter-routing-key", "received 'other' but current is 'k'"),
    ],
)
def test_redeclared_with_another_target(client, name, key, text):
    queue = name("q")
    arguments = {"x-dead-letter-exchange": "amq.direct", "x-dead-letter-routing-key": "k"}
    for _ in range(2):
        client.call(1, "queue.declare", queue=queue, arguments=arguments)
    client.send_method(1, "queue.declare", queue=queue, arguments=arguments | {key: "other"})
    head = f"PRECONDITION_FAILED - inequivalent arg '{key}' for queue '{queue}' in vhost '/': "
    client.expect_close(406, head + text, channel=1)


@pytest.mark.checklist(317)
def test_redeclared_without_a_target(client, name):
    queue = name("q")
    client.call(1, "queue.declare", queue=queue, arguments={"x-dead-letter-exchange": "x"})
    client.send_method(1, "queue.declare", queue=queue)
    client.expect_close(
        406,
        f"PRECONDITION_FAILED - inequivalent arg 'x-dead-letter-exchange' for queue '{queue}' in "
        "vhost '/': received none but current is the value 'x' of type 'longstr'",
        channel=1,
    )
