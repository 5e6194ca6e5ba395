"""The system's clock and the one that jumps keep the same promises."""

import asyncio
import time
from collections.abc import Callable
from unittest import mock

import pytest

from broker.clock import Clock, DueTimer, SystemClock, pause, wait
from tests.support.clock import VirtualClock


@pytest.mark.parametrize("make", [SystemClock, VirtualClock])
def test_both_are_clocks(make: Callable[[], Clock]) -> None:
    clock = make()
    assert isinstance(clock.monotonic(), float)
    assert isinstance(clock.now_ms(), int)
    assert clock.monotonic() <= clock.monotonic()


class TestSystemClock:
    def test_starts_at_wall_time(self) -> None:
        assert abs(SystemClock().now_ms() - time.time() * 1000) < 1000

    def test_ignores_a_wall_clock_that_is_set_back(self) -> None:
        clock = SystemClock()
        before = clock.now_ms()
        with mock.patch("broker.clock.time.time", return_value=0.0):
            assert before <= clock.now_ms() < before + 1000

    async def test_calls_later_with_arguments(self) -> None:
        called = asyncio.get_running_loop().create_future()
        SystemClock().call_later(0, called.set_result, "done")
        assert await called == "done"

    async def test_cancelled_timer_does_not_run(self) -> None:
        clock = SystemClock()
        ran: list[str] = []
        last = asyncio.Event()
        clock.call_later(0, ran.append, "cancelled").cancel()
        clock.call_later(0.001, last.set)
        await last.wait()
        assert ran == []

    async def test_negative_delay_is_the_next_turn(self) -> None:
        called = asyncio.Event()
        SystemClock().call_later(-5, called.set)
        await called.wait()

    def test_timer_without_a_loop_is_an_error(self) -> None:
        with pytest.raises(RuntimeError):
            SystemClock().call_later(0, print)


class TestVirtualClock:
    def test_time_stands_still_until_advanced(self) -> None:
        clock = VirtualClock(now_ms=5_000)
        assert (clock.now_ms(), clock.monotonic()) == (5_000, 0.0)
        clock.advance(1.5)
        assert (clock.now_ms(), clock.monotonic()) == (6_500, 1.5)

    def test_runs_what_is_due_in_order(self) -> None:
        clock = VirtualClock()
        ran: list[tuple[str, float]] = []

        def note(name: str) -> None:
            ran.append((name, clock.monotonic()))

        clock.call_later(2, note, "second")
        clock.call_later(1, note, "first")
        clock.call_later(2, note, "third")
        clock.call_later(9, note, "not yet")
        clock.advance(3)
        assert ran == [("first", 1.0), ("second", 2.0), ("third", 2.0)]
        assert clock.monotonic() == 3.0
        assert clock.pending == 1

    def test_a_callback_may_set_the_next_timer(self) -> None:
        clock = VirtualClock()
        ticks: list[float] = []

        def tick() -> None:
            ticks.append(clock.monotonic())
            clock.call_later(1, tick)

        clock.call_later(1, tick)
        clock.advance(3)
        assert ticks == [1.0, 2.0, 3.0]

    def test_cancel(self) -> None:
        clock = VirtualClock()
        ran: list[str] = []
        timer = clock.call_later(1, ran.append, "cancelled")
        timer.cancel()
        timer.cancel()
        assert clock.pending == 0
        clock.advance(2)
        assert ran == []

    def test_sums_of_fractions_do_not_miss_the_moment(self) -> None:
        clock = VirtualClock()
        ran: list[str] = []
        clock.call_later(0.3, ran.append, "ran")
        for _ in range(3):
            clock.advance(0.1)
        assert ran == ["ran"]

    def test_errors_reach_the_test(self) -> None:
        clock = VirtualClock()
        clock.call_later(1, lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            clock.advance(1)


class TestWaiting:
    async def test_pause_ends_with_its_time(self) -> None:
        clock = VirtualClock()
        pausing = asyncio.create_task(pause(clock, 2))
        await asyncio.sleep(0)
        clock.advance(1.5)
        await asyncio.sleep(0)
        assert not pausing.done()
        clock.advance(0.5)
        await pausing

    @pytest.mark.parametrize("seconds", [0, -1])
    async def test_no_time_is_no_pause(self, seconds: float) -> None:
        clock = VirtualClock()
        await pause(clock, seconds)
        assert clock.pending == 0

    async def test_an_event_ends_a_wait_before_its_time(self) -> None:
        clock = VirtualClock()
        event = asyncio.Event()
        waiting = asyncio.create_task(wait(clock, event, 2))
        await asyncio.sleep(0)
        event.set()
        await waiting
        assert clock.pending == 0

    async def test_a_cancelled_wait_leaves_no_timer(self) -> None:
        clock = VirtualClock()
        waiting = asyncio.create_task(wait(clock, asyncio.Event(), 2))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert clock.pending == 0


class TestDueTimer:
    def test_is_set_for_the_first(self) -> None:
        clock = VirtualClock(now_ms=0)
        rang: list[int] = []
        timer = DueTimer(clock, lambda: rang.append(clock.now_ms()))
        for due in (3000, 1000, 2000):
            timer.arm(due)
            assert clock.pending == 1
        clock.advance(5)
        assert rang == [1000]

    def test_is_armed_again_by_who_is_called(self) -> None:
        clock = VirtualClock(now_ms=0)
        rang: list[int] = []

        def ring() -> None:
            rang.append(clock.now_ms())
            if len(rang) == 1:
                timer.arm(5000)

        timer = DueTimer(clock, ring)
        timer.arm(1000)
        clock.advance(6)
        assert rang == [1000, 5000]

    def test_cancel(self) -> None:
        clock = VirtualClock(now_ms=0)
        rang: list[int] = []
        timer = DueTimer(clock, lambda: rang.append(clock.now_ms()))
        timer.arm(1000)
        timer.cancel()
        assert clock.pending == 0
        timer.arm(2000)
        clock.advance(5)
        assert rang == [2000]
