"""The audit log: who came, who was refused, and who changed what, as one line each.

Here: `note`, and how the lines look and where they go.  Not here: what is worth a line; that is
said where it happens.  Facts are names, addresses and reasons, never a password or a token, and
nothing that is done for every message is noted.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import time
from collections.abc import Callable
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from broker.connection import Connection

logger = logging.getLogger("leveret.audit")
# Where nobody asked for it, `note` is a look at this.
on = False

_PLAIN = re.compile(r"[^\s\"=\\]+")
ACCESS_REFUSED = 403


def note(event: str, **facts: object) -> None:
    """One line about `event` (`queue.declared`), with the facts that are not None."""
    if on:
        known = {name: fact for name, fact in facts.items() if fact is not None}
        logger.info(event, extra={"facts": known})


def note_of(connection: Connection, event: str, **facts: object) -> None:
    """`note`, about something that the client of an open connection did."""
    note(
        event,
        via="amqp",
        user=connection.user.name,
        address=f"{connection.peer_host}:{connection.peer_port}",
        vhost=connection.vhost.name,
        **facts,
    )


def refused(connection: Connection, code: int, text: str) -> None:
    """A method of an open connection was refused; only for want of permission is that noted."""
    if code == ACCESS_REFUSED:
        note_of(connection, "access.refused", reason=text)


def set_up(where: str, style: str) -> None:
    """`where` is off, stderr, or a file, which is appended to; a second call replaces the first.

    `style` is text or json, as for the log.  Raises OSError where the file cannot be written.
    """
    global on
    handler = None if where == "off" else _handler(where)
    for old in logger.handlers:
        old.close()
    logger.handlers = [] if handler is None else [handler]
    logger.propagate = False
    logger.setLevel(logging.INFO)
    if handler is not None:
        handler.setFormatter(_Json() if style == "json" else _Text())
    on = handler is not None


def _handler(where: str) -> logging.Handler:
    if where == "stderr":
        return _Handler(sys.stderr, close=lambda: None) if sys.stderr else logging.NullHandler()

    def private(path: str, flags: int) -> int:
        return os.open(path, flags, 0o600)

    # Line by line, so that what was noted survives the process.
    stream = open(where, "a", buffering=1, encoding="utf-8", opener=private)  # noqa: SIM115
    return _Handler(stream, close=stream.close)


class _Handler(logging.StreamHandler):  # type: ignore[type-arg]  # not generic at run time
    def __init__(self, stream: IO[str], close: Callable[[], None]) -> None:
        super().__init__(stream)
        self._close = close

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 -- logging's name
        # A full disk must not stop the broker; the other log may get through.
        error = sys.exception()
        logging.getLogger("leveret.server").error("a line of the audit log is lost: %s", error)

    def close(self) -> None:
        self._close()
        super().close()


class _Text(logging.Formatter):
    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def format(self, record: logging.LogRecord) -> str:
        facts = " ".join(f"{name}={_shown(fact)}" for name, fact in _facts(record).items())
        return f"{self.formatTime(record)} AUDIT {record.msg} {facts}".rstrip()


class _Json(_Text):
    def format(self, record: logging.LogRecord) -> str:
        entry = {"time": self.formatTime(record), "event": record.msg, **_facts(record)}
        return json.dumps(entry, default=str)


def _facts(record: logging.LogRecord) -> dict[str, object]:
    facts: dict[str, object] = record.__dict__["facts"]
    return facts


def _shown(fact: object) -> str:
    # What is quoted is JSON, so that names cannot forge facts or lines.
    text = str(fact)
    return text if _PLAIN.fullmatch(text) and text.isprintable() else json.dumps(text)
