"""Deleting, moving and redriving messages, and the jobs that do it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from broker.bulk import Bulk, Nowhere, Permits, ToExchange, ToQueue, Way, asked_of
from broker.message_filter import Filter
from broker.redrive import BackToExchange, BackToQueue
from broker.undo import Undo
from mgmt_ui import message_filters
from mgmt_ui.answer import DONE, Answer
from mgmt_ui.api.browsing import readable
from mgmt_ui.auth import Tag, has_tag
from mgmt_ui.call import Call, exchange_name
from mgmt_ui.errors import bad_request, not_authorised, not_found
from mgmt_ui.jobs import CANCELLED, RUNNING, STOPPED, Job, jobs_of
from mgmt_ui.payload import Payload
from vhosts import errors

if TYPE_CHECKING:
    from broker.queue import Queue

LONGEST_WAIT = 60
WAIT = 5
FASTEST = 1_000_000
# What of a request says what is to be done.
ASKED = ("filter", "rate", "queue", "exchange", "routing_key", "to", "undo")
BACK = {"queue": BackToQueue, "exchange": BackToExchange}


async def delete_messages(call: Call) -> Answer:
    """POST /queues/:vhost/:name/delete-messages: those that a filter fits, as by a purge.

    With `dry_run` they are only counted; with `undo` they are kept for a while, to be put back.
    Answers with the job: 200 when it ended within `wait` seconds, else 202.
    """
    return await _begin(call, "delete")


async def move(call: Call) -> Answer:
    """POST /queues/:vhost/:name/move: to `queue`, or by way of `exchange` and `routing_key`.

    To a queue they go as they are, to their own as to the end of it; by way of an exchange with
    the routing key they had unless another is given. Answers as delete-messages.
    """
    return await _begin(call, "move")


async def redrive(call: Call) -> Answer:
    """POST /queues/:vhost/:name/redrive: dead letters go back to where they died last.

    To that `queue` or, with `to`, by way of the `exchange` and routing key they had come there
    with; `rate` is messages a second. Answers as delete-messages.
    """
    return await _begin(call, "redrive")


def _source(call: Call) -> "Queue":
    queue = readable(call)
    if queue.settings.queue_type == "stream":
        text = errors.queue_text(queue.name, queue.vhost.name)
        raise errors.not_for_streams("taking out messages", text)
    return queue


def _way(call: Call, body: Payload) -> tuple[Way, dict[str, str]]:
    if ("queue" in body) == ("exchange" in body):
        raise bad_request("say where to: either queue or exchange")
    if "queue" in body:
        name = body.string("queue")
        call.authorise("write", "queue", name)
        return ToQueue(call.vhost.queue(name)), {"to_queue": name}
    name = exchange_name(body.string("exchange"))
    key = body.short("routing_key") if "routing_key" in body else None
    call.authorise("write", "exchange", name)
    exchange = call.vhost.exchange(name)
    if exchange.internal:
        raise errors.internal_exchange(name, call.vhost.name)
    if key is not None and (topic := asked_of(call.vhost, name, key)[2]) is not None:
        call.authorise.topic("write", name, topic)
    about = {"to_exchange": name} | ({} if key is None else {"routing_key": key})
    return ToExchange(call.vhost, name, key, Permits(call.authorise)), about


def _back(call: Call, body: Payload, source: "Queue") -> tuple[Way, dict[str, str]]:
    to = body.string("to", "queue")
    if to not in BACK:
        raise bad_request(f"unknown place to go back to: {to}; there are queue and exchange")
    return BACK[to](call.vhost, source, Permits(call.authorise)), {"to": to}


def _planned(call: Call, kind: str, body: Payload) -> tuple["Queue", Way, dict[str, str]]:
    """The queue that the path names, where its messages go, and what is told of that."""
    source = _source(call)
    if kind == "move":
        return source, *_way(call, body)
    if kind == "redrive":
        return source, *_back(call, body, source)
    return source, Nowhere(), {}


async def _begin(call: Call, kind: str) -> Answer:
    body = await call.body()
    source, way, target = _planned(call, kind, body)
    # Who deletes must say what, be it everything.
    wanted = message_filters.parse(body, required=kind == "delete")
    dry, rate = body.boolean("dry_run"), _rate(body)
    call.only_looked = dry
    wait = body.integer("wait", WAIT)
    if not 0 <= wait <= LONGEST_WAIT:
        raise bad_request(f"wait is from 0 to {LONGEST_WAIT}")
    source.catch_up()
    clock = call.server.clock
    kept = _undo(source, way) if body.boolean("undo") and not dry else None
    bulk = Bulk(source, wanted, way, clock, rate=rate, dry=dry, undo=kept)
    about = {
        "kind": kind,
        "vhost": call.vhost.name,
        "queue": source.name,
        "user": call.user.name,
        "dry_run": dry,
        "rate": rate,
        **target,
    }
    asked = {name: body.get(name) for name in ASKED if name in body}
    lasting = source.durable and not dry
    job = jobs_of(call.server).start(bulk, about, asked if lasting else None)
    if wait:
        await job.wait(clock, wait)
    if job.state != RUNNING and not dry:
        await call.stored()
    return Answer(job.describe(), 202 if job.state == RUNNING else 200)


def _revive(call: Call, job: Job) -> None:
    # By the permissions of whoever resumes it.
    assert job.body is not None  # only these outlive the broker
    call.path = {**call.path, "vhost": job.about["vhost"], "name": job.about["queue"]}
    body = Payload(job.body)
    source, way, _ = _planned(call, job.about["kind"], body)
    if source.id != job.queue_id:
        raise bad_request(f"queue '{source.name}' is not the one that the job was about")
    source.catch_up()
    wanted = message_filters.parse(body)
    kept = _undo(source, way) if body.boolean("undo") else None
    clock, rate = call.server.clock, _rate(body)
    job.revive(Bulk(source, wanted, way, clock, rate=rate, undo=kept, end=job.end))


def _undo(source: "Queue", way: Way) -> Undo | None:
    if isinstance(way, Nowhere):
        return Undo(source)
    if isinstance(way, ToQueue) and way.target is not source:
        taken_back = way.target.settings.queue_type != "stream"
        return Undo(source, way.target) if taken_back else None
    return None


def _rate(body: Payload) -> float | None:
    if body.get("rate") is None:
        return None
    rate = body.number("rate")
    if not 0 < rate <= FASTEST:
        raise bad_request(f"rate is messages a second, above 0 and up to {FASTEST}")
    return float(rate)


def index(call: Call) -> Sequence[dict[str, Any]]:
    """GET /jobs: what runs and what has ended in virtual hosts that the user may enter."""
    return [job.describe() for job in jobs_of(call.server) if call.may_enter(job.about["vhost"])]


def show(call: Call) -> dict[str, Any]:
    """GET /jobs/:id: how far it got."""
    return _find(call, call.path["id"]).describe()


async def cancel(call: Call) -> Answer:
    """DELETE /jobs/:id: one that runs is cancelled and stays as it is, another is forgotten."""
    job = _own(call, call.path["id"])
    call.only_looked = job.about["dry_run"]
    if job.cancel() is None:
        jobs_of(call.server).remove(job)
    else:
        await job.wait(call.server.clock, WAIT)
    await call.stored()
    return DONE


def resume(call: Call) -> Answer:
    """POST /jobs/:id/resume: one that was cancelled or stopped goes on where it was."""
    job = _own(call, call.path["id"])
    if job.state not in (CANCELLED, STOPPED):
        raise bad_request(f"the job is {job.state}")
    if job.severed:
        _revive(call, job)
    jobs_of(call.server).resume(job)
    return Answer(job.describe(), 202)


async def undo(call: Call) -> dict[str, int]:
    """POST /queues/:vhost/:name/undo: what a `job` deleted or moved comes back to the end.

    What others have taken meanwhile does not. ApiError 400 where nothing (more) is kept.
    """
    body = await call.body()
    source = readable(call)
    job = _own(call, body.string("job"))
    kept = job.undo
    if job.state == RUNNING or kept is None or not kept.count or kept.source is not source:
        raise bad_request("there is nothing (any more) to be put back")
    call.authorise("write", "queue", source.name)
    if kept.target is None:
        restored = await kept.restore(call.server.clock)
    else:
        call.authorise("read", "queue", kept.target.name)
        wanted = Filter(positions=frozenset(kept.positions))
        kept.forget()
        back = Bulk(kept.target, wanted, ToQueue(source), call.server.clock)
        await back.run()
        restored = back.progress.done
    await call.stored()
    return {"restored": restored}


def _find(call: Call, number: str) -> Job:
    job = jobs_of(call.server).get(number)
    if job is None or not call.may_enter(job.about["vhost"]):
        raise not_found()
    return job


def _own(call: Call, number: str) -> Job:
    job = _find(call, number)
    if job.about["user"] != call.user.name and not has_tag(call.user, Tag.ADMINISTRATOR):
        raise not_authorised("User not authorised to access object")
    return job
