"""Work on the messages of a queue that goes on after its request: what runs, and how far it got.

Here: starting, cancelling, resuming, and what is told of it. What is done is in broker/bulk.py.
Jobs are gone with the broker; what they have done is not, and the same job started again goes on
with what is left.
"""

import asyncio
import logging
from collections.abc import Iterator
from itertools import count
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from broker.bulk import Bulk, Stopped
from broker.clock import wait
from mgmt_ui.errors import ApiError

if TYPE_CHECKING:
    from broker.clock import Clock
    from mgmt_ui.server import Server

logger = logging.getLogger("leveret.http")

RUNNING, DONE, CANCELLED, STOPPED, FAILED = "running", "done", "cancelled", "stopped", "failed"
# So many may run at a time, and so many that have ended are remembered.
MOST_RUNNING, KEPT = 20, 100
# For so many seconds something can be undone, and of so many octets of bodies at a time.
UNDO_SECONDS, UNDO_OCTETS = 600, 64 << 20


class Job:
    """One run over a queue; `about` has what it does, for whom, and to what."""

    def __init__(self, server: "Server", number: int, bulk: Bulk, about: dict[str, Any]) -> None:
        self._server = server
        self.id = str(number)
        self.bulk = bulk
        self.about = about
        self.state = RUNNING
        self.error: str | None = None
        self.started_at = server.clock.now_ms()
        self.ended_at: int | None = None
        self._waiting: set[asyncio.Event] = set()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins, or goes on."""
        self.state, self.error, self.ended_at = RUNNING, None, None
        self._task = asyncio.create_task(self._run())
        self._task.add_done_callback(self._end)

    async def _run(self) -> None:
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
        self.ended_at = self._server.clock.now_ms()
        if self.bulk.undo is not None:
            self._server.clock.call_later(UNDO_SECONDS, self.bulk.undo.forget)
            jobs_of(self._server).limit_undo()
        for each in self._waiting:
            each.set()

    def cancel(self) -> "asyncio.Task[None] | None":
        """What is done stays done; the rest can be resumed. Gives what is still to be awaited."""
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
        progress, undo = self.bulk.progress, self.bulk.undo
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
        self._numbers = count(1)
        self._jobs: dict[str, Job] = {}

    def __iter__(self) -> Iterator[Job]:
        return iter(self._jobs.values())

    def get(self, job_id: str) -> Job | None:
        """None where there is none, or none any more."""
        return self._jobs.get(job_id)

    def start(self, bulk: Bulk, about: dict[str, Any]) -> Job:
        """A new one, which begins at once; ApiError 503 where too many run."""
        self._check_room()
        job = Job(self._server, next(self._numbers), bulk, about)
        self._jobs[job.id] = job
        ended = [each for each in self if each.state != RUNNING]
        for each in ended[: max(0, len(ended) - KEPT)]:
            del self._jobs[each.id]
        job.start()
        return job

    def limit_undo(self) -> None:
        """The oldest that could be undone give way where all keep too much."""
        left = UNDO_OCTETS
        for job in reversed(self._jobs.values()):
            if (undo := job.bulk.undo) is not None:
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
        self._jobs.pop(job.id, None)


_jobs: "WeakKeyDictionary[Server, Jobs]" = WeakKeyDictionary()


def jobs_of(server: "Server") -> Jobs:
    """The jobs of a broker."""
    found = _jobs.get(server)
    if found is None:
        found = _jobs[server] = Jobs(server)
    return found


async def end_all(server: "Server") -> None:
    """The broker stops: what runs is cancelled."""
    tasks = [task for job in _jobs.get(server) or () if (task := job.cancel()) is not None]
    if tasks:
        await asyncio.wait(tasks)
