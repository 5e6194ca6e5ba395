import pytest

from tests.support.encoding import Typed, plain
from tests.support.wire import publish_frames

SECONDS = 1_700_000_000  # of the virtual clock at its start


def dead_to(key="dead", exchange="", **arguments):
    return {
        "x-dead-letter-exchange": exchange,
        "x-dead-letter-routing-key": key,
        **{f"x-{name.replace('_', '-')}": value for name, value in arguments.items()},
    }


def reject(client, queue="q"):
    """Takes the first message of a queue and rejects it."""
    got = client.get(queue)
    client.nack(got.method.arguments["delivery_tag"], requeue=False)
    client.engine.run()


@pytest.fixture
def dead(client):
    return client.declare("dead")


def test_the_record_of_a_death(client, dead):
    client.declare("q", dead_to())
    client.publish("", "q", b"m", delivery_mode=2, message_id="id", expiration="5000")
    reject(client)
    got = client.get("dead")
    assert (got.body, got.method.arguments["redelivered"]) == (b"m", False)
    assert (got.method.arguments["exchange"], got.method.arguments["routing_key"]) == ("", "dead")
    headers = got.properties.pop("headers")
    assert got.properties == {"delivery_mode": 2, "message_id": "id"}
    assert headers["x-death"] == Typed(
        "A",
        [
            Typed(
                "F",
                {
                    "count": Typed("l", 1),
                    "reason": Typed("S", "rejected"),
                    "queue": Typed("S", "q"),
                    "time": Typed("T", SECONDS),
                    "exchange": Typed("S", ""),
                    "routing-keys": Typed("A", [Typed("S", "q")]),
                    "original-expiration": Typed("S", "5000"),
                },
            )
        ],
    )
    for occasion in ("first", "last"):
        for what, value in (("reason", "rejected"), ("queue", "q"), ("exchange", "")):
            assert headers[f"x-{occasion}-death-{what}"] == Typed("S", value)


def test_deaths_are_counted_and_the_last_stands_first(engine, client):
    client.declare("a", dead_to("b"))
    client.declare("b", dead_to("a", message_ttl=1000))
    client.publish("", "a", b"m")
    for _ in range(2):
        reject(client, "a")  # to b, and back when its time is over
        engine.advance(1.5)
    reject(client, "a")
    headers = plain(client.get("b").properties["headers"])
    deaths = [(each["queue"], each["reason"], each["count"]) for each in headers["x-death"]]
    assert deaths == [("a", "rejected", 3), ("b", "expired", 2)]
    times = {each["queue"]: each["time"] - SECONDS for each in headers["x-death"]}
    assert times == {"a": 0, "b": 1}
    assert headers["x-first-death-queue"] == "a"
    assert (headers["x-last-death-queue"], headers["x-last-death-reason"]) == ("a", "rejected")


@pytest.mark.parametrize("queues", ["a", "ab", "abc"])
def test_cycles_without_a_reject_end(engine, client, queues):
    made = [
        client.declare(queue, dead_to(queues[(number + 1) % len(queues)], message_ttl=1000))
        for number, queue in enumerate(queues)
    ]
    client.publish("", "a", b"m")
    for alive in range(len(queues) * 2):
        engine.run()
        counts = [queue.message_count for queue in made]
        assert counts == [int(number == alive) for number in range(len(queues))]
        engine.advance(1.01)


def test_a_cycle_with_a_reject_goes_on(engine, client):
    client.declare("a", dead_to("b"))
    b = client.declare("b", dead_to("a", message_ttl=1000))
    client.publish("", "a", b"m")
    for _ in range(4):
        reject(client, "a")
        assert b.message_count == 1
        engine.advance(1.5)
    assert engine.queue("a").message_count == 1


def test_a_queue_may_be_its_own_dead_letter_queue_for_rejects(client):
    queue = client.declare("q", dead_to("q"))
    client.publish("", "q", b"m")
    for _ in range(3):
        reject(client)
        assert queue.message_count == 1
    assert plain(client.get("q").properties["headers"])["x-death"][0]["count"] == 3


def test_without_a_key_all_keys_are_kept(client, dead):
    client.call(1, "exchange.declare", exchange="x", type="topic")
    client.call(1, "exchange.declare", exchange="graves", type="topic")
    client.declare("q", {"x-dead-letter-exchange": "graves"})
    client.call(1, "queue.bind", queue="q", exchange="x", routing_key="main")
    client.declare("other")
    for key in ("main", "copy", "hidden"):
        client.call(1, "queue.bind", queue="dead", exchange="graves", routing_key=key)
        client.declare(f"grave of {key}")
        client.call(1, "queue.bind", queue=f"grave of {key}", exchange="graves", routing_key=key)
    client.publish("x", "main", b"m", headers={"CC": ["copy"], "BCC": ["hidden"]})
    reject(client)
    assert dead.message_count == 1
    for key in ("main", "copy", "hidden"):
        got = client.get(f"grave of {key}")
        headers = plain(got.properties["headers"])
        assert got.method.arguments["routing_key"] == "main"
        assert headers["CC"] == ["copy"]
        assert "BCC" not in headers
        assert headers["x-death"][0]["routing-keys"] == ["main", "copy"]


