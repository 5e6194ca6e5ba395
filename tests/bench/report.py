"""Medians of the rounds, and the markdown that goes into docs/performance.md."""

import statistics
from collections.abc import Iterable

from tests.bench.brokers import LEVERET, RABBITMQ
from tests.bench.lines import GOALS, LINES, Figures, Line

Results = dict[str, dict[str, list[Figures]]]
"""Line name -> broker name -> the figures of each round."""

NOTHING = "-"
LOAD_HEAD = (
    "scenario",
    "RabbitMQ msg/s",
    "Leveret msg/s",
    "ratio",
    "RabbitMQ CPU us/msg",
    "Leveret CPU us/msg",
    "RabbitMQ p50 / p99 us",
    "Leveret p50 / p99 us",
    "RabbitMQ RSS MiB",
    "Leveret RSS MiB",
    "asked",
    "reached",
)
STATE_HEAD = ("figure", "RabbitMQ", "Leveret", "asked", "reached")
STATE_LABELS = {
    "startup_s": "seconds from start to ready",
    "idle_mib": "MiB resident, idle",
    "connections_mib": "MiB resident, 1,000 idle connections",
    "bytes_per_message": "bytes per queued message of 100 bytes",
}


def medians(rounds: Iterable[Figures]) -> Figures:
    """The median of every number that the error-free rounds have."""
    good = [figures for figures in rounds if not figures.get("errors")]
    names = {name for figures in good for name, value in figures.items() if _number(value)}
    return {
        name: statistics.median([f[name] for f in good if _number(f.get(name))]) for name in names
    }


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def markdown(results: Results, facts: dict[str, str], command: str) -> str:
    """The whole fragment: facts, the table under load, the table without, errors."""
    parts = [
        f"`{command}`",
        "\n".join(f"- {label}: {value}" for label, value in facts.items()),
        _table(LOAD_HEAD, [_load_row(line, results) for line in LINES if line.name in results]),
        _table(STATE_HEAD, _state_rows(results)),
        _errors(results),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(head: tuple[str, ...], rows: list[list[str]]) -> str:
    if not rows:
        return ""
    rule = ["---"] + ["---:"] * (len(head) - 1)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in ([*head], rule, *rows))


def _pair(results: Results, name: str) -> tuple[Figures, Figures]:
    of_line = results.get(name, {})
    return medians(of_line.get(RABBITMQ, [])), medians(of_line.get(LEVERET, []))


def _load_row(line: Line, results: Results) -> list[str]:
    rabbitmq, leveret = _pair(results, line.name)
    ratio = _quotient(leveret.get(line.rate), rabbitmq.get(line.rate))
    pair = (rabbitmq, leveret)
    return [
        line.name,
        *(_rate(f.get(line.rate)) for f in pair),
        NOTHING if ratio is None else f"{ratio:.2f}",
        *(_cell(f.get("cpu_us_per_message"), 2) for f in pair),
        *(_latency(f) for f in pair),
        *(_cell(f.get("rss_peak_mib"), 0) for f in pair),
        _asked(line),
        _verdict(_misses(line, rabbitmq, leveret, ratio)),
    ]


def _state_rows(results: Results) -> list[list[str]]:
    merged: tuple[Figures, Figures] = ({}, {})
    for name in results:
        for side, figures in zip(merged, _pair(results, name), strict=True):
            side.update({key: figures[key] for key in GOALS if key in figures})
    return [
        [
            STATE_LABELS[key],
            *(_cell(side.get(key), 2 if key == "startup_s" else 0) for side in merged),
            f"<= {goal:g}",
            _verdict(None if key not in merged[1] else [key] if merged[1][key] > goal else []),
        ]
        for key, goal in GOALS.items()
        if any(key in side for side in merged)
    ]


def _misses(
    line: Line, rabbitmq: Figures, leveret: Figures, ratio: float | None
) -> list[str] | None:
    """What was asked and not reached; None where it cannot be told."""
    missed = []
    if not leveret or (not rabbitmq and (line.ratio or line.latency)):
        return None
    if line.ratio is not None and (ratio is None or ratio < line.ratio):
        missed.append("ratio")
    if line.cpu is not None and leveret.get("cpu_us_per_message", line.cpu + 1) > line.cpu:
        missed.append("CPU")
    if line.latency:
        keys = ("p50_us", "p99_us")
        missed += [k[:3] for k in keys if leveret.get(k, 1e9) >= rabbitmq.get(k, 0)]
    return missed


def _verdict(missed: list[str] | None) -> str:
    if missed is None:
        return NOTHING
    return "no: " + ", ".join(missed) if missed else "yes"


def _asked(line: Line) -> str:
    asked = []
    if line.ratio is not None:
        asked.append(f"{line.ratio:g}x")
    if line.cpu is not None:
        asked.append(f"{line.cpu:g} us")
    if line.latency:
        asked.append("below")
    return ", ".join(asked) or NOTHING


def _quotient(upper: float | None, lower: float | None) -> float | None:
    return upper / lower if upper and lower else None


def _rate(value: float | None) -> str:
    return NOTHING if value is None else f"{value:,.0f}"


def _cell(value: float | None, digits: int) -> str:
    return NOTHING if value is None else f"{value:,.{digits}f}"


def _latency(figures: Figures) -> str:
    if "p50_us" not in figures:
        return NOTHING
    return f"{figures['p50_us']:,.0f} / {figures.get('p99_us', 0):,.0f}"


def _errors(results: Results) -> str:
    found = [
        f"- {name}, {broker}, round {number}: {error}"
        for name, brokers in results.items()
        for broker, rounds in brokers.items()
        for number, figures in enumerate(rounds, 1)
        for error in figures.get("errors", [])
    ]
    return "\n".join(["Failed rounds, left out of the medians:", "", *found]) if found else ""
