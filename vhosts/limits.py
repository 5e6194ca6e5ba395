"""Limits of virtual hosts and of users: how many connections, channels, queues (spec 10.1, 2.12);
how many octets and messages a second, which RabbitMQ does not have.

Here: what the limits are, and whether one is reached. Not here: what is counted; whoever counts
asks. A negative number is no limit, 0 allows none.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from vhosts import errors
from vhosts.terms import printed, printed_pairs

VHOST_LIMITS = ("max-connections", "max-queues", "max-stored-bytes", "max-publish-rate")
USER_LIMITS = ("max-connections", "max-channels")
# As parameters (spec 3.13 of the management reference): all limits of a virtual host are one;
# those of a user have no virtual host.
VHOST_COMPONENT, VHOST_NAME = "vhost-limits", "limits"
USER_COMPONENT = "user-limits"

Values = dict[str, int]


class ParameterStore(Protocol):
    """Where limits survive."""

    def save_parameter(self, vhost: str, component: str, name: str, value: Any) -> None: ...

    def delete_parameter(self, vhost: str, component: str, name: str) -> None: ...


class Limits:
    """All limits, written through to the store; `rows` are (vhost, component, name, value)."""

    def __init__(
        self, store: ParameterStore, rows: Iterable[tuple[str, str, str, Any]] = ()
    ) -> None:
        self._store = store
        # Of the whole broker, an option; 0 is no limit.
        self.max_connections = 0
        # Of every channel, an option; 0 is no limit.
        self.max_consumers = 0
        self._vhosts: dict[str, Values] = {}
        self._users: dict[str, Values] = {}
        for vhost, component, name, value in rows:
            if component == VHOST_COMPONENT:
                self._vhosts[vhost] = dict(value)
            elif component == USER_COMPONENT:
                self._users[name] = dict(value)

    def of_vhost(self, vhost: str) -> Values:
        """By name; only what is set."""
        return dict(self._vhosts.get(vhost, {}))

    def of_user(self, user: str) -> Values:
        """By name; only what is set."""
        return dict(self._users.get(user, {}))

    def set_vhost(self, vhost: str, values: Mapping[str, Any]) -> None:
        """These are the limits of the virtual host from now on; InvalidValue for bad ones."""
        checked = _checked(values, VHOST_LIMITS, "limits")
        self._vhosts.pop(vhost, None)
        if checked:
            self._vhosts[vhost] = checked
            self._store.save_parameter(vhost, VHOST_COMPONENT, VHOST_NAME, checked)
        else:
            self._store.delete_parameter(vhost, VHOST_COMPONENT, VHOST_NAME)

    def set_user(self, user: str, values: Mapping[str, Any]) -> None:
        """These are the limits of the user from now on; InvalidValue for bad ones."""
        checked = _checked(values, USER_LIMITS, "user-limits")
        known = self._users.pop(user, None)
        if checked:
            self._users[user] = checked
            self._store.save_parameter("", USER_COMPONENT, user, checked)
        elif known is not None:
            self._store.delete_parameter("", USER_COMPONENT, user)

    def check_vhost(self, values: Mapping[str, Any]) -> None:
        """Raises InvalidValue where these cannot be limits of a virtual host."""
        _checked(values, VHOST_LIMITS, "limits")

    def check_user(self, values: Mapping[str, Any]) -> None:
        """Raises InvalidValue where these cannot be limits of a user."""
        _checked(values, USER_LIMITS, "user-limits")

    def forget_vhost(self, vhost: str) -> None:
        """A virtual host goes; the store drops its limits with it."""
        self._vhosts.pop(vhost, None)

    # -- reached? ------------------------------------------------------------------------------

    def max_queues(self, vhost: str) -> int | None:
        """How many queues the virtual host may have, None for any number."""
        return _bound(self._vhosts.get(vhost), "max-queues")

    def max_stored_bytes(self, vhost: str) -> int | None:
        """How many octets of messages its queues may hold, None for any number."""
        return _bound(self._vhosts.get(vhost), "max-stored-bytes")

    def max_publish_rate(self, vhost: str) -> int | None:
        """How many messages a second may be published in it, None for any number."""
        return _bound(self._vhosts.get(vhost), "max-publish-rate")

    def max_channels(self, user: str) -> int | None:
        """How many channels the user may have open, None for any number."""
        return _bound(self._users.get(user), "max-channels")

    def check_connections(self, present: int) -> None:
        """Raises NotAllowed where one more connection is one too many for the broker."""
        if 0 < self.max_connections <= present:
            raise errors.broker_full(self.max_connections)

    def check_consumers(self, present: int) -> None:
        """Raises NotAllowed where one more consumer is one too many for a channel."""
        if 0 < self.max_consumers <= present:
            raise errors.too_many_consumers(self.max_consumers)

    def check_vhost_connections(self, vhost: str, user: str, present: int) -> None:
        """Raises NotAllowed where one more connection is one too many."""
        limit = _bound(self._vhosts.get(vhost), "max-connections")
        if limit is not None and present >= limit:
            raise errors.vhost_full(vhost, user, limit)

    def check_user_connections(self, user: str, present: int) -> None:
        """Raises NotAllowed where one more connection is one too many."""
        limit = _bound(self._users.get(user), "max-connections")
        if limit is not None and present >= limit:
            raise errors.too_many_connections(user, limit)


def _bound(values: Values | None, name: str) -> int | None:
    limit = None if values is None else values.get(name)
    return None if limit is None or limit < 0 else limit


def _checked(values: Mapping[str, Any], known: tuple[str, ...], where: str) -> Values:
    foreign = {name: value for name, value in values.items() if name not in known}
    if foreign:
        raise errors.InvalidValue(f"Unrecognised terms {printed_pairs(foreign)} in {where}")
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int):
            raise errors.InvalidValue(f"{name} should be a number, actually was {printed(value)}")
    return dict(values)
