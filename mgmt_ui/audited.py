"""Requests that leave a line in the audit log: all that change something.

Here: what a request is called there.  Bodies and queries are not looked at: they hold passwords.
"""

from broker import audit
from mgmt_ui.call import Call
from mgmt_ui.errors import ApiError
from mgmt_ui.routes import Route
from vhosts.errors import AccessRefused

UNAUTHORISED = 401

# By handler; others are called as the module and the function that do it (`policies.put`).
EVENTS = {
    "queues:put": "queue.declared",
    "queues:delete": "queue.deleted",
    "queues:purge": "queue.purged",
    "exchanges:put": "exchange.declared",
    "exchanges:delete": "exchange.deleted",
    "bindings:create": "binding.created",
    "bindings:delete": "binding.deleted",
    "vhosts:put": "vhost.declared",
    "vhosts:delete": "vhost.deleted",
    "users:put": "user.changed",
    "users:delete": "user.deleted",
    "permissions:put": "permission.changed",
    "permissions:delete": "permission.deleted",
    "policies:put": "policy.changed",
    "policies:delete": "policy.deleted",
}
# These change no more than what somebody sees, or pass messages.
UNTOLD = {
    *("live:change", "login:log_in", "messages:publish", "messages:get"),
    *("routing:route", "browsing:search"),
}


def note(route: Route, call: Call) -> None:
    """A request that has been answered without an error."""
    if route.handler in UNTOLD or call.only_looked:
        return
    audit.note(
        event_of(route),
        via="http",
        user=call.user.name if hasattr(call, "user") else None,
        address=call.remote,
        **names_of(call),
    )


def refused(call: Call, error: AccessRefused | ApiError) -> None:
    """A request that was refused; only for want of permission is that noted."""
    if isinstance(error, ApiError) and error.status != UNAUTHORISED:
        return
    audit.note(
        "access.refused",
        via="http",
        user=call.user.name,
        address=call.remote,
        **names_of(call),
        reason=error.reason if isinstance(error, ApiError) else error.text,
    )


def event_of(route: Route) -> str:
    """What a request to this row is called."""
    return EVENTS.get(route.handler, route.handler.replace(":", "."))


def names_of(call: Call) -> dict[str, str]:
    """What its path names, without secrets."""
    # The user of the path is whom it is done to; who does it is the user of the line.
    return {
        "target" if name == "user" else name: text
        for name, text in call.path.items()
        if name != "password"
    }
