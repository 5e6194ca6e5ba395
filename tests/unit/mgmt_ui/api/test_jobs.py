"""Messages deleted, moved and redriven by a filter, on a whole broker in memory."""

import asyncio
from collections.abc import Callable
from itertools import pairwise
from typing import Any
from weakref import WeakKeyDictionary

import pytest

from broker import browse, bulk, undo
from mgmt_ui import jobs
from tests.unit.mgmt_ui.live import Http, LiveServer

QUEUE = "queues/%2F/q"
DLX = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"}


@pytest.fixture
def client(live: LiveServer) -> Any:
    """A client, with queues `q` and `to`."""
    client = live.connect()
    client.declare("q")
    client.declare("to")
    return client


def fill(client: Any, *bodies: str, queue: str = "q", **options: Any) -> None:
    for body in bodies:
        client.publish("", queue, body.encode(), delivery_mode=2, **options)
    client.engine.run()


def contents(live: LiveServer, queue: str) -> list[str]:
    return [entry.message.body.decode() for entry in live.vhost.queues[queue].ready]


async def do(http: Http, what: str, expect: int = 200, queue: str = "q", **body: Any) -> Any:
    return await http("POST", f"queues/%2F/{queue}/{what}", body, expect)


def counts(job: dict[str, Any]) -> tuple[str, int, int]:
    return job["state"], job["matched"], job["done"]


# -- delete --------------------------------------------------------------------------------


async def test_delete_what_fits(http: Http, live: LiveServer, client: Any):
    fill(client, "a1", "b1", "a2", "b2")
    job = await do(http, "delete-messages", filter={"body": "a"})
    assert counts(job) == ("done", 2, 2)
    assert (job["kind"], job["queue"], job["user"], job["total"], job["scanned"]) == (
        *("delete", "q", "guest"),
        *(4, 4),
    )
    assert contents(live, "q") == ["b1", "b2"]
    assert live.vhost.queues["q"].ready_bytes == 4
    live.engine.crash()
    assert contents(live, "q") == ["b1", "b2"], "the answer comes when the disk has it"


async def test_a_dry_run_counts(http: Http, live: LiveServer, client: Any):
    fill(client, "a", "b", "a")
    job = await do(http, "delete-messages", filter={"body": "a"}, dry_run=True)
    assert counts(job) == ("done", 2, 0)
    assert contents(live, "q") == ["a", "b", "a"]


async def test_what_is_with_a_consumer_stays(http: Http, live: LiveServer, client: Any):
    fill(client, "1", "2", "3")
    client.consume("q", prefetch=2)
    client.deliveries()
    assert counts(await do(http, "delete-messages", filter={})) == ("done", 1, 1)
    assert live.vhost.queues["q"].unacked == 2


async def test_who_deletes_says_what(http: Http, client: Any):
    fill(client, "1")
    refused = await do(http, "delete-messages", 400)
    assert refused["reason"] == "[{key_missing,filter}]"
    refused = await do(http, "delete-messages", 400, filter={"message-id": "x"})
    assert refused["reason"].startswith("unknown member of filter: message-id")


# -- move ----------------------------------------------------------------------------------


async def test_move_keeps_order_and_content(http: Http, live: LiveServer, client: Any):
    fill(client, "a1", "b1", "a2", message_id="m", headers={"h": 1})
    fill(client, "first", queue="to")
    job = await http("POST", f"{QUEUE}/move", {"filter": {"body": "a"}, "queue": "to"})
    assert counts(job) == ("done", 2, 2)
    assert contents(live, "to") == ["first", "a1", "a2"]
    assert contents(live, "q") == ["b1"]
    client.get("to", no_ack=True)
    moved = client.get("to")
    assert moved.method.arguments["routing_key"] == "q"
    assert not moved.method.arguments["redelivered"]
    assert moved.properties["message_id"] == "m"
    assert moved.properties["headers"] == {"h": ("I", 1)}


