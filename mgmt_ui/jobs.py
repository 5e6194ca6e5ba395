"""Work on the messages of a queue that goes on after its request: what runs, and how far it got.

Here: starting, cancelling, resuming, what is told of it, and what is kept of it over a restart.
What is done is in broker/bulk.py. A job that the end of the broker has cut short can be resumed.
"""

import asyncio
import logging
from collections.abc import Iterator
from itertools import count
from operator import itemgetter
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from broker.bulk import Bulk, Progress, Stopped
from broker.clock import wait
from broker.undo import Undo
from mgmt_ui.errors import ApiError

if TYPE_CHECKING:
    from broker.clock import Clock
    from mgmt_ui.server import Server

logger = logging.getLogger("leveret.http")

RUNNING, DONE, CANCELLED, STOPPED, FAILED = "running", "done", "cancelled", "stopped", "failed"
CUT_SHORT = "the broker was stopped"
# What is kept of how far it got; the reasons for which others stayed are found once more.
COUNTED = ("total", "scanned", "matched", "done")
# So many may run at a time, and so many that have ended are remembered.
MOST_RUNNING, KEPT = 20, 100
# For so many seconds something can be undone, and of so many octets of bodies at a time.
UNDO_SECONDS, UNDO_OCTETS = 600, 64 << 20


class Job:
    """One run over a queue; `about` has what it does, for whom, and to what.

    `body` is what was asked for, where it is to be kept over a restart; `bulk` is None for one of
    before the last start until it is resumed.
    """

    def __init__(
        self,
        server: "Server",
        number: str,
        bulk: Bulk | None,
        about: dict[str, Any],
        body: dict[str, Any] | None = None,
    ) -> None:
        self._server = server
        self.id = number
        self.bulk = bulk
        self.about = about
        self.body = body
        self.state = RUNNING
        self.error: str | None = None
        self.started_at = server.clock.now_ms()
        self.ended_at: int | None = None
        self.end = None if bulk is None else bulk.end
        self.queue_id = None if bulk is None else bulk.queue.id
        self._past = Progress()
        self._cut_short = False
        self._waiting: set[asyncio.Event] = set()
        self._task: asyncio.Task[None] | None = None

    @classmethod
    def restored(cls, server: "Server", number: str, kept: dict[str, Any]) -> "Job":
        """As `_keep` has left it before the last start."""
        job = cls(server, number, None, kept["about"], kept["body"])
        job.state, job.error = kept["state"], kept["error"]
        job.end, job.queue_id = kept["end"], kept["queue_id"]
        job.started_at, job.ended_at = kept["started_at"], kept["ended_at"]
        job._past = Progress(**kept["progress"])
        if job.state == RUNNING:
            job.state, job.error = CANCELLED, CUT_SHORT
        return job

    @property
    def progress(self) -> Progress:
        """How far it got."""
        return self._past if self.bulk is None else self.bulk.progress

    @property
    def undo(self) -> Undo | None:
        """What it takes to go back, where that is kept."""
        return None if self.bulk is None else self.bulk.undo

    @property
    def severed(self) -> bool:
        """Whether its queue is there no more as the object that it was: the broker was started, or
        its virtual host, and so it takes `revive` to go on."""
        return self.bulk is None or (self.body is not None and self.bulk.queue.deleted)

    def revive(self, bulk: Bulk) -> None:
        """Goes on with another run; what was left by the one before is looked at once more."""
        bulk.progress = Progress(total=self.progress.total, done=self.progress.done)
        self.bulk = bulk

    def start(self) -> None:
        """Begins, or goes on."""
        self.state, self.error, self.ended_at = RUNNING, None, None
        self._keep()
        self._task = asyncio.create_task(self._run())
        self._task.add_done_callback(self._end)

    def _keep(self) -> None:
        # With the next commit, as what it does.
        vhosts, vhost = self._server.vhosts, self.about["vhost"]
        if self.body is None or vhosts.get(vhost) is None:
            return
        if self.state in (DONE, FAILED):
            vhosts.parameters.jobs.delete(vhost, self.id)
            return
        progress = self.progress
        kept = {
            "about": self.about,
            "body": self.body,
            "state": self.state,
            "error": self.error,
            "end": self.end,
            "queue_id": self.queue_id,
            "started_at": self.started_at,
            "ended_at": self.ended_at,
            "progress": {name: getattr(progress, name) for name in COUNTED},
        }
        vhosts.parameters.jobs.set(vhost, self.id, kept)

    def forget(self) -> None:
        """It is not kept any more."""
        self._server.vhosts.parameters.jobs.delete(self.about["vhost"], self.id)

    async def _run(self) -> None:
        assert self.bulk is not None  # who starts has made sure
        try:
            await self.bulk.run()
            self.state = DONE
        except Stopped as stop:
            self.state, self.error = STOPPED, str(stop)
        except Exception:
            logger.exception("job %s: internal error", self.id)
            self.state, self.error = FAILED, "internal error; the broker's log says more"

    def _end(self, task: "asyncio.Task[None]") -> None:
        if task.cancelled():
            self.state = CANCELLED
            self.error = CUT_SHORT if self._cut_short else None
        self.ended_at = self._server.clock.now_ms()
        self._keep()
        if self.undo is not None:
            self._server.clock.call_later(UNDO_SECONDS, self.undo.forget)
            jobs_of(self._server).limit_undo()
        for each in self._waiting:
            each.set()

    def cancel(self, *, cut_short: bool = False) -> "asyncio.Task[None] | None":
        """What is done stays done; the rest can be resumed. Gives what is still to be awaited.

        `cut_short`: it is the broker that ends.
        """
        self._cut_short = cut_short
        if self.state == RUNNING and self._task is not None:
            self._task.cancel()
            return self._task
        return None

    async def wait(self, clock: "Clock", seconds: float) -> None:
        """Returns when it has ended, or after so long."""
        if self.state != RUNNING:
            return
        over = asyncio.Event()
        self._waiting.add(over)
        try:
            await wait(clock, over, seconds)
        finally:
            self._waiting.discard(over)

    def describe(self) -> dict[str, Any]:
        """The job object; times are clock milliseconds."""
        progress, undo = self.progress, self.undo
        return {
            "id": self.id,
            **self.about,
            "state": self.state,
            "error": self.error,
            "total": progress.total,
            "scanned": progress.scanned,
            "matched": progress.matched,
            "done": progress.done,
            "skipped": {reason: number for reason, number in progress.skipped.items() if number},
            "undoable": 0 if undo is None else undo.count,
            "started_at": self.started_at,
            "ended_at": self.ended_at,
        }


