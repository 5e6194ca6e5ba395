"""Polling with a deadline: the only place in the tests that lets real time pass."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

POLL_SECONDS = 0.005
# A machine that is busy with other things is no failure: whoever waits so long waits in vain.
PATIENCE = 20.0


def eventually(probe: Callable[[], T], timeout: float = PATIENCE, why: str = "") -> T:
    """Call `probe` until it returns something true, and return that.

    An AssertionError or OSError raised by the probe counts as "not yet".
    Raises AssertionError after `timeout` seconds, with the last thing seen.
    """
    deadline = time.monotonic() + timeout
    last: object = None
    while True:
        try:
            value = probe()
            if value:
                return value
            last = value
        except (AssertionError, OSError) as error:
            last = error
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {timeout} s: {why or probe}; last seen: {last!r}")
        time.sleep(POLL_SECONDS)


def stays(probe: Callable[[], object], seconds: float, why: str = "") -> None:
    """Assert that `probe` is true at every look during `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = probe()
        assert value, f"did not stay: {why or probe}; seen: {value!r}"
        time.sleep(POLL_SECONDS)
