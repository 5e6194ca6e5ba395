"""The floor does what `sync` needs of it: confirms and hands on every message."""

import os
import re
import signal
import subprocess
import sys

import pytest

from tests.support.broker import ROOT
from tests.support.wire import Address, WireClient


@pytest.mark.parametrize("options", [[], ["--sync"]])
def test_confirms_and_delivers(options: list[str]):
    command = [sys.executable, "-m", "tests.bench.floor", *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = re.match(r"ready port=(\d+)", process.stdout.readline())
        assert found is not None
        address = Address("127.0.0.1", int(found[1]))
        with WireClient(address) as consumer, WireClient(address) as publisher:
            consumer.connect()
            consumer.call(1, "basic.consume", queue="q", consumer_tag="c")
            publisher.connect()
            publisher.call(1, "confirm.select")
            for tag in (1, 2):
                body = b"%016d" % tag
                publisher.publish("", "q", body, delivery_mode=2)
                publisher.expect("basic.ack", delivery_tag=tag, multiple=False)
                delivery = consumer.expect_content("basic.deliver", delivery_tag=tag)
                assert len(delivery.body) == len(body)
        os.kill(process.pid, signal.SIGTERM)
