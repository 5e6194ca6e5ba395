"""Work in steps (persistence/steps.py), done while the broker serves others.

Here: a few milliseconds in each turn of the loop, the database asked in other threads.  Not here:
what the steps are.

Reading has a thread and a connection of its own, so that who waits for messages that are on the
disk does not wait for a whole virtual host.  Changes, of which there are few, are the writer's.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine

from broker.clock import Clock
from broker.yielding import Breather, next_turn
from persistence import malformed
from persistence.commit import GroupCommit
from persistence.engine import only_for_reading
from persistence.steps import Ask, Steps

T = TypeVar("T")

# Seconds of work in one turn: who waits for a confirm waits for some turns.
BUDGET = 0.001


class Loader:
    """Drives steps beside all else; ends with `close`."""

    def __init__(self, engine: Engine, commit: GroupCommit, clock: Clock) -> None:
        self._engine = engine
        self._commit = commit
        self._clock = clock
        self._threads = ThreadPoolExecutor(1, "leveret-loader")
        # The thread's.
        self._connection: Connection | None = None

    async def run(self, steps: Steps[T]) -> T:
        """All of the work; its result, or what it raises."""
        breather = Breather(self._clock, BUDGET)
        try:
            bit = next(steps)
            while True:
                answer = None
                if bit is None:
                    await breather.breathe()
                elif isinstance(bit, Ask):
                    try:
                        answer = await self._answer(bit)
                    except Exception as error:
                        bit = steps.throw(error)
                        continue
                else:
                    await next_turn()
                bit = steps.send(answer)
        except StopIteration as end:
            result: T = end.value
            return result
        finally:
            steps.close()

    async def _answer(self, ask: Ask) -> Any:
        try:
            return await (self._change(ask.job) if ask.writes else self._read(ask.job))
        except Exception as error:
            if malformed.is_malformed(error):
                self._commit.note_malformed()
            raise

    async def _read(self, job: Callable[[Connection], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._reading, job)

    async def _change(self, job: Callable[[Connection], Any]) -> Any:
        answered: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        failed: list[Exception] = []

        def attempt(connection: Connection) -> tuple[Any]:
            try:
                with connection.begin():
                    return (job(connection),)
            except Exception as error:
                failed.append(error)
                raise

        def answer(result: tuple[Any] | None) -> None:
            if answered.done():
                return
            if result is None:
                answered.set_exception(failed[0] if failed else OSError("the database refuses"))
            else:
                answered.set_result(result[0])

        self._commit.maintain(attempt, answer)
        return await answered

    def close(self) -> None:
        """Lets go of the database, once the thread has done what it does now."""
        self._threads.submit(self._let_go)
        self._threads.shutdown(wait=False)

    # -- the thread ----------------------------------------------------------------------

    def _reading(self, job: Callable[[Connection], Any]) -> Any:
        if self._connection is None:
            self._connection = self._engine.connect()
            only_for_reading(self._connection)
        try:
            return job(self._connection)
        finally:
            # A snapshot that is kept would keep the write-ahead log from shrinking.
            with suppress(Exception):
                self._connection.rollback()

    def _let_go(self) -> None:
        if self._connection is not None:
            with suppress(Exception):
                self._connection.close()
