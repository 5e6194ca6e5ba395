"""What was changed lately through the API: the newest changes, in memory, gone with the broker.

Here: remembering them. How they look is api/changes.py; what stays is the audit log. Names only:
bodies hold passwords. What clients declare over AMQP is not here: it would cost each declare.
"""

from collections import deque
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakKeyDictionary

from mgmt_ui import audited
from mgmt_ui.call import Call
from mgmt_ui.routes import Route

if TYPE_CHECKING:
    from mgmt_ui.server import Server

KEPT = 100


class Change(NamedTuple):
    """One request that was answered without an error; `time` is clock ms."""

    time: int
    event: str
    user: str | None
    names: dict[str, str]


_changes: "WeakKeyDictionary[Server, deque[Change]]" = WeakKeyDictionary()


def remember(route: Route, call: Call) -> None:
    """A request that has been answered without an error; the oldest makes room."""
    if route.handler in audited.UNTOLD or call.only_looked:
        return
    kept = _changes.setdefault(call.server, deque(maxlen=KEPT))
    user = call.user.name if hasattr(call, "user") else None
    now = call.server.clock.now_ms()
    kept.append(Change(now, audited.event_of(route), user, audited.names_of(call)))


def recent(server: "Server") -> list[Change]:
    """The newest first."""
    return list(reversed(_changes.get(server, ())))
