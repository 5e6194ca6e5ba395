from pathlib import Path

import pytest

from broker import alarms
from broker.alarms import Alarms, Gauge, gauges
from tests.support.clock import VirtualClock


class Told:
    """A connection that counts how often it is told."""

    def __init__(self) -> None:
        self.times = 0

    def alarmed(self) -> None:
        self.times += 1


def watched(*lows):
    """Alarms on a virtual clock; `lows` are resource and what its gauge says."""
    clock, told = VirtualClock(), Told()
    made = Alarms(clock, {told})  # type: ignore[arg-type]
    made.watch([Gauge(resource, low, "limit") for resource, low in lows])
    return made, clock, told


def test_nothing_is_low():
    made, _, told = watched(("disk", lambda: False))
    assert (made.active, told.times) == ((), 0)


def test_what_is_low_at_the_start_is_seen_at_once():
    made, _, told = watched(("disk", lambda: True))
    assert (made.active, told.times) == (("disk",), 1)


def test_measured_every_second():
    low: list[int] = []
    made, clock, _ = watched(("memory", lambda: bool(low)))
    low.append(1)
    clock.advance(0.9)
    assert made.active == ()
    clock.advance(0.1)
    assert made.active == ("memory",)
    low.clear()
    clock.advance(1)
    assert made.active == ()
    assert clock.pending == 1
    made.stop()
    assert clock.pending == 0


def test_connections_are_told_of_the_first_and_the_last_only():
    made, _, told = watched()
    for resource, on, times, reason in (
        ("disk", True, 1, "low on disk"),
        ("disk", True, 1, "low on disk"),
        ("memory", True, 1, "low on memory & disk"),
        ("disk", False, 1, "low on memory"),
        ("memory", False, 2, None),
        ("memory", False, 2, None),
    ):
        made.set(resource, on)
        assert told.times == times
        assert not made.active or made.reason == reason


def test_each_change_is_logged_once(caplog):
    made, clock, _ = watched(("memory", lambda: True))
    clock.advance(5)
    made.set("memory", False)
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    assert caplog.records[0].getMessage() == "low on memory (limit): publishers are held up"


@pytest.mark.parametrize(("limit", "low"), [(0, False), (1 << 62, True)])
def test_disk_space(tmp_path, limit, low):
    (disk,) = (gauge for gauge in gauges(0.6, limit, tmp_path) if gauge.resource == "disk")
    assert disk.low() is low


@pytest.mark.parametrize(("watermark", "low"), [(2.0, True), (1 << 50, False), (0.0, True)])
def test_memory(watermark, low):
    (memory,) = (each for each in gauges(watermark, 0, Path("/")) if each.resource == "memory")
    assert memory.low() is low


def test_freed_memory_does_not_keep_an_alarm_on():
    used = iter((2 << 20, 1 << 20))
    gauge = alarms._Memory(1 << 20)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(alarms, "memory_used", lambda: next(used))
        assert gauge.low() is False


def test_a_share_is_of_the_memory_there_is():
    total = alarms.memory_total()
    assert total is not None
    assert alarms.memory_limit(0.5) == total // 2
    assert alarms.memory_limit(12345) == 12345


def test_a_machine_that_does_not_tell_has_no_memory_alarm(monkeypatch, tmp_path):
    monkeypatch.setattr(alarms, "memory_total", lambda: None)
    assert [gauge.resource for gauge in gauges(0.6, 0, tmp_path)] == ["disk"]


def test_a_container_may_have_less(monkeypatch, tmp_path):
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(alarms, "_CGROUP_LIMITS", (str(limit), str(tmp_path / "missing")))
    limit.write_text("max\n")
    machine = alarms.memory_total()
    limit.write_text("4096\n")
    assert machine is not None
    assert machine > 4096
    assert alarms.memory_total() == 4096


def test_what_an_operator_sets_stays_until_it_is_cleared(caplog):
    low: list[int] = []
    made, clock, told = watched(("memory", lambda: bool(low)))
    made.set_by_hand("memory")
    clock.advance(5)
    assert (made.active, told.times) == (("memory",), 1)
    assert "set by an operator" in caplog.text
    low.append(1)
    made.clear_by_hand("memory")
    assert made.active == ("memory",)  # it is low now, indeed
    low.clear()
    clock.advance(1)
    assert (made.active, made.by_hand, told.times) == ((), frozenset(), 2)


def test_it_needs_no_gauge():
    made, clock, _ = watched()
    made.set_by_hand("disk")
    clock.advance(3)
    assert made.active == ("disk",)
    made.clear_by_hand("disk")
    assert made.active == ()
