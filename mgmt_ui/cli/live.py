"""The API's live stream (mgmt_ui/live.py) as values that stay current.

A thread reads the stream; whoever watches waits on `wake` and takes the news.
"""

import json
import os
import threading
import urllib.error
from collections.abc import Iterator, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from mgmt_ui.cli.exits import UNAVAILABLE, Failure
from mgmt_ui.cli.values import path

if TYPE_CHECKING:
    from mgmt_ui.cli.client import Api

# The broker says something every ten seconds, if only that it is there.
SILENCE = 25.0
NO_STREAM = (400, 404, 405, 406)


class NoStream(Exception):
    """This broker has no live stream: it must be asked again and again."""


class Live:
    """What topics (paths of the API, with their queries) are just now."""

    def __init__(self, api: "Api") -> None:
        self._api = api
        self._events: SimpleQueue[tuple[str, Any]] = SimpleQueue()
        self._topics: Sequence[str] = ()
        self._stream = ""
        self.values: dict[str, Any] = {}
        # Readable when there is news.
        self.wake, self._waker = os.pipe()
        os.set_blocking(self.wake, False)
        os.set_blocking(self._waker, False)

    def watch(self, topics: Sequence[str]) -> None:
        """Watches these and no others; raises Failure, NoStream."""
        if self._stream and topics == self._topics:
            return
        self._topics = topics
        self.values = {topic: self.values[topic] for topic in topics if topic in self.values}
        if self._stream:
            self._api.call("PUT", path("live", self._stream), query={"topic": topics})
        else:
            self._open(topics)

    def _open(self, topics: Sequence[str]) -> None:
        self.values.clear()
        self._events = SimpleQueue()
        try:
            response = self._api.open("GET", "/live", query={"topic": topics}, timeout=SILENCE)
        except urllib.error.HTTPError as error:
            if error.code in NO_STREAM:
                error.close()
                raise NoStream from None
            raise self._api.failed("GET", "/live", error) from None
        if "event-stream" not in response.headers.get("content-type", ""):
            response.close()
            raise NoStream
        events = _events(response)
        kind, hello = next(events, ("", None))
        if kind != "hello" or hello is None:
            raise Failure("the live stream has ended", UNAVAILABLE)
        self._stream = hello["stream"]
        threading.Thread(target=self._read, args=(events, self._events), daemon=True).start()

    def _read(self, events: Iterator[tuple[str, Any]], into: SimpleQueue[Any]) -> None:
        reason = "the live stream has ended"
        try:
            for event in events:
                into.put(event)
                self._wake()
        except (OSError, ValueError) as error:
            reason = f"the live stream has ended: {error}"
        into.put(("end", {"reason": reason}))
        self._wake()

    def _wake(self) -> None:
        with suppress(BlockingIOError):  # it is full of news already
            os.write(self._waker, b".")

    def take(self) -> bool:
        """Takes what has come; whether anything has. Raises Failure at the end of the stream."""
        with suppress(BlockingIOError):
            os.read(self.wake, 65536)
        news = False
        with suppress(Empty):
            while True:
                self._apply(*self._events.get_nowait())
                news = True
        return news

    def _apply(self, kind: str, told: Any) -> None:
        if kind in ("end", "bye"):
            self._stream = ""
            raise Failure(f"the broker has ended the live stream: {told['reason']}", UNAVAILABLE)
        topic = told.get("topic")
        if topic not in self._topics:
            return  # of before a change of topics
        if kind == "state":
            self.values[topic] = told["value"]
        elif kind == "patch" and topic in self.values:
            self.values[topic] = patched(self.values[topic], told["patch"])
        elif kind == "refused":
            raise Failure(str(told.get("reason") or told.get("error")))


def _events(lines: Any) -> Iterator[tuple[str, Any]]:
    kind = ""
    for raw in lines:
        name, _, value = raw.decode().rstrip("\r\n").partition(": ")
        if name == "event":
            kind = value
        elif name == "data":
            yield kind, json.loads(value)


def patched(old: Any, patch: dict[str, Any]) -> Any:
    """What a patch (mgmt_ui/delta.py has its form) makes of a value."""
    if "r" in patch:
        return patch["r"]
    if isinstance(old, list):
        items = old[: patch["n"]] if "n" in patch else list(old)
        for index, inner in patch.get("p", {}).items():
            items[int(index)] = patched(items[int(index)], inner)
        return items + patch.get("e", [])
    gone = patch.get("d", ())
    made = {key: value for key, value in old.items() if key not in gone} | patch.get("s", {})
    for key, inner in patch.get("p", {}).items():
        made[key] = patched(made[key], inner)
    return made
