"""`python -m tests.bench`: runs the lines on both brokers in turn and prints the report."""

import argparse
import json
import resource
import shlex
import sys
from contextlib import suppress
from pathlib import Path

from tests.bench import measure
from tests.bench.brokers import LEVERET, RABBITMQ, Contestant, contestants
from tests.bench.lines import CONNECTIONS, IDLE, LINES, NAMES, STARTUP, STATES, Line
from tests.bench.machine import facts
from tests.bench.report import Results, markdown
from tests.support.broker import ROOT


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description="Compares Leveret with Debian's RabbitMQ under load."
    )
    add = parser.add_argument
    add("--load", type=Path, default=ROOT / "../shared/load/amqpload.py", help="amqpload.py")
    add("--scenarios", default="all", help=f"comma list of: {', '.join(NAMES)}; default all")
    add("--rounds", type=int, default=3, help="measurements of each, medians are reported")
    add("--seconds", type=float, default=8, help="length of each load")
    add("--messages", type=int, default=1_000_000, help="size of the backlog of publish and drain")
    add("--only", choices=(LEVERET, RABBITMQ), help="one broker alone")
    add("--output", type=Path, help="the markdown goes there; default standard output")
    add("--json", type=Path, help="every single figure, for later")
    chosen = parser.parse_args()
    chosen.scenarios = NAMES if chosen.scenarios == "all" else tuple(chosen.scenarios.split(","))
    if unknown := set(chosen.scenarios) - set(NAMES):
        parser.error(f"no such scenario: {', '.join(sorted(unknown))}")
    if not chosen.load.exists():
        parser.error(f"no amqpload.py at {chosen.load}: say where with --load")
    return chosen


class Bench:
    """One run of the comparison; `results` grows with each measurement."""

    def __init__(self, chosen: argparse.Namespace, brokers: list[Contestant]) -> None:
        self.chosen = chosen
        self.brokers = brokers
        self.results: Results = {}

    def run(self) -> None:
        """Everything that was asked for; all brokers are stopped at the end, come what may."""
        try:
            for number in range(self.chosen.rounds):
                if any(name in self.chosen.scenarios for name in STATES):
                    for broker in self.brokers:
                        self._states(broker)
                self._lines(number)
        finally:
            for broker in self.brokers:
                broker.stop()

    def _states(self, broker: Contestant) -> None:
        # Each broker alone on the machine, freshly started.
        for other in self.brokers:
            other.stop()
        self._note(STARTUP, broker, {"startup_s": round(broker.start(), 3)})
        if IDLE in self.chosen.scenarios:
            self._note(IDLE, broker, measure.idle(broker))
        if CONNECTIONS in self.chosen.scenarios:
            self._note(CONNECTIONS, broker, measure.connections(broker))

    def _lines(self, number: int) -> None:
        # Who goes first changes with the round: the machine's mood must favour nobody.
        order = self.brokers if number % 2 == 0 else self.brokers[::-1]
        for line in LINES:
            if line.name != "drain" and self._wanted(line):
                for broker in order:
                    self._line(line, broker)

    def _wanted(self, line: Line) -> bool:
        chosen: tuple[str, ...] = self.chosen.scenarios
        # A drain needs the backlog that publish leaves.
        return line.name in chosen or (line.name == "publish" and "drain" in chosen)

    def _line(self, line: Line, broker: Contestant) -> None:
        if line.fresh or not broker.alive():
            broker.start()
        self._load(line, broker)
        if line.name == "publish" and "drain" in self.chosen.scenarios:
            self._load(next(line for line in LINES if line.name == "drain"), broker)
        if line.fresh:
            # A broker that has just held a backlog is not the one to measure next.
            broker.stop()

    def _load(self, line: Line, broker: Contestant) -> None:
        chosen = self.chosen
        figures = measure.load(chosen.load, line, broker, chosen.seconds, chosen.messages)
        self._note(line.name, broker, figures)

    def _note(self, name: str, broker: Contestant, figures: dict[str, object]) -> None:
        self.results.setdefault(name, {}).setdefault(broker.name, []).append(figures)
        shown = {key: value for key, value in figures.items() if key not in {"scenario", "size"}}
        print(f"{name:18} {broker.name:9} {json.dumps(shown)}", file=sys.stderr, flush=True)


def main() -> int:
    """Runs; exit code 1 when a measurement failed."""
    chosen = options()
    # 1,000 connections are 1,000 files on each side; the brokers inherit the limit.
    with suppress(ValueError, OSError):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    known = facts(with_rabbitmq=chosen.only != LEVERET)
    bench = Bench(chosen, contestants(chosen.only))
    try:
        bench.run()
    finally:
        command = shlex.join(["scripts/bench", *sys.argv[1:]])
        text = markdown(bench.results, known, command)
        if chosen.output:
            chosen.output.write_text(text)
        else:
            print(text)
        if chosen.json:
            chosen.json.write_text(json.dumps({"facts": known, "results": bench.results}, indent=1))
    runs = [run for brokers in bench.results.values() for runs in brokers.values() for run in runs]
    return 1 if any("errors" in run for run in runs) else 0


if __name__ == "__main__":
    sys.exit(main())
