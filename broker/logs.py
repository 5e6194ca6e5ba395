"""How the log looks and where it goes: standard error, as text or as one JSON object per line.

Everything logs through the standard library; this module only sets it up.  What is logged is
decided where it is logged, and never holds a password, a token or a database URL.
"""

from __future__ import annotations

import json
import logging
import sys
import time

# A client chooses some of what is logged (names, reasons): it must not be able to forge lines.
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}


class _TextFormatter(logging.Formatter):
    converter = staticmethod(time.gmtime)  # lines of several machines sort together
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 -- logging's name
        record.message = record.message.translate(_CONTROLS)
        return super().formatMessage(record)


class _JsonFormatter(_TextFormatter):
    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": self.formatTime(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry)


class LogHandler(logging.StreamHandler):  # type: ignore[type-arg]  # not generic at run time
    """Writes to standard error as long as somebody reads it."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 -- logging's name
        """Nobody reads the log any more (closed pipe, full disk): that must not stop the broker."""
        if not isinstance(sys.exception(), OSError):
            super().handleError(record)


def set_up(level: str = "info", style: str = "text") -> None:
    """Send the log to standard error; a second call replaces what the first set up.

    `level` and `style` take the values of the options `log_level` and `log_format`.
    """
    handler: logging.Handler = logging.NullHandler()
    if sys.stderr is not None:  # closed before the start
        handler = LogHandler(sys.stderr)
        handler.setFormatter(_JsonFormatter() if style == "json" else _TextFormatter())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    logging.captureWarnings(True)
    # One line per HTTP request and per SQL statement is for those who ask for debug.
    for noisy in ("aiohttp.access", "aiosqlite", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.NOTSET if level == "debug" else logging.WARNING)
