"""How the values of options are read: one function per kind of value.

Each takes what a person wrote and raises ValueError saying what would have been right, in words
that go on after "is not" ("a port, 0 to 65535").  Which option takes which kind is in `options`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from pathlib import Path


def _whole(text: str, what: str, low: int, high: int) -> int:
    if not (re.fullmatch(r"[0-9]{1,18}", text) and low <= int(text) <= high):
        raise ValueError(f"{what}, {low} to {high}")
    return int(text)


def port(text: str) -> int:
    """A TCP port; 0 picks a free one."""
    return _whole(text, "a port", 0, 65535)


OFF = -1


def port_or_off(text: str) -> int:
    """A TCP port, 0 picks a free one; OFF for `off`, where nothing is to listen."""
    if text.lower() == "off":
        return OFF
    try:
        return port(text)
    except ValueError:
        raise ValueError("a port, 0 to 65535, or off") from None


def seconds(text: str) -> int:
    """Seconds that fit the 16 bits of connection.tune."""
    return _whole(text, "a number of seconds", 0, 65535)


def some_seconds(text: str) -> int:
    """Seconds, at least one."""
    return _whole(text, "a number of seconds", 1, 65535)


def some_minutes(text: str) -> int:
    """Minutes, at least one and at most a year."""
    return _whole(text, "a number of minutes", 1, 365 * 24 * 60)


def switch(text: str) -> bool:
    """On or off; a flag without a value is on."""
    if text.lower() not in ("true", "false"):
        raise ValueError("true or false")
    return text.lower() == "true"


def connections(text: str) -> int:
    """A number of connections; 0 means no limit."""
    return _whole(text, "a number of connections", 0, 10_000_000)


def channels(text: str) -> int:
    """A number of channels; 0 means as many as the protocol has."""
    return _whole(text, "a number of channels", 0, 65535)


def consumers(text: str) -> int:
    """A number of consumers; 0 means no limit."""
    return _whole(text, "a number of consumers", 0, 10_000_000)


_UNITS = {
    **dict.fromkeys(("", "b"), 1),
    **dict.fromkeys(("k", "kib"), 1024),
    **dict.fromkeys(("m", "mib"), 1024**2),
    **dict.fromkeys(("g", "gib"), 1024**3),
    "kb": 1000,
    "mb": 1000**2,
    "gb": 1000**3,
}


def size(text: str) -> int:
    """Bytes: `16777216`, `16MiB` (1024s), `16MB` (1000s); units as in rabbitmq.conf."""
    match = re.fullmatch(r"([0-9]{1,18}) ?([a-z]*)", text.lower())
    if match is None or match[2] not in _UNITS:
        raise ValueError("a size such as 16777216, 16MiB or 16MB")
    return int(match[1]) * _UNITS[match[2]]


def watermark(text: str) -> float:
    """A share of the memory, 0 to 1 with a point (`0.6`), or a size (`4GiB`) as `size` takes it.

    Returns the share, or bytes: nobody means a single byte.
    """
    if re.fullmatch(r"[01]\.[0-9]{1,9}", text) and float(text) <= 1:
        return float(text)
    try:
        return size(text)
    except ValueError:
        raise ValueError("a share of the memory such as 0.6, or a size such as 4GiB") from None


def frame_size(text: str) -> int:
    """The largest frame in bytes; 0 means no limit, else AMQP's frame-min-size is the least."""
    value = size(text)
    if value != 0 and not 4096 <= value < 2**32:
        raise ValueError("a frame size of 4096 bytes or more, or 0 for no limit")
    return value


def message_size(text: str) -> int:
    """The largest message body in bytes, up to the 512 MiB that RabbitMQ allows."""
    value = size(text)
    if not 0 < value <= 512 * 1024**2:
        raise ValueError("a size of 1 byte to 512MiB")
    return value


def one_of(*choices: str) -> Callable[[str], str]:
    """One of the given words, in any case."""

    def parse(text: str) -> str:
        if text.lower() not in choices:
            raise ValueError(f"one of {', '.join(choices)}")
        return text.lower()

    return parse


def some_of(*choices: str) -> Callable[[str], tuple[str, ...]]:
    """Some of the given words, in any case, separated by commas; at least one."""
    known = {choice.lower(): choice for choice in choices}

    def parse(text: str) -> tuple[str, ...]:
        found = [part.strip().lower() for part in text.split(",") if part.strip()]
        if not found or not set(found) <= known.keys():
            raise ValueError(f"one or more of {', '.join(choices)}")
        return tuple(dict.fromkeys(known[part] for part in found))

    return parse


def addresses(text: str) -> tuple[str, ...]:
    """IP addresses or host names, separated by commas; IPv6 with or without brackets."""
    found = [_address(part.strip()) for part in text.split(",") if part.strip()]
    if not found:
        raise ValueError("an address such as 127.0.0.1, ::1 or 0.0.0.0")
    return tuple(dict.fromkeys(found))


def _address(text: str) -> str:
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    if ":" in bare:
        try:
            ipaddress.IPv6Address(bare)
        except ValueError:
            raise ValueError("an address without a port (ports have their own options)") from None
    elif not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?", bare):
        raise ValueError("an address such as 127.0.0.1, ::1 or 0.0.0.0")
    return bare


def path(text: str) -> Path:
    """A path of the file system; `~` is the home directory."""
    if not text or "\0" in text:
        raise ValueError("a path")
    return Path(text).expanduser()


def database(text: str) -> str:
    """A database URL as SQLAlchemy takes it."""
    if not re.match(r"[A-Za-z][A-Za-z0-9_+]*://", text):
        raise ValueError("a database URL such as sqlite+aiosqlite:///leveret.db")
    return text


def words(text: str) -> str:
    """Printable text, not empty and short enough for any field of the protocol."""
    if not text.isprintable() or not 0 < len(text.encode()) <= 127:
        raise ValueError("printable text of 1 to 127 bytes")
    return text


def names(text: str) -> tuple[str, ...]:
    """Names separated by commas; `none` for none at all."""
    found = [part.strip() for part in text.split(",") if part.strip()]
    if not found:
        raise ValueError("one or more names with commas, or none")
    return () if found == ["none"] else tuple(dict.fromkeys(found))


def path_prefix(text: str) -> str:
    """The beginning of a path of HTTP, without a slash at its end; empty for none."""
    if text and not re.fullmatch(r"(/[A-Za-z0-9._~-]+)+", text):
        raise ValueError("a path such as /mq, or nothing")
    return text


def url(text: str) -> str:
    """Where a web server is asked."""
    if not re.match(r"https?://[^/\s]+", text):
        raise ValueError("a URL such as https://auth.example/user")
    return text


def verbatim(text: str) -> str:
    """Any text; only who uses it can tell whether it is right."""
    return text


def version(text: str) -> str:
    """Three numbers with dots: that is how clients read it."""
    if not re.fullmatch(r"[0-9]+\.[0-9]+\.[0-9]+", text):
        raise ValueError("a version such as 4.1.0")
    return text
