"""Crash after crash on one directory, each followed by a judgement: `scripts/crashtest`.

Here: the rounds, by kill -9 or by cutting the power, and what is said of them.  Not here: what
the clients do (load.py) and how a queue is judged (ledger.py).
"""

import argparse
import random
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.durability import medium
from tests.durability.load import Load
from tests.durability.medium import PoweredBroker
from tests.support.broker import Broker

# So many confirms in the busiest queue, then the end.
CONFIRMS = (1, 50, 300, 1000, 2000)


class CrashTest:
    """Rounds of load, crash, restart and judgement.

    With `power` what was not synced is lost with the crash, in part or all of it; `synchronous`
    takes the place of SQLite's setting, to show that the test can fail.
    """

    def __init__(
        self, directory: Path, seed: int, *, power: bool = False, synchronous: str | None = None
    ) -> None:
        self.chance = random.Random(seed)
        self.power = power
        self.broker: Broker = (PoweredBroker if power else Broker)(directory)
        if synchronous is not None:
            self.broker.environment[medium.SYNCHRONOUS] = synchronous
        self.load = Load(self.broker, seed)
        self.aborted_starts = 0

    def run(self, rounds: int, tell: Callable[[str], object] = lambda _: None) -> None:
        """Raises AssertionError or RuntimeError where a promise is broken."""
        self.broker.start()
        self.load.declare()
        for number in range(1, rounds + 1):
            tell(f"round {number}: {self.round()}")
        assert self.broker.stop() == 0, self.broker.log()
        self.broker.assert_clean_log()

    def round(self) -> str:
        """One round; returns what there was to judge."""
        load = self.load
        load.begin()
        load.run_until(confirmed=self.chance.choice(CONFIRMS))
        self.crash()
        load.end()
        if self.chance.random() < 0.2:
            self.crash_while_starting()
        self.broker.start(timeout=30)
        summary = load.summary()
        load.judge()
        load.shrink()
        return summary

    def crash(self) -> None:
        """The broker ends at once, and with `power` so does the machine."""
        if isinstance(self.broker, PoweredBroker):
            self.broker.cut_power(self.chance)
        else:
            self.broker.kill()

    def crash_while_starting(self) -> None:
        """Another crash, at any moment of the recovery from the first one."""
        try:
            self.broker.start(timeout=self.chance.uniform(0.1, 0.8))
        except AssertionError:
            self.aborted_starts += 1  # it was killed where it stood
        else:
            self.crash()


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; 0 if every promise was kept."""
    parser = argparse.ArgumentParser(prog="crashtest", description=__doc__)
    parser.add_argument("--rounds", type=int, default=200, help="How many crashes (200).")
    parser.add_argument("--seed", type=int, help="Which ones; printed if not given.")
    parser.add_argument("--power", action="store_true", help="Lose what was not synced, too.")
    parser.add_argument("--synchronous", help="SQLite's setting, to see the test fail: OFF.")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    options = parser.parse_args(arguments)
    if options.power and options.database != "sqlite":
        parser.error("the power is cut under SQLite's files only")
    if options.database == "postgresql":
        from tests.support.postgres import PostgreSQL  # the others need no driver of it

        with PostgreSQL() as server:
            Broker.new_database = server.new_database
            return _crash(options)
    return _crash(options)


def _crash(options: argparse.Namespace) -> int:
    seed = random.SystemRandom().randrange(10**6) if options.seed is None else options.seed
    print(f"crashtest: {options.rounds} rounds, seed {seed}", flush=True)
    directory = Path(tempfile.mkdtemp(prefix="leveret-crashtest-"))
    test = CrashTest(directory, seed, power=options.power, synchronous=options.synchronous)
    try:
        test.run(options.rounds, lambda line: print(line, flush=True))
    except (AssertionError, RuntimeError) as failure:
        print(f"crashtest: FAILED with seed {seed}: {failure}\nsee {directory}", flush=True)
        return 1
    finally:
        if test.broker.process is not None:
            test.broker.kill()
    shutil.rmtree(directory)
    print(f"crashtest: every promise was kept; {test.load.totals()}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
