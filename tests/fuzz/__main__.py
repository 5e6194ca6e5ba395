"""Fuzzing by the hour: `scripts/fuzz`, or `python -m tests.fuzz --minutes 60`.

Rounds of all subjects on living brokers until the time is over.  A round that fails is told of
with its seed, and the next one goes on.  Ends with 1 if any failed, a broker logged an error, or
memory grew; the last lines are the figures.
"""

import argparse
import asyncio
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from random import SystemRandom

from tests.fuzz import memory
from tests.fuzz.driver import attack
from tests.fuzz.handshakes import handshakes
from tests.fuzz.replies import check
from tests.fuzz.test_api import prepare, request_all
from tests.fuzz.test_definitions import import_any
from tests.fuzz.test_streams import run
from tests.support.broker import BAD_LOG, Broker
from tests.support.eventually import eventually
from tests.support.target import Target, path_segment

STREAMS = 1500
HANDSHAKES = 200
DOCUMENTS = 150
REQUESTS = 3
# Rounds after which what is loaded once is there, and what a process keeps has been reached.
WARM = 3
MAY_GROW = 32 * memory.MIB


class Subject:
    """One kind of nonsense, on a broker of its own; `size` octets after each round."""

    def __init__(self, name: str, once: Callable[[Broker, int], int], broker: Broker) -> None:
        self.name = name
        self.broker = broker
        self.examples = 0
        self.failures: list[str] = []
        self.sizes: list[int] = []
        self._once = once

    def round(self, seed: int) -> None:
        """One round, and what it left behind."""
        try:
            self.examples += self._once(self.broker, seed)
        except Exception:
            self.failures.append(f"{self.name}, seed {seed}:\n{traceback.format_exc()}")
            print(self.failures[-1], flush=True)
        self.sizes.append(memory.resident(self.broker.pid))

    def bad_lines(self) -> list[str]:
        """What its broker should not have logged."""
        return [line for line in self.broker.log().splitlines() if BAD_LOG.search(line)]

    def grown(self) -> int:
        """Octets between the first rounds that count and the last ones, by their medians."""
        counted = self.sizes[WARM:] or self.sizes
        first, last = sorted(counted[:5]), sorted(counted[-5:])
        return last[len(last) // 2] - first[len(first) // 2]

    def report(self) -> str:
        """The figures in one line."""
        counted = [size / memory.MIB for size in self.sizes[WARM:] or self.sizes]
        return (
            f"{self.name}: {self.examples} examples in {len(self.sizes)} rounds, "
            f"{len(self.failures)} failed, {len(self.bad_lines())} bad lines in the log, "
            f"{min(counted):.1f} to {max(counted):.1f} MiB, grown {self.grown() / memory.MIB:.1f}"
        )


# -- a round of each ---------------------------------------------------------------------------


def send_streams(broker: Broker, seed: int) -> int:
    """Conversations with something wrong in them."""
    sockets = memory.open_sockets(broker.pid)
    run(broker.amqp, seed * STREAMS, STREAMS)
    eventually(lambda: memory.open_sockets(broker.pid) <= sockets + 5, 15, "all sockets closed")
    return STREAMS


def shake_hands(broker: Broker, seed: int) -> int:
    """Logins of every kind, from many addresses."""
    streams = handshakes(HANDSHAKES, seed)
    for outcome in asyncio.run(attack(broker.amqp, streams, sources=60_000)):
        assert not outcome.stuck, f"not ended: {outcome.stream}"
        check(outcome.received, whole=not outcome.reset)
    return len(streams)


def import_definitions(broker: Broker, seed: int) -> int:
    """Files that are nearly good."""
    target = Target(broker.amqp, broker.http, "leveret")
    target.api("PUT", "vhosts/v", {})
    count = sum(import_any(target, DOCUMENTS, seed).values())
    _clear(target)
    return count


def request_api(broker: Broker, seed: int) -> int:
    """Requests as the broker's own description of its API suggests them."""
    target = Target(broker.amqp, broker.http, "leveret")
    prepare(target)
    count = request_all(target, REQUESTS, seed)[0]
    _clear(target)
    return count


SUBJECTS = {
    "streams": send_streams,
    "handshakes": shake_hands,
    "definitions": import_definitions,
    "api": request_api,
}


def _clear(target: Target) -> None:
    # What piles up because it was asked for is no leak: every round begins with nothing.
    for vhost in target.api("GET", "vhosts")[1]:
        target.api("DELETE", f"vhosts/{path_segment(vhost['name'])}/deletion/protection")
        target.api("DELETE", f"vhosts/{path_segment(vhost['name'])}")
    for user in target.api("GET", "users")[1]:
        if user["name"] != "guest":
            target.api("DELETE", f"users/{path_segment(user['name'])}")
    for parameter in target.api("GET", "global-parameters")[1]:
        target.api("DELETE", f"global-parameters/{path_segment(parameter['name'])}")
    status = target.api("PUT", "vhosts/%2F", {})[0]
    assert status in (201, 204), status


# -- the hour ----------------------------------------------------------------------------------


def fuzz(minutes: float, first: int, names: list[str]) -> bool:
    """Whether all went well."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="leveret-fuzz-")))
        subjects = [
            Subject(name, SUBJECTS[name], Broker(directory / name).start()) for name in names
        ]
        for subject in subjects:
            stack.callback(subject.broker.stop)
        began, seed = time.monotonic(), first
        while time.monotonic() - began < minutes * 60:
            for subject in subjects:
                subject.round(seed)
                print(f"seed {seed}: {subject.report()}", flush=True)
            seed += 1
        print(f"{(time.monotonic() - began) / 60:.0f} minutes, seeds {first} to {seed - 1}")
        for subject in subjects:
            print(subject.report())
            print(*subject.bad_lines(), sep="\n", end="")
        return not any(
            subject.failures or subject.bad_lines() or subject.grown() > MAY_GROW
            for subject in subjects
        )


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="scripts/fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=None, help="of the first round")
    parser.add_argument("--only", choices=SUBJECTS, action="append", help="may be repeated")
    options = parser.parse_args()
    seed = SystemRandom().randrange(1 << 20) if options.seed is None else options.seed
    return 0 if fuzz(options.minutes, seed, options.only or list(SUBJECTS)) else 1


if __name__ == "__main__":
    sys.exit(main())