@pytest.mark.parametrize("written", [True, False])
async def test_a_move_is_one_commit(
    live: LiveServer, http: Http, client: Any, written: bool, monkeypatch: pytest.MonkeyPatch
):
    async def at_once() -> bool:
        return True

    # The disk is held, and the answer does not wait for it.
    monkeypatch.setattr(live, "stored", at_once)
    fill(client, *"abc")
    with live.engine.disk_held() as disk:
        await http("POST", f"{QUEUE}/move", {"queue": "to"})
        live.engine.run()
        if written:
            assert disk.write()
    live.engine.crash()
    places = (contents(live, "q"), contents(live, "to"))
    assert places == (([], list("abc")) if written else (list("abc"), []))


async def test_by_way_of_an_exchange(http: Http, live: LiveServer, client: Any):
    client.call(1, "exchange.declare", exchange="x", type="topic")
    client.call(1, "queue.bind", exchange="x", queue="to", routing_key="new.*")
    fill(client, "1", "2")
    job = await http("POST", f"{QUEUE}/move", {"exchange": "x"})
    assert (counts(job), job["skipped"]) == (("done", 2, 0), {"unroutable": 2})
    job = await http("POST", f"{QUEUE}/move", {"exchange": "x", "routing_key": "new.key"})
    assert (counts(job), job["to_exchange"]) == (("done", 2, 2), "x")
    assert client.get("to").method.arguments["routing_key"] == "new.key"


async def test_a_full_queue_stops_it_and_it_goes_on_later(
    http: Http, live: LiveServer, client: Any
):
    client.declare("full", {"x-max-length": 2, "x-overflow": "reject-publish"})
    fill(client, *"abcd")
    job = await http("POST", f"{QUEUE}/move", {"queue": "full"})
    assert (job["state"], job["done"], job["error"]) == ("stopped", 2, "queue 'full' is full")
    assert (contents(live, "full"), contents(live, "q")) == (list("ab"), list("cd"))
    client.get("full", no_ack=True)
    await http("POST", f"jobs/{job['id']}/resume", None, 202)
    await _ended(http, job["id"])
    assert (contents(live, "full"), contents(live, "q")) == (list("bc"), ["d"])


async def test_many_in_batches_from_every_part(
    http: Http, live: LiveServer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(browse, "BATCH", 4)
    monkeypatch.setattr(browse, "RUN", 3)
    monkeypatch.setattr(bulk, "RETURNED_STEP", 5)
    client = live.connect()
    client.declare("q", {"x-max-priority": 2})
    client.declare("to")
    for number in range(40):
        fill(client, f"{number}", priority=number % 3)
    client.consume("q", prefetch=10)
    client.deliveries()
    client.call(1, "basic.cancel", consumer_tag="c")
    client.nack(0, multiple=True)
    live.engine.run()
    before = contents(live, "q")
    job = await http("POST", f"{QUEUE}/move", {"queue": "to", "filter": {}})
    assert counts(job) == ("done", 40, 40)
    assert contents(live, "to") == before
    queue = live.vhost.queues["q"]
    assert (queue.message_count, queue.ready_bytes, queue.unacked) == (0, 0, 0)


async def test_others_have_their_turn(
    http: Http, live: LiveServer, client: Any, monkeypatch: pytest.MonkeyPatch
):
    fill(client, *"1234567")
    portions: list[int] = []
    carry_out = bulk.Bulk._carry_out

    def noted(self: bulk.Bulk, entries: list[Any]) -> None:
        portions.append(len(entries))
        carry_out(self, entries)

    monkeypatch.setattr(bulk, "STEP", 3)
    monkeypatch.setattr(bulk.Bulk, "_carry_out", noted)
    assert counts(await http("POST", f"{QUEUE}/move", {"queue": "to"})) == ("done", 7, 7)
    assert portions == [3, 3, 1]
    assert contents(live, "to") == list("1234567")


async def test_what_comes_meanwhile_is_left_alone(http: Http, live: LiveServer, client: Any):
    client.call(1, "exchange.declare", exchange="x", type="fanout")
    client.call(1, "queue.bind", exchange="x", queue="q")
    fill(client, "1", "2")
    job = await http("POST", f"{QUEUE}/move", {"exchange": "x"})
    assert counts(job) == ("done", 2, 2), "round once, not for ever"
    assert contents(live, "q") == ["1", "2"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"queue": "to", "exchange": "x"}, 400),
        ({"queue": "none"}, 404),
        ({"exchange": "none"}, 404),
        ({"exchange": "amq.rabbitmq.trace"}, 401),
        ({"queue": "to", "rate": 0}, 400),
        ({"queue": "to", "rate": True}, 400),
        ({"queue": "to", "wait": 61}, 400),
    ],
)
async def test_bad_moves(http: Http, client: Any, body: dict[str, Any], status: int):
    await http("POST", f"{QUEUE}/move", body, status)