@pytest.mark.parametrize("how", ["run", "restart", "crash"])
def test_hidden_keys_count_at_every_death(engine, client, how):
    for number in (1, 2):
        exchange = f"x{number}"
        client.call(1, "exchange.declare", exchange=exchange, type="direct", durable=True)
        client.declare(f"q{number}", {"x-dead-letter-exchange": exchange})
    client.declare("q3")
    client.call(1, "queue.bind", queue="q2", exchange="x1", routing_key="q1")
    client.call(1, "queue.bind", queue="q3", exchange="x2", routing_key="hidden")
    client.publish("", "q1", b"m", delivery_mode=2, headers={"BCC": ["hidden"]})
    for number in (1, 2):
        engine.run()
        getattr(engine, how)()
        client = client if how == "run" else engine.connect()
        reject(client, f"q{number}")
    content = client.get("q3")
    assert content is not None
    deaths = plain(content.properties["headers"])["x-death"]
    assert [death["routing-keys"] for death in deaths] == [["q1"], ["q1"]]


def test_a_clients_own_record_counts_for_nothing(client, dead):
    client.declare("q", dead_to())
    forged = [{"count": 5, "queue": "q", "reason": "rejected"}]
    client.publish("", "q", b"1", headers={"x-death": forged, "mine": 1})
    client.publish("", "q", b"2", headers={"x-death": "nonsense"})
    for _ in range(2):
        reject(client)
        headers = plain(client.get("dead").properties["headers"])
        assert [death["count"] for death in headers["x-death"]] == [1]


def test_the_brokers_own_record_survives_a_restart(engine, client):
    client.declare("a", dead_to("b"))
    client.declare("b", dead_to("a"))
    client.publish("", "a", b"m", delivery_mode=2)
    reject(client, "a")
    engine.restart()
    client = engine.connect()
    reject(client, "b")
    headers = plain(client.get("a").properties["headers"])
    assert [death["queue"] for death in headers["x-death"]] == ["b", "a"]


def test_where_the_exchange_is_missing_or_leads_nowhere(client):
    missing = client.declare("q", dead_to(exchange="nowhere"))
    unbound = client.declare("r", dead_to("no such queue"))
    for queue in ("q", "r"):
        client.publish("", queue, b"m", delivery_mode=2)
        reject(client, queue)
    assert missing.message_count == unbound.message_count == 0
    assert missing.unacked == unbound.unacked == 0


def test_no_exchange_no_dead_letter(client, dead):
    client.declare("q")
    client.publish("", "q", b"m")
    reject(client)
    assert dead.message_count == 0


@pytest.mark.parametrize("how", ["purge", "delete"])
def test_what_is_no_death(client, dead, how):
    client.declare("q", dead_to())
    client.publish("", "q", b"m")
    client.call(1, f"queue.{how}", queue="q")
    assert dead.message_count == 0


def test_a_message_is_never_in_two_places_or_in_none(engine, client):
    client.declare("q", dead_to())
    client.declare("dead")
    client.publish("", "q", b"m", delivery_mode=2)
    got = client.get("q")
    with engine.disk_held() as disk:
        client.nack(got.method.arguments["delivery_tag"], requeue=False)
        engine.run()
        assert engine.queue("dead").message_count == 1
        assert disk.busy
    engine.crash()  # before the commit
    assert [engine.queue(name).message_count for name in ("q", "dead")] == [1, 0]
    client = engine.connect()
    reject(client)
    engine.crash()  # behind it
    assert [engine.queue(name).message_count for name in ("q", "dead")] == [0, 1]


def test_many_die_in_order(engine, client, dead):
    client.declare("q", dead_to(message_ttl=500))
    client.send(*(publish_frames(1, "", "q", b"%d" % number) for number in range(20)))
    engine.advance(1)
    assert [each.message.body for each in dead.ready] == [b"%d" % number for number in range(20)]


def test_messages_that_are_alike_die_alike_but_each_at_its_time(engine, client, dead):
    client.declare("q", dead_to())
    client.declare("other", dead_to())
    frames = publish_frames(1, "", "q", b"m", delivery_mode=2)
    client.send(frames * 3)
    client.publish("", "other", b"m", delivery_mode=2)
    reject(client)
    reject(client)
    reject(client, "other")
    engine.advance(2)
    reject(client)
    deaths = [plain(client.get("dead").properties["headers"])["x-death"][0] for _ in range(4)]
    assert [(death["queue"], death["time"] - SECONDS) for death in deaths] == [
        ("q", 0),
        ("q", 0),
        ("other", 0),
        ("q", 2),
    ]
    assert {death["count"] for death in deaths} == {1}


def test_a_message_like_the_last_goes_where_bindings_lead_now(client, dead):
    client.call(1, "exchange.declare", exchange="dlx", type="fanout")
    client.declare("late")
    client.call(1, "queue.bind", queue="dead", exchange="dlx", routing_key="")
    client.declare("q", dead_to(exchange="dlx"))
    client.send(publish_frames(1, "", "q", b"m") * 2)
    reject(client)
    client.call(1, "queue.bind", queue="late", exchange="dlx", routing_key="")
    reject(client)
    assert client.engine.queue("dead").message_count == 2
    assert client.engine.queue("late").message_count == 1
