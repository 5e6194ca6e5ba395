"""`brokerctl bench` against a real broker: a few hundred milliseconds of load."""

import json
import signal
import subprocess
import sys

import pytest

from mgmt_ui.cli.bench.churn import KINDS
from tests.cli.conftest import Run
from tests.support.broker import ROOT, Broker
from tests.support.eventually import eventually


@pytest.fixture
def bench(run: Run, broker: Broker):
    def bench(*words: str, **given):
        given.setdefault("BROKERCTL_AMQP_URL", f"amqp://{broker.amqp}")
        return run("bench", *words, **given)

    return bench


def queues(run: Run) -> list[str]:
    return run("queue", "list", "-o", "plain").out.split()


@pytest.mark.parametrize("kind", list(KINDS))
def test_churn(bench, run: Run, kind: str):
    words = ("--churn", kind, "--clients", "3", "--count", "20", "-o", "json")
    shown = json.loads(bench(*words).out)
    assert (shown["plan"]["kind"], shown["summary"]["cycles"]) == (kind, 20)
    for name in ("make_latency_us", "undo_latency_us"):
        found = shown["summary"][name]
        assert 0 < found["p50"] <= found["p99"] <= found["p999"] <= found["max"]
    assert not [name for name in queues(run) if "bench" in name]


def test_churn_at_a_rate_for_a_time(bench):
    out = bench("--churn", "queues", "--type", "quorum", "--rate", "20", "-z", "1.1").out
    head, row = out.splitlines()
    assert head.split("\t")[:2] == ["second", "cycles"]
    assert 2 <= int(row.split("\t")[1]) <= 25  # a busy machine may not come up to the rate


@pytest.mark.parametrize("kind", ["classic", "quorum", "stream"])
def test_counted(bench, run: Run, kind: str):
    shown = json.loads(bench("--count", "500", "--type", kind, "--persistent", "-o", "json").out)
    summary = shown["summary"]
    assert (summary["published"], summary["confirmed"], summary["consumed"]) == (500, 500, 500)
    assert summary["refused"] == 0
    for name in ("latency_us", "confirm_latency_us"):
        found = summary[name]
        assert 0 < found["p50"] <= found["p95"] <= found["p99"] <= found["max"] < 30_000_000
    assert not [name for name in queues(run) if "bench" in name]


def test_what_is_not_confirmed_ends_with_75(bench, run: Run):
    """An alarm holds publishers up: what they have sent waits in the socket."""
    run("alarm", "set", "disk", "--yes")
    try:
        refused = bench("--count", "50", "-z", "0.5", "-o", "json", code=75)
    finally:
        run("alarm", "clear", "disk")
    assert "messages were not confirmed in time" in refused.err
    assert json.loads(refused.out)["summary"]["unconfirmed"] == 50


def test_at_a_rate_for_a_time(bench):
    out = bench("--rate", "200", "-z", "1.2", "--publishers", "2", "--consumers", "2").out
    head, *rows = out.splitlines()
    assert head.split("\t")[:2] == ["second", "published"]
    assert 20 <= int(rows[0].split("\t")[1]) <= 250


def test_a_table_for_people(bench):
    out = bench("-z", "1.1", "--rate", "100", "-o", "table").out
    assert max(len(line) for line in out.splitlines()) < 80
    assert "latency" in out


def test_a_queue_that_is_there(bench, run: Run):
    run("queue", "declare", "kept")
    bench("--count", "50", "--consumers", "0", "--queue", "kept", "-c", "0")
    eventually(lambda: "50" in run("queue", "list", "--filter", "kept").out.split())

    def emptied() -> bool:
        bench("--duration", "0.5", "--publishers", "0", "--queue", "kept")
        return "0" in run("queue", "list", "--filter", "kept", "--columns", "messages").out.split()

    eventually(emptied)


def test_through_an_exchange(bench):
    out = bench("--count", "50", "--exchange", "amq.topic", "-k", "a.b", "-o", "json").out
    assert json.loads(out)["summary"]["consumed"] == 50


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (("--queue", "nosuch"), 65, "nosuch"),
        (("-V", "nosuch"), 65, "vhost"),
        (("-q", "-P", "hunter2"), 77, "ACCESS_REFUSED"),
        (("--amqp-url", "amqp://127.0.0.1:1"), 69, "cannot reach amqp://127.0.0.1:1"),
        (("--publishers", "0", "--consumers", "0"), 64, "there must be"),
        (("--publishers", "0", "--count", "5"), 64, "--count is of publishers"),
        (("--churn", "queues", "--size", "5"), 64, "no meaning with --churn"),
        (("--churn", "connections", "-V", "nosuch"), 65, "vhost"),
    ],
)
def test_what_goes_wrong_is_one_line(bench, words, code, text):
    refused = bench(*words, code=code)
    assert text in refused.err
    assert "hunter2" not in refused.err
    assert refused.err.count("\n") == 1


def test_not_amqp(bench, broker: Broker):
    assert bench(BROKERCTL_AMQP_URL=f"amqp://{broker.http}", code=69).err.startswith("Error: ")


def test_an_interrupted_one_reports_and_cleans_up(run: Run, broker: Broker):
    command = [sys.executable, "-m", "mgmt_ui.cli", "bench", "-z", "60", "--rate", "50", "-o"]
    process = subprocess.Popen(
        [*command, "jsonl", "--amqp-url", f"amqp://{broker.amqp}"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["second"] == 1
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=10)
    assert process.returncode == 0
    assert json.loads(out.splitlines()[-1])["summary"]["consumed"] > 0
    assert not [name for name in queues(run) if "bench" in name]