async def test_streams_keep_what_they_have(http: Http, client: Any):
    client.declare("s", {"x-queue-type": "stream"})
    await do(http, "delete-messages", 400, queue="s", filter={})
    await http("POST", "queues/%2F/s/move", {"queue": "to"}, 400)


async def test_into_a_stream(http: Http, live: LiveServer, client: Any):
    client.declare("s", {"x-queue-type": "stream"})
    fill(client, "1", "2")
    assert counts(await http("POST", f"{QUEUE}/move", {"queue": "s"})) == ("done", 2, 2)
    assert live.vhost.queues["s"].message_count == 2


async def test_who_may(http: Http, live: LiveServer, client: Any):
    live.add_user("reader", "management", permissions=("^$", "^$", ".*"))
    live.add_user("writer", "management", permissions=("^$", ".*", "^$"))
    for user in ("reader", "writer"):
        await http("POST", f"{QUEUE}/move", {"queue": "to"}, 401, user=user)
    await http("POST", f"{QUEUE}/move", {"exchange": ""}, 401, user="reader")
    await http("POST", f"{QUEUE}/delete-messages", {"filter": {}}, 401, user="writer")


# -- redrive -------------------------------------------------------------------------------


@pytest.fixture
def dead(live: LiveServer) -> Any:
    """A client that can `die(body)`: a message comes to `work` by exchange `x`, and ends in `dead`.

    A queue `copy` is bound as `work` is.
    """
    client: Any = live.connect()
    client.declare("dead")
    client.declare("work", DLX)
    client.declare("copy")
    client.call(1, "exchange.declare", exchange="x", type="direct")
    for queue in ("work", "copy"):
        client.call(1, "queue.bind", exchange="x", queue=queue, routing_key="k")

    def die(*bodies: str, **options: Any) -> None:
        for body in bodies:
            client.publish("x", "k", body.encode(), **options)
            content = client.get("work")
            client.nack(content.method.arguments["delivery_tag"], requeue=False)
        live.engine.run()

    client.die = die
    return client


async def test_back_to_the_queue_as_they_were(http: Http, live: LiveServer, dead: Any):
    dead.die("1", "2", headers={"mine": "x"}, message_id="m")
    assert contents(live, "dead") == ["1", "2"]
    job = await do(http, "redrive", queue="dead")
    assert counts(job) == ("done", 2, 2)
    assert (contents(live, "dead"), contents(live, "work")) == ([], ["1", "2"])
    assert contents(live, "copy") == ["1", "2"], "who had it before does not get it again"
    back = dead.get("work")
    assert back.properties["headers"] == {"mine": ("S", "x")}
    assert back.properties["message_id"] == "m"
    arguments = back.method.arguments
    assert (arguments["exchange"], arguments["routing_key"]) == ("x", "k")
    assert not arguments["redelivered"]


async def test_headers_are_gone_where_there_were_none(http: Http, live: LiveServer, dead: Any):
    dead.die("1")
    await do(http, "redrive", queue="dead")
    back = dead.get("work")
    assert "headers" not in back.properties
    # And what dies again begins to count anew.
    dead.nack(back.method.arguments["delivery_tag"], requeue=False)
    live.engine.run()
    death = dead.get("dead").properties["headers"]["x-death"][1][0][1]
    assert death["count"] == ("l", 1)


async def test_by_way_of_the_exchange(http: Http, live: LiveServer, dead: Any):
    dead.die("1")
    await do(http, "redrive", queue="dead", to="exchange")
    assert contents(live, "copy") == ["1", "1"]
    assert contents(live, "work") == ["1"]


