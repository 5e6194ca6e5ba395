"""The Celery application of the client tests; a worker finds its settings in the environment."""

import json
import os
from pathlib import Path
from typing import Any

from celery import Celery, Task

from tests.support.eventually import eventually

SETTINGS = "LEVERET_TEST_CELERY"


def make_app(settings: dict[str, Any]) -> Celery:
    """An application with short timeouts and the given settings."""
    app = Celery("leveret-client-test")
    app.conf.update(
        broker_connection_timeout=4,
        broker_connection_retry_on_startup=True,
        broker_transport_options={"confirm_publish": True},
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        task_default_retry_delay=0,
        result_expires=60,
        **settings,
    )
    return app


app = make_app(json.loads(os.environ.get(SETTINGS, "{}")))


@app.task(name="add")
def add(x: int, y: int) -> int:
    return x + y


@app.task(name="total")
def total(numbers: list[int]) -> int:
    return sum(numbers)


@app.task(name="fail-until", bind=True, max_retries=5)
def fail_until(self: Task, attempt: int) -> int:
    if self.request.retries < attempt:
        raise self.retry(countdown=0.05)
    return int(self.request.retries)


@app.task(name="broken")
def broken() -> None:
    raise ValueError("on purpose")


@app.task(name="hold")
def hold(started: str, release: str) -> None:
    """Say by a file that it runs, then keep the worker busy until another file is there."""
    Path(started).touch()
    eventually(Path(release).exists, timeout=20)


@app.task(name="note")
def note(path: str, text: str) -> None:
    with Path(path).open("a") as out:
        out.write(text + "\n")
