"""The HTTP API: every route once, and how a path finds its row.

A handler takes a Call and returns what goes into the body: a Listing for lists, else anything
JSON can hold, or an Answer where the status is not 200. It may be a coroutine. Rows name it as
`module:function` of `mgmt_ui.api`, which is imported when it is first asked for: a broker that
nobody looks at does without.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, cast
from urllib.parse import unquote_to_bytes

from mgmt_ui.auth import Tag
from mgmt_ui.call import Call

Handler = Callable[[Call], Any]


@dataclass(frozen=True, slots=True)
class Route:
    """A row of the table. Segments in braces are taken as they come, percent-decoded."""

    method: str
    path: str
    handler: str
    tag: Tag = Tag.MANAGEMENT

    def resolve(self) -> Handler:
        """The handler itself."""
        return _handler(self.handler)


@cache
def _handler(name: str) -> Handler:
    module, _, function = name.partition(":")
    return cast(Handler, getattr(import_module(f"mgmt_ui.api.{module}"), function))


BINDINGS = "/api/bindings/{vhost}/e/{source}/{kind}/{destination}"

# Handlers of paths with {vhost} take `call.vhost`, which checks that it exists and is open to
# the user; those without list what `call.visible_...` gives. Tag.NONE asks for no login at all.
# Of two rows that fit a path the one that stands first counts.
ROUTES: tuple[Route, ...] = (
    Route("GET", "/api/overview", "overview:show"),
    Route("GET", "/api/connections", "connections:index"),
    Route("GET", "/api/exchanges", "exchanges:index"),
    Route("GET", "/api/exchanges/{vhost}", "exchanges:index_of_vhost"),
    Route("GET", "/api/exchanges/{vhost}/{name}", "exchanges:show"),
    Route("PUT", "/api/exchanges/{vhost}/{name}", "exchanges:put"),
    Route("DELETE", "/api/exchanges/{vhost}/{name}", "exchanges:delete"),
    Route("POST", "/api/exchanges/{vhost}/{name}/publish", "messages:publish"),
    Route("GET", "/api/exchanges/{vhost}/{name}/bindings/source", "bindings:from_exchange"),
    Route("GET", "/api/exchanges/{vhost}/{name}/bindings/destination", "bindings:to_exchange"),
    Route("GET", "/api/queues", "queues:index"),
    Route("GET", "/api/queues/detailed", "queues:index"),
    Route("GET", "/api/queues/{vhost}", "queues:index_of_vhost"),
    Route("GET", "/api/queues/{vhost}/{name}", "queues:show"),
    Route("PUT", "/api/queues/{vhost}/{name}", "queues:put"),
    Route("DELETE", "/api/queues/{vhost}/{name}", "queues:delete"),
    Route("DELETE", "/api/queues/{vhost}/{name}/contents", "queues:purge"),
    Route("GET", "/api/queues/{vhost}/{name}/bindings", "bindings:of_queue"),
    Route("POST", "/api/queues/{vhost}/{name}/get", "messages:get"),
    Route("POST", "/api/queues/{vhost}/{name}/actions", "queues:act", Tag.ADMINISTRATOR),
    Route("GET", "/api/definitions", "definitions:export", Tag.ADMINISTRATOR),
    Route("GET", "/api/all-configuration", "definitions:export", Tag.ADMINISTRATOR),
    Route("POST", "/api/definitions", "definitions:load", Tag.ADMINISTRATOR),
    Route("POST", "/api/all-configuration", "definitions:load", Tag.ADMINISTRATOR),
    Route("GET", "/api/definitions/{vhost}", "definitions:export_vhost", Tag.ADMINISTRATOR),
    Route("POST", "/api/definitions/{vhost}", "definitions:load_vhost", Tag.ADMINISTRATOR),
    Route("GET", "/api/bindings", "bindings:index"),
    Route("GET", "/api/bindings/{vhost}", "bindings:index_of_vhost"),
    Route("GET", BINDINGS, "bindings:between"),
    Route("POST", BINDINGS, "bindings:create"),
    Route("GET", f"{BINDINGS}/{{props}}", "bindings:show"),
    Route("DELETE", f"{BINDINGS}/{{props}}", "bindings:delete"),
    Route("GET", "/api/consumers", "consumers:index"),
    Route("GET", "/api/consumers/{vhost}", "consumers:index_of_vhost"),
    Route("GET", "/api/health/checks/alarms", "health:alarms"),
    Route("GET", "/api/live", "live:stream"),
    Route("PUT", "/api/live/{stream}", "live:change"),
)


class MalformedPath(Exception):
    """A percent sign that no two hexadecimal digits follow (spec 1.1: 400)."""


@dataclass(slots=True)
class Match:
    """The rows that share a path, by method, and the segments they name."""

    by_method: dict[str, Route]
    path: dict[str, str]

    def find(self, method: str) -> Route | None:
        """The row for a method; GET rows answer HEAD, too."""
        return self.by_method.get("GET" if method == "HEAD" else method)

    @property
    def allow(self) -> str:
        """The value of the allow header."""
        heads = ["HEAD"] if "GET" in self.by_method else []
        return ", ".join([*heads, *self.by_method, "OPTIONS"])


class Router:
    """Finds rows by path."""

    def __init__(self, routes: Sequence[Route] = ROUTES) -> None:
        self._resources: dict[tuple[str, ...], dict[str, Route]] = {}
        for route in routes:
            parts = tuple(route.path.strip("/").split("/"))
            self._resources.setdefault(parts, {})[route.method] = route

    def match(self, raw_path: str) -> Match | None:
        """The rows for a path as it stands in the request line; raises MalformedPath."""
        parts = split(raw_path)
        for pattern, by_method in self._resources.items():
            names = _fit(pattern, parts)
            if names is not None:
                return Match(by_method, names)
        return None


def split(raw_path: str) -> list[str]:
    """The segments of a path, decoded once; one trailing slash does not count (spec 1.1)."""
    if re.search(r"%(?![0-9A-Fa-f]{2})", raw_path):
        raise MalformedPath(raw_path)
    parts = raw_path.removeprefix("/").split("/")
    # One only: in `/queues//` the first of the two stands for a virtual host without a name.
    if not parts[-1]:
        parts.pop()
    return [unquote_to_bytes(part).decode("utf-8", "surrogateescape") for part in parts]


def _fit(pattern: tuple[str, ...], parts: list[str]) -> dict[str, str] | None:
    if len(pattern) != len(parts):
        return None
    names = {}
    for wanted, part in zip(pattern, parts, strict=True):
        if wanted.startswith("{"):
            name = wanted.strip("{}")
            # Clients that do not quote the default virtual host's name ask for nothing.
            names[name] = "/" if name == "vhost" and not part else part
        elif wanted != part:
            return None
    return names