async def test_only_those_that_are_wanted(http: Http, live: LiveServer, dead: Any):
    dead.die("a", "b")
    wanted = {"death_reason": "rejected", "death_queue": "work", "body": "b"}
    assert counts(await do(http, "redrive", queue="dead", filter=wanted)) == ("done", 1, 1)
    assert contents(live, "dead") == ["a"]
    wanted = {"death_reason": "expired"}
    assert counts(await do(http, "redrive", queue="dead", filter=wanted)) == ("done", 0, 0)


async def test_what_has_no_way_back_stays(http: Http, live: LiveServer, dead: Any):
    fill(dead, "never died", queue="dead")
    forged = [{"queue": "work", "exchange": "x", "routing-keys": ["k"], "reason": "rejected"}]
    fill(dead, "forged", queue="dead", headers={"x-death": forged})
    dead.die("gone")
    dead.call(1, "queue.delete", queue="work")
    job = await do(http, "redrive", queue="dead")
    assert (counts(job), job["skipped"]) == (("done", 3, 0), {"no_death": 2, "no_queue": 1})
    assert contents(live, "dead") == ["never died", "forged", "gone"]


async def test_only_where_the_user_may_write(http: Http, live: LiveServer, dead: Any):
    live.add_user("half", "management", permissions=("^$", "^copy$", ".*"))
    dead.die("1")
    job = await http("POST", "queues/%2F/dead/redrive", {}, user="half")
    assert (job["done"], job["skipped"]) == (0, {"refused": 1})
    job = await http("POST", "queues/%2F/dead/redrive", {"to": "exchange"}, user="half")
    assert (job["done"], job["skipped"]) == (0, {"refused": 1})


async def test_it_survives_a_restart_on_the_way(http: Http, live: LiveServer, dead: Any):
    dead.die("1", delivery_mode=2)
    live.engine.restart()
    await do(http, "redrive", queue="dead")
    assert contents(live, "work") == ["1"]
    live.engine.crash()
    assert (contents(live, "dead"), contents(live, "work")) == ([], ["1"])


async def test_a_place_that_there_is_not(http: Http, dead: Any):
    await do(http, "redrive", 400, queue="dead", to="sender")


# -- jobs ----------------------------------------------------------------------------------


async def _ended(http: Http, job_id: str) -> Any:
    for _ in range(100):
        job = await http("GET", f"jobs/{job_id}")
        if job["state"] != "running":
            return job
    raise AssertionError(job)


async def _until(condition: Callable[[], bool]) -> None:
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError


async def test_as_fast_as_was_asked_for(http: Http, live: LiveServer, client: Any):
    fill(client, *"abcdef")
    job = await http("POST", f"{QUEUE}/move", {"queue": "to", "rate": 20, "wait": 0}, 202)
    await _until(lambda: contents(live, "to") == list("ab"))
    live.engine.advance(0.05)
    assert (await http("GET", f"jobs/{job['id']}"))["done"] == 2
    live.engine.advance(0.05)
    await _until(lambda: contents(live, "to") == list("abcd"))
    live.engine.advance(0.1)
    await _until(lambda: contents(live, "to") == list("abcdef"))
    live.engine.advance(0.1)
    assert counts(await _ended(http, job["id"])) == ("done", 6, 6)


async def test_cancelled_and_resumed(http: Http, live: LiveServer, client: Any):
    fill(client, *"abcd")
    job = await http("POST", f"{QUEUE}/move", {"queue": "to", "rate": 10, "wait": 0}, 202)
    await _until(lambda: contents(live, "to") == ["a"])
    await http("DELETE", f"jobs/{job['id']}", None, 204)
    found = await http("GET", f"jobs/{job['id']}")
    assert (found["state"], found["done"]) == ("cancelled", 1)
    assert contents(live, "q") == list("bcd")
    assert await http("POST", f"jobs/{job['id']}/resume", None, 202)
    await _until(lambda: contents(live, "to") == ["a", "b"])
    for _ in range(4):
        live.engine.advance(0.1)
        await asyncio.sleep(0)
    found = await _ended(http, job["id"])
    assert (found["state"], found["matched"], found["done"]) == ("done", 4, 4)
    refused = await http("POST", f"jobs/{job['id']}/resume", None, 400)
    assert refused["reason"] == "the job is done"
    await http("DELETE", f"jobs/{job['id']}", None, 204)
    await http("GET", f"jobs/{job['id']}", None, 404)


