"""Celery Flower shows its broker page from what the HTTP API says."""

import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pika
import pytest

from tests.clients.celery_app import SETTINGS
from tests.support.broker import ROOT, Broker
from tests.support.eventually import eventually
from tests.support.rabbitmq import HOST, free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

QUEUE = "tasks-for-flower"
Page = Callable[[], str]


@pytest.fixture
def page(broker: Broker, tmp_path: Path) -> Iterator[Page]:
    """Reads the broker page of a Flower of its own."""
    port = free_port()
    settings = {"broker_url": broker.url, "task_default_queue": QUEUE}
    log = tmp_path / "flower.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "celery", "-A", "tests.clients.celery_app", "flower"),
                *(f"--address={HOST}", f"--port={port}"),
                f"--broker-api=http://guest:guest@{broker.http}/api/",
            ],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            cwd=ROOT,
            env=os.environ
            | {SETTINGS: json.dumps(settings), "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"},
        )

    def read() -> str:
        if process.poll() is not None:
            raise RuntimeError(f"Flower ended:\n{log.read_text()}")
        with urllib.request.urlopen(f"http://{HOST}:{port}/broker", timeout=20) as response:
            return str(response.read().decode())

    yield read
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def test_broker_page(broker: Broker, page: Page):
    with pika.BlockingConnection(pika.URLParameters(broker.url)) as connection:
        channel = connection.channel()
        channel.queue_declare(QUEUE, durable=True)
        channel.confirm_delivery()
        for _ in range(37):
            channel.basic_publish("", QUEUE, b"{}")

    def cells() -> list[str]:
        _, found, rest = page().partition(f'id="{QUEUE}"')
        return re.findall(r"<td[^>]*>(.*?)</td>", rest.partition("</tr>")[0]) if found else []

    # The last one says since when the queue has been idle.
    name, *counts, _ = eventually(cells, 60, "the queue is on the page")
    assert name == QUEUE
    assert counts == ["37", "0", "37", "0"]
