"""A Celery application with real workers: results, retries, countdowns, priorities, canvas."""

import json
import os
import subprocess
import sys
import time
import uuid
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from celery import chain, chord, group

from tests.clients.celery_app import SETTINGS, make_app
from tests.support.eventually import eventually
from tests.support.wire import WireClient

ROOT = Path(__file__).resolve().parents[2]
CELERY = [sys.executable, "-m", "celery", "-A", "tests.clients.celery_app"]


class Worker:
    """A worker process with an application object that has the same settings."""

    def __init__(self, target, directory, **settings):
        self.queue = f"celery-{uuid.uuid4().hex[:12]}"
        self.node = f"{self.queue}@test"
        self.settings = {"broker_url": target.url, "task_default_queue": self.queue} | settings
        self.app = make_app(self.settings)
        self.log = directory / f"{self.queue}.log"
        self.environment = os.environ | {
            SETTINGS: json.dumps(self.settings),
            "PYTHONPATH": str(ROOT),
            "PYTHONWARNINGS": "ignore",
        }
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*CELERY, "worker", "--pool", "solo", "--loglevel", "INFO", "-n", self.node],
                stdout=log,
                stderr=log,
                env=self.environment,
                cwd=ROOT,
            )

    def wait_until_ready(self):
        def ready():
            text = self.log.read_text(errors="replace")
            if self.process.poll() is not None:
                raise RuntimeError(f"the worker ended:\n{text}")
            return " ready." in text

        eventually(ready, timeout=60, why=f"worker ready, see {self.log}")

    def send(self, name, *arguments, **options):
        return self.app.send_task(name, arguments, **options)

    def signature(self, name, *arguments):
        return self.app.signature(name, args=arguments)

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        with suppress(AttributeError):  # only rpc:// has a consumer, once a result was asked for
            self.app.backend.result_consumer.stop()
        self.app.close()


@contextmanager
def _workers(*workers):
    try:
        for worker in workers:
            worker.wait_until_ready()
        yield workers
    finally:
        for worker in workers:
            worker.stop()


@pytest.fixture(scope="module")
def workers(target, tmp_path_factory):
    """Two workers, started side by side because each takes seconds."""
    directory = tmp_path_factory.mktemp("celery")
    results = directory / "results"
    results.mkdir()
    over_rpc = Worker(
        target,
        directory,
        result_backend="rpc://",
        task_queue_max_priority=10,
        task_default_priority=0,
    )
    quorum = Worker(
        target,
        directory,
        result_backend=f"file://{results}",
        task_default_queue_type="quorum",
        task_default_exchange_type="topic",
        task_default_exchange=over_rpc.queue + "-topic",
        broker_native_delayed_delivery_queue_type="quorum",
        worker_detect_quorum_queues=True,
    )
    with _workers(over_rpc, quorum) as both:
        yield both
    with WireClient(target.amqp) as client:
        client.connect()
        for worker in both:
            for kind in ("queue", "exchange"):
                for suffix in ("", "-topic"):
                    client.call(1, f"{kind}.delete", **{kind: worker.queue + suffix})
        client.close()


@pytest.fixture
def worker(workers):
    """The worker with results over rpc:// and a priority queue."""
    return workers[0]


@pytest.fixture
def quorum(workers):
    """The worker with results in files, on quorum queues with native delayed delivery."""
    return workers[1]


def test_result_over_rpc(worker):
    results = [worker.send("add", index, 1) for index in range(20)]
    assert [result.get(timeout=10) for result in results] == list(range(1, 21))


def test_failure_over_rpc(worker):
    with pytest.raises(ValueError, match="on purpose"):
        worker.send("broken").get(timeout=10)


def test_retries(worker):
    assert worker.send("fail-until", 3).get(timeout=15) == 3


def test_countdown(worker):
    begin = time.monotonic()
    assert worker.send("add", 1, 2, countdown=1).get(timeout=15) == 3
    assert time.monotonic() - begin > 0.9


def test_group(worker):
    tasks = group(worker.signature("add", index, index) for index in range(10))
    assert tasks.apply_async().get(timeout=15) == [2 * index for index in range(10)]


def test_chain(worker):
    steps = chain(worker.signature("add", 1, 1), *(worker.signature("add", 10) for _ in range(3)))
    assert steps.apply_async().get(timeout=15) == 32


def test_priorities(worker, tmp_path):
    started, release, notes = (str(tmp_path / name) for name in ("started", "release", "notes"))
    worker.send("hold", started, release)
    eventually(Path(started).exists, timeout=10)
    # The worker fetches a few ahead while it is busy: those are the first in any order.
    for _ in range(4):
        worker.send("note", notes, "first", priority=10)
    last = [worker.send("note", notes, str(each), priority=each) for each in (1, 9, 5, 0)][-1]
    Path(release).touch()
    last.get(timeout=20)
    assert Path(notes).read_text().split() == ["first"] * 4 + ["9", "5", "1", "0"]


def test_inspect_ping(worker):
    done = subprocess.run(
        [*CELERY, "inspect", "ping", "--destination", worker.node, "--timeout", "5"],
        check=False,
        env=worker.environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{worker.node}: OK" in done.stdout
    assert "pong" in done.stdout


def test_control_and_revoke(worker):
    assert worker.app.control.ping([worker.node], timeout=3) == [{worker.node: {"ok": "pong"}}]
    stats = worker.app.control.inspect([worker.node], timeout=3).active_queues()
    assert [queue["name"] for queue in stats[worker.node]] == [worker.queue]


def test_chord_over_a_file_backend(quorum):
    header = [quorum.signature("add", index, 1) for index in range(5)]
    result = chord(header, app=quorum.app)(quorum.signature("total"))
    assert result.get(timeout=30) == 15


def test_result_on_a_quorum_queue(quorum):
    assert quorum.send("add", 2, 3).get(timeout=10) == 5


@pytest.mark.parametrize("countdown", [1, 3])
def test_native_delayed_delivery(quorum, countdown):
    begin = time.monotonic()
    assert quorum.send("add", 1, 2, countdown=countdown).get(timeout=20) == 3
    assert countdown - 0.2 < time.monotonic() - begin < countdown + 5
