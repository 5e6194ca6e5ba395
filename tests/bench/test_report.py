from tests.bench.lines import LINES, NAMES, Figures, arguments
from tests.bench.report import Results, markdown, medians

RABBITMQ = {"consume_per_s": 100_000, "cpu_us_per_message": 15.0, "rss_peak_mib": 170.4}


def row(text: str, name: str) -> list[str]:
    """The cells of a line of the report."""
    found = next(line for line in text.splitlines() if line.startswith(f"| {name} |"))
    return [cell.strip() for cell in found.strip("|").split("|")]


def test_the_median_leaves_out_failed_rounds():
    rounds: list[Figures] = [
        {"a": 1, "p": None},
        {"a": 5},
        {"a": 3, "s": "text"},
        {"a": 99, "errors": ["x"]},
    ]
    assert medians(rounds) == {"a": 3}


def test_a_line_that_reaches_what_is_asked():
    leveret = {"consume_per_s": 300_000, "cpu_us_per_message": 3.25, "rss_peak_mib": 30.2}
    text = markdown({"autoack": {"rabbitmq": [RABBITMQ], "leveret": [leveret]}}, {}, "bench")
    assert row(text, "autoack") == [
        *("autoack", "100,000", "300,000", "3.00", "15.00", "3.25"),
        *("-", "-", "170", "30", "2.5x, 4 us", "yes"),
    ]


def test_a_line_that_misses_says_what():
    leveret = {"consume_per_s": 200_000, "cpu_us_per_message": 5.0}
    text = markdown({"autoack": {"rabbitmq": [RABBITMQ], "leveret": [leveret]}}, {}, "bench")
    assert row(text, "autoack")[-1] == "no: ratio, CPU"


def test_latency_is_compared_at_both_percentiles():
    results: Results = {
        "latency": {
            "rabbitmq": [{"p50_us": 170, "p99_us": 1500, "consume_per_s": 2000}],
            "leveret": [{"p50_us": 90, "p99_us": 1600, "consume_per_s": 2000}],
        }
    }
    assert row(markdown(results, {}, "bench"), "latency")[-1] == "no: p99"


def test_one_broker_alone_is_not_judged_by_a_ratio():
    text = markdown({"autoack": {"rabbitmq": [RABBITMQ]}}, {}, "bench")
    assert row(text, "autoack")[-1] == "-"


def test_memory_and_start_up_have_their_own_table():
    results: Results = {
        "start-up": {"leveret": [{"startup_s": 0.5}], "rabbitmq": [{"startup_s": 5.5}]},
        "publish": {"leveret": [{"bytes_per_message": 700, "publish_per_s": 1}], "rabbitmq": []},
    }
    text = markdown(results, {}, "bench")
    assert row(text, "seconds from start to ready")[1:] == ["5.50", "0.50", "<= 0.7", "yes"]
    assert row(text, "bytes per queued message of 100 bytes")[-1].startswith("no")


def test_failed_rounds_are_listed():
    text = markdown({"autoack": {"leveret": [{"errors": ["it broke"]}]}}, {}, "bench")
    assert "- autoack, leveret, round 1: it broke" in text


def test_every_line_has_arguments_and_a_name_of_its_own():
    assert len(set(NAMES)) == len(NAMES)
    for line in LINES:
        assert "--scenario" in arguments(line, 8, 1000)
