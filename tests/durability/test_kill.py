"""kill -9 under load: nothing confirmed is missing, nothing settled returns, order holds."""

import random
from collections.abc import Callable

import pytest

from tests.durability.load import Load
from tests.support.broker import Broker

EVERYDAY_LIVES = 12
MANY_LIVES = 60


def live_and_die(load: Load, chance: random.Random) -> None:
    """One life: load, kill -9 at a random moment, restart, judgement."""
    load.begin()
    load.run_until(confirmed=chance.choice((1, 50, 300, 1000, 2000)))
    load.broker.kill()
    load.end()
    load.broker.start()
    load.judge()
    load.shrink()


def survive(broker: Broker, lives: int, seed: int) -> None:
    """Several lives on one data directory."""
    load = Load(broker, seed)
    load.declare()
    chance = random.Random(seed)
    for _ in range(lives):
        live_and_die(load, chance)
    broker.assert_clean_log()


@pytest.mark.timeout(180)
def test_kill_under_load(broker: Broker):
    survive(broker, EVERYDAY_LIVES, seed=1)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", [2, 3])
def test_many_kills_under_load(start_broker: Callable[..., Broker], seed: int):
    survive(start_broker(), MANY_LIVES, seed)


def test_a_clean_stop_under_load_keeps_the_same_promises(broker: Broker):
    load = Load(broker, 4)
    load.declare()
    load.begin()
    load.run_until(confirmed=300)
    assert broker.stop() == 0, broker.log()
    load.end()
    broker.start()
    load.judge()
