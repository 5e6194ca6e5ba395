"""Crashes under load: nothing confirmed is missing, nothing settled returns, order holds.

`scripts/crashtest` does the same for as long as one likes.
"""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.durability import medium, sqlite_layer
from tests.durability.crashtest import CrashTest
from tests.durability.load import Load
from tests.durability.medium import PoweredBroker
from tests.durability.test_disk_trouble import confirmed, drained, publish, queue_of
from tests.support.broker import Broker
from tests.support.eventually import eventually

EVERYDAY, MANY = 5, 20

CrashTests = Callable[..., CrashTest]


@pytest.fixture
def crash_test(tmp_path: Path):
    """Makes the one crash test of a test; its broker is gone afterwards."""
    made: list[CrashTest] = []

    def make(seed: int, **options: object) -> CrashTest:
        if options:
            try:
                sqlite_layer._default_vfs()
            except sqlite_layer.NoLayer as error:
                pytest.skip(str(error))
        made.append(CrashTest(tmp_path, seed, **options))  # type: ignore[arg-type]
        return made[0]

    yield make
    for each in made:
        each.load.abandon()
        if each.broker.process is not None:
            each.broker.kill()


@pytest.mark.timeout(600)
def test_kill_under_load(crash_test: CrashTests):
    crash_test(1).run(EVERYDAY)


@pytest.mark.sqlite
@pytest.mark.timeout(600)
def test_power_cut_under_load(crash_test: CrashTests):
    crash_test(2, power=True).run(EVERYDAY)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_many_kills_under_load(crash_test: CrashTests):
    crash_test(3).run(MANY)


@pytest.mark.sqlite
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_many_power_cuts_under_load(crash_test: CrashTests):
    crash_test(4, power=True).run(MANY)


@pytest.mark.sqlite
@pytest.mark.timeout(600)
@pytest.mark.parametrize("synchronous", ["OFF", "NORMAL"])
def test_a_confirm_without_a_sync_is_found_out(crash_test: CrashTests, synchronous: str):
    lost = r"confirmed and lost|committed and back|NOT_FOUND|neither rejected"
    with pytest.raises(AssertionError, match=lost):
        crash_test(5, power=True, synchronous=synchronous).run(MANY)


def test_a_clean_stop_under_load_keeps_the_same_promises(broker: Broker):
    load = Load(broker, 4)
    load.declare()
    load.begin()
    load.run_until(confirmed=300)
    assert broker.stop() == 0, broker.log()
    load.end()
    broker.start()
    load.judge()


@pytest.mark.sqlite
def test_what_a_failed_sync_lost_is_written_again(crash_test: CrashTests):
    test = crash_test(6, power=True)
    broker = test.broker
    assert isinstance(broker, PoweredBroker)
    broker.start()
    with queue_of(broker.amqp, 10) as client:
        broker.trouble(medium.CANNOT_SYNC)
        publish(client, range(10, 20))
        eventually(lambda: "refuses to write" in broker.log())
        broker.trouble(medium.NOTHING)
        assert confirmed(client, 20) == 20
    broker.cut_power(random.Random(0), share=0.0)
    broker.start()
    assert drained(broker.amqp) == list(range(20))
