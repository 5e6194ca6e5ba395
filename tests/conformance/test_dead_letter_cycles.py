"""Ways of the dead through many queues: cycles, what x-death tells of them, and long chains
(checklist 309, 314-316 and 321).
"""

import pytest

from tests.conformance.helpers import (
    bound,
    dead_lettering,
    get,
    publish,
    ready,
    take,
    until_ready,
)
from tests.support.eventually import eventually


@pytest.fixture
def channel(confirming):
    return confirming


def ring(channel, queues, **arguments):
    """Queues of which each dead-letters to the next, and the last to the first."""
    following = [*queues[1:], queues[0]]
    for queue, target in zip(queues, following, strict=True):
        dead_lettering(channel, "", target, queue, **arguments)


@pytest.mark.checklist(315)
def test_automatic_cycle_is_cut(channel, name):
    queue = name("q")
    dead_lettering(channel, "", queue, queue, **{"x-message-ttl": 20})
    publish(channel, "", queue, "m")
    until_ready(channel, queue, 0)
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


@pytest.mark.checklist(314)
def test_x_death_does_not_grow_in_a_loop(channel, name):
    retry, work = name("retry"), name("work")
    dead_lettering(channel, "", work, retry, **{"x-message-ttl": 1})
    dead_lettering(channel, "", retry, work)
    publish(channel, "", work, "m")
    for turn in range(20):
        method, properties, _ = get(channel, work)
        deaths = (properties.headers or {}).get("x-death", [])
        assert len(deaths) == min(turn, 1) * 2
        assert [each["count"] for each in deaths] == [turn] * len(deaths)
        channel.basic_reject(method.delivery_tag, requeue=False)


@pytest.mark.checklist(315)
def test_cycle_by_length_is_cut(channel, name):
    queue = name("q")
    dead_lettering(channel, "", queue, queue, **{"x-max-length": 1})
    publish(channel, "", queue, "1", "2")
    until_ready(channel, queue, 1)
    assert take(channel, queue) == [b"2"]


@pytest.mark.checklist(316)
@pytest.mark.parametrize("count", [2, 3])
def test_cycle_of_expiries_is_cut(channel, name, count):
    queues = [name("q") for _ in range(count)]
    ring(channel, queues, **{"x-message-ttl": 10})
    probe = bound(channel, "amq.fanout")
    publish(channel, "", queues[0], "m")

    def nowhere():
        # On its way from one queue to the next a message is in neither.
        return all(ready(channel, queue) == 0 for queue in queues * 20)

    eventually(nowhere)
    assert ready(channel, probe) == 0


@pytest.mark.checklist(316)
@pytest.mark.parametrize(
    "count",
    [
        2,
        pytest.param(
            3,
            marks=pytest.mark.differs("turns x-death round, and misses the reject in a cycle of 3"),
        ),
    ],
)
def test_a_reject_keeps_a_cycle_alive(channel, name, count):
    queues = [name("q") for _ in range(count)]
    for queue, target in zip(queues[1:], [*queues[2:], queues[0]], strict=True):
        dead_lettering(channel, "", target, queue, **{"x-message-ttl": 5})
    dead_lettering(channel, "", queues[1], queues[0])
    publish(channel, "", queues[0], "m")
    for turn in range(4):
        method, properties, _ = get(channel, queues[0])
        deaths = (properties.headers or {}).get("x-death", [])
        expected = dict.fromkeys(queues, turn) if turn else {}
        assert {each["queue"]: each["count"] for each in deaths} == expected
        assert len(deaths) == len(expected)
        channel.basic_reject(method.delivery_tag, requeue=False)


@pytest.mark.checklist(309)
@pytest.mark.differs("turns the older entries of x-death round with every death")
def test_the_newest_death_is_told_first(channel, dead):
    queues = [dead]
    for _ in range(5):
        queues.append(dead_lettering(channel, "", queues[-1], **{"x-message-ttl": 0}))
    publish(channel, "", queues[-1], "m")
    deaths = get(channel, dead)[1].headers["x-death"]
    assert [each["queue"] for each in deaths] == queues[1:]


# -- long ways -----------------------------------------------------------------------------------


@pytest.mark.checklist(321)
@pytest.mark.parametrize("reason", ["expired", "maxlen"])
def test_a_long_chain(channel, dead, reason):
    limit = {"x-message-ttl": 0} if reason == "expired" else {"x-max-length": 0}
    queue = dead
    for _ in range(100):
        queue = dead_lettering(channel, "", queue, **limit)
    publish(channel, "", queue, "m")
    _, properties, body = get(channel, dead)
    assert body == b"m"
    deaths = properties.headers["x-death"]
    assert len(deaths) == 100
    assert {(each["reason"], each["count"]) for each in deaths} == {(reason, 1)}
    assert properties.headers["x-first-death-queue"] == queue


@pytest.mark.checklist(321)
def test_two_full_queues_that_dead_letter_to_each_other(channel, name):
    queues = [name("a"), name("b")]
    ring(channel, queues, **{"x-max-length": 1})
    for number in range(200):
        publish(channel, "", queues[number % 2], str(number))

    def settled():
        return [ready(channel, queue) for queue in queues] == [1, 1]

    eventually(settled)
    for queue in queues:
        channel.basic_publish("", queue, b"alive", mandatory=True)


@pytest.mark.checklist(321)
def test_two_queues_that_take_nothing_and_dead_letter_to_each_other(channel, name):
    queues = [name("a"), name("b")]
    ring(channel, queues, **{"x-max-length": 0})
    publish(channel, "", queues[0], *"123")
    eventually(lambda: all(ready(channel, queue) == 0 for queue in queues * 10))