async def test_what_came_back_is_taken_out_a_bit_at_a_time(http: Http, live: LiveServer, dead: Any):
    fill(dead, *map(str, range(3000)), queue="work", expiration="1")
    live.engine.advance(1)
    ready = live.vhost.queues["dead"].ready
    for entry in [ready.pop() for _ in range(3000)]:
        ready.requeue(entry)
    started = await http("POST", "queues/%2F/dead/redrive", {"wait": 0}, 202)
    job = jobs.jobs_of(live.as_server).get(started["id"])
    assert job is not None
    done = [0]
    while job.state == "running":
        await asyncio.sleep(0)
        done.append(job.progress.done)
    assert done[-1] == 3000
    assert max(after - before for before, after in pairwise(done)) <= 500
    assert contents(live, "work") == list(map(str, range(3000)))


async def test_the_queue_goes(http: Http, live: LiveServer, client: Any):
    fill(client, *"ab")
    job = await http("POST", f"{QUEUE}/move", {"queue": "to", "rate": 10, "wait": 0}, 202)
    await _until(lambda: contents(live, "to") == ["a"])
    client.call(1, "queue.delete", queue="q")
    live.engine.advance(0.1)
    found = await _ended(http, job["id"])
    assert (found["state"], found["error"]) == ("stopped", "queue 'q' is gone")


async def test_a_list_for_those_who_may_know(http: Http, live: LiveServer, client: Any):
    live.add_user("other", "management", permissions=(".*", ".*", ".*"))
    live.add_user("stranger", "management", permissions=None)
    await http("POST", f"{QUEUE}/move", {"queue": "to"})
    (job,) = await http("GET", "jobs", user="other")
    assert job["kind"] == "move"
    await http("DELETE", f"jobs/{job['id']}", None, 401, user="other")
    assert await http("GET", "jobs", user="stranger") == []
    await http("GET", f"jobs/{job['id']}", None, 404, user="stranger")