class Jobs:
    """Those of one broker, the oldest first."""

    def __init__(self, server: "Server") -> None:
        self._server = server
        kept = server.vhosts.parameters.jobs.values.values()
        found = [(int(number), value) for jobs in kept for number, value in jobs.items()]
        found.sort(key=itemgetter(0))
        self._numbers = count(found[-1][0] + 1 if found else 1)
        self._jobs = {str(number): Job.restored(server, str(number), job) for number, job in found}

    def __iter__(self) -> Iterator[Job]:
        return iter(self._jobs.values())

    def get(self, job_id: str) -> Job | None:
        """None where there is none, or none any more."""
        return self._jobs.get(job_id)

    def start(self, bulk: Bulk, about: dict[str, Any], body: dict[str, Any] | None) -> Job:
        """A new one, which begins at once; ApiError 503 where too many run."""
        self._check_room()
        job = Job(self._server, str(next(self._numbers)), bulk, about, body)
        self._jobs[job.id] = job
        ended = [each for each in self if each.state != RUNNING]
        for each in ended[: max(0, len(ended) - KEPT)]:
            self.remove(each)
        job.start()
        return job

    def limit_undo(self) -> None:
        """The oldest that could be undone give way where all keep too much."""
        left = UNDO_OCTETS
        for job in reversed(self._jobs.values()):
            if (undo := job.undo) is not None:
                left -= undo.octets
                if left < 0:
                    undo.forget()

    def resume(self, job: Job) -> None:
        """One that was cancelled or stopped goes on; ApiError 503 where too many run."""
        self._check_room()
        job.start()

    def _check_room(self) -> None:
        if sum(each.state == RUNNING for each in self) >= MOST_RUNNING:
            raise ApiError(503, "service_unavailable", f"{MOST_RUNNING} jobs are running already")

    def remove(self, job: Job) -> None:
        """One that has ended is forgotten."""
        if self._jobs.pop(job.id, None) is not None:
            job.forget()


_jobs: "WeakKeyDictionary[Server, Jobs]" = WeakKeyDictionary()


def jobs_of(server: "Server") -> Jobs:
    """The jobs of a broker."""
    found = _jobs.get(server)
    if found is None:
        found = _jobs[server] = Jobs(server)
    return found


async def end_all(server: "Server") -> None:
    """The broker stops: what runs is cancelled."""
    cut = [job.cancel(cut_short=True) for job in _jobs.get(server) or ()]
    tasks = [task for task in cut if task is not None]
    if tasks:
        await asyncio.wait(tasks)