async def test_not_too_many_at_a_time(
    http: Http, live: LiveServer, client: Any, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(jobs, "MOST_RUNNING", 1)
    monkeypatch.setattr(jobs, "KEPT", 1)
    fill(client, *"ab")
    await http("POST", f"{QUEUE}/move", {"queue": "to", "rate": 1, "wait": 0}, 202)
    await http("POST", f"{QUEUE}/move", {"queue": "to"}, 503)
    await jobs.end_all(live.as_server)
    for _ in range(3):
        await http("POST", f"{QUEUE}/move", {"queue": "to", "dry_run": True})
    assert len(await http("GET", "jobs")) <= 2


# -- what was picked, and what is undone ----------------------------------------------------


async def test_messages_that_were_picked(http: Http, live: LiveServer, client: Any):
    fill(client, *"abcde")
    client.get("q")  # stays where it is
    shown = await http("GET", f"{QUEUE}/peek", None, 200)
    picked = [each["position"] for each in shown if each["payload"] in "ace"]
    job = await do(http, "delete-messages", filter={"positions": picked})
    assert counts(job) == ("done", 2, 2)
    assert contents(live, "q") == ["b", "d"]
    assert job["scanned"] < 5, "it looks no further than it has to"


@pytest.mark.parametrize("wrong", [1, ["1"], [True], [-1], [0.5], list(range(10_001))])
async def test_positions_are_checked(http: Http, client: Any, wrong: Any):
    refused = await do(http, "delete-messages", 400, filter={"positions": wrong})
    assert refused["reason"].startswith("positions")


async def test_to_the_end_of_its_own_queue(http: Http, live: LiveServer, client: Any):
    client.declare("full", {"x-max-length": 3, "x-overflow": "reject-publish"})
    fill(client, *"abc", queue="full")
    body = {"filter": {"body": "a"}, "queue": "full", "undo": True}
    job = await http("POST", "queues/%2F/full/move", body)
    assert (counts(job), job["undoable"]) == (("done", 1, 1), 0)
    assert contents(live, "full") == ["b", "c", "a"]


async def test_a_deletion_is_undone(http: Http, live: LiveServer, client: Any):
    fill(client, "a", "b", "c", message_id="m", headers={"h": 1})
    job = await do(http, "delete-messages", filter={"body": "a"}, undo=True)
    assert job["undoable"] == 1
    answer = await do(http, "undo", job=job["id"])
    assert answer == {"restored": 1}
    assert contents(live, "q") == ["b", "c", "a"]
    live.engine.crash()
    assert contents(live, "q") == ["b", "c", "a"]
    kept = live.vhost.queues["q"].ready.peek()
    assert kept.message.route.routing_key == "q"
    await do(http, "undo", 400, job=job["id"])


async def test_a_move_is_undone(http: Http, live: LiveServer, client: Any):
    fill(client, "other", queue="to")
    fill(client, *"abc")
    job = await http("POST", f"{QUEUE}/move", {"queue": "to", "undo": True})
    assert job["undoable"] == 3
    assert (await do(http, "undo", job=job["id"])) == {"restored": 3}
    assert (contents(live, "to"), contents(live, "q")) == (["other"], list("abc"))


async def test_what_cannot_be_undone(
    http: Http, live: LiveServer, client: Any, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(undo, "MOST", 2)
    fill(client, *"abc")
    job = await do(http, "delete-messages", filter={}, undo=True)
    assert (job["done"], job["undoable"]) == (3, 0)
    await do(http, "undo", 400, job=job["id"])
    await do(http, "undo", 404, job="none")


async def test_what_is_kept_is_limited(
    http: Http, live: LiveServer, client: Any, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(jobs, "UNDO_OCTETS", 5)
    fill(client, "aaa", "bbb", "c")
    first = await do(http, "delete-messages", filter={"body": "a"}, undo=True)
    second = await do(http, "delete-messages", filter={"body": "b"}, undo=True)
    kept = {job["id"]: job["undoable"] for job in await http("GET", "jobs")}
    assert kept == {first["id"]: 0, second["id"]: 1}
    live.engine.advance(601)
    await do(http, "undo", 400, job=second["id"])


# -- over a restart ------------------------------------------------------------------------


@pytest.fixture
def begin_anew(live: LiveServer, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """`await begin_anew(crash=False)`: the broker ends, orderly or not, and comes back."""

    async def begin_anew(*, crash: bool = False) -> None:
        if crash:
            live.engine.run()
            live.engine.crash()
        else:
            await jobs.end_all(live.as_server)
            live.engine.restart()
        monkeypatch.setattr(jobs, "_jobs", WeakKeyDictionary())

    return begin_anew


async def slow_move(http: Http, live: LiveServer, client: Any, **more: Any) -> str:
    """The number of a job that has moved `a` of `abcdef`, and has all the time in the world."""
    for queue in ("kept", "other"):
        client.declare(queue, durable=True)
    fill(client, *"abcdef", queue="kept")
    asked = {"queue": "other", "rate": 1, "wait": 0} | more
    job = await http("POST", "queues/%2F/kept/move", asked, 202)
    await _until(lambda: contents(live, "other") == ["a"])
    return str(job["id"])


@pytest.mark.parametrize("crash", [False, True])
async def test_it_goes_on_after_a_restart(
    http: Http, live: LiveServer, client: Any, begin_anew: Any, crash: bool
):
    number = await slow_move(http, live, client)
    await begin_anew(crash=crash)
    fill(live.connect(), "late", queue="kept")
    found = await http("GET", f"jobs/{number}")
    assert (found["state"], found["error"]) == ("cancelled", "the broker was stopped")
    assert (found["kind"], found["to_queue"], found["rate"]) == ("move", "other", 1)
    assert (found["total"], found["done"]) == (6, 0 if crash else 1)
    resumed = await http("POST", f"jobs/{number}/resume", None, 202)
    assert (resumed["state"], resumed["error"]) == ("running", None)
    for _ in range(8):
        live.engine.advance(1)
        await asyncio.sleep(0)
    found = await _ended(http, number)
    assert (found["state"], found["done"]) == ("done", 5 if crash else 6)
    assert contents(live, "other") == list("abcdef")
    assert contents(live, "kept") == ["late"], "it came after the job began"
    await begin_anew()
    assert await http("GET", "jobs") == []


async def test_others_see_nothing_of_what_is_kept(
    http: Http, live: LiveServer, client: Any, begin_anew: Any
):
    number = await slow_move(http, live, client)
    await begin_anew()
    assert await http("GET", "parameters") == []
    assert (await http("GET", "definitions"))["parameters"] == []
    # A new one takes no number that is taken.
    other = await http("POST", "queues/%2F/other/move", {"queue": "kept"})
    assert int(other["id"]) > int(number)
    await http("DELETE", f"jobs/{number}", None, 204)
    await begin_anew()
    assert [job["id"] for job in await http("GET", "jobs")] == []


async def test_it_goes_on_by_the_permissions_of_now(
    http: Http, live: LiveServer, client: Any, begin_anew: Any
):
    number = await slow_move(http, live, client)
    await begin_anew()
    live.vhosts.permissions.set("guest", "/", "", "^kept$", ".*")
    await http("POST", f"jobs/{number}/resume", None, 401)
    live.vhosts.permissions.set("guest", "/", ".*", ".*", ".*")
    live.vhost.delete_queue(live.vhost.queues["other"])
    await http("POST", f"jobs/{number}/resume", None, 404)
    assert (await http("GET", f"jobs/{number}"))["state"] == "cancelled"


async def test_what_ends_with_the_broker_leaves_nothing(
    http: Http, live: LiveServer, client: Any, begin_anew: Any
):
    fill(client, *"ab")
    await http("POST", f"{QUEUE}/move", {"queue": "to", "dry_run": True, "rate": 1})
    client.declare("fleeting", durable=False)
    fill(client, "a", "b", queue="fleeting")
    await http("POST", "queues/%2F/fleeting/move", {"queue": "to", "rate": 1, "wait": 0}, 202)
    await begin_anew()
    assert await http("GET", "jobs") == []


async def test_a_job_goes_with_its_virtual_host(http: Http, live: LiveServer, begin_anew: Any):
    await http("PUT", "vhosts/shop", {}, 201)
    for queue in ("q", "to"):
        await http("PUT", f"queues/shop/{queue}", {"durable": True}, 201)
    message = {"routing_key": "q", "payload": "x", "payload_encoding": "string", "properties": {}}
    for _ in range(3):
        await http("POST", "exchanges/shop/amq.default/publish", message)
    await http("POST", "queues/shop/q/move", {"queue": "to", "rate": 1, "wait": 0}, 202)
    assert live.vhosts.delete("shop")
    live.engine.advance(2)
    await begin_anew()
    assert await http("GET", "jobs") == []
    assert live.vhosts.parameters.jobs.values == {}


async def test_it_is_about_the_queue_that_it_began_with(
    http: Http, live: LiveServer, client: Any, begin_anew: Any
):
    number = await slow_move(http, live, client)
    await begin_anew()
    live.vhost.delete_queue(live.vhost.queues["kept"])
    await http("POST", f"jobs/{number}/resume", None, 404)
    client = live.connect()
    client.declare("kept", durable=True)
    fill(client, "x", queue="kept")
    refused = await http("POST", f"jobs/{number}/resume", None, 400)
    assert refused["reason"] == "queue 'kept' is not the one that the job was about"
    assert contents(live, "kept") == ["x"]


async def test_it_goes_on_after_its_virtual_host_was_down(
    http: Http, live: LiveServer, client: Any
):
    number = await slow_move(http, live, client)
    live.engine.run()
    live.vhosts.unload("/")
    live.engine.run()
    live.engine.advance(1)
    stopped = await _ended(http, number)
    assert (stopped["state"], stopped["error"]) == ("stopped", "queue 'kept' is gone")
    live.engine.crash()  # reads it anew, as loading does
    await http("POST", f"jobs/{number}/resume", None, 202)
    for _ in range(8):
        live.engine.advance(1)
        await asyncio.sleep(0)
    assert counts(await _ended(http, number)) == ("done", 6, 6)
    assert contents(live, "other") == list("abcdef")
