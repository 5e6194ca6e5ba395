"""Stand-ins for what a virtual host is given, and shorthand for using one."""

import itertools
from typing import Any

import pytest

from vhosts.errors import AccessRefused
from vhosts.vhost import VirtualHost


class RecordingStore:
    """Takes every change and notes (method, *args)."""

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self._ids = itertools.count(1)

    def __getattr__(self, name) -> Any:
        if not name.startswith(("save_", "delete_")):
            raise AttributeError(name)
        return lambda *args: self.calls.append((name, *args))

    def next_queue_id(self):
        return next(self._ids)

    def names(self):
        """The methods called, in order."""
        return [name for name, *_ in self.calls]


class FakeQueue:
    """A queue without messages; `closed` counts the calls of close."""

    def __init__(self, vhost, name, *, durable, owner, auto_delete, arguments, queue_id):
        self.vhost = vhost
        self.name = name
        self.durable = durable
        self.owner = owner
        self.auto_delete = auto_delete
        self.arguments = arguments
        self.id = queue_id
        self.creator = ""
        self.consumer_count = 0
        self.message_count = 0
        self.closed = 0
        self.marks = None
        self.on_close = lambda: None
        self.saved = self.suspended = self.dismissed = False
        self.policy = self.operator_policy = None
        self.effective_policy = {}
        self.paused = False

    def hold(self):
        self.paused = True

    def come_under(self, policy, operator_policy, effective):
        self.policy, self.operator_policy = policy, operator_policy
        self.effective_policy = effective

    def restore_marks(self, marks):
        self.marks = marks

    def begin(self):
        return False

    def save_frontiers(self):
        self.saved = True

    def dismiss(self):
        self.dismissed = True

    def suspend(self):
        self.suspended = True

    def close(self):
        self.closed += 1
        self.on_close()


class Authority:
    """Notes what is asked; refuses one kind of permission, by its name."""

    user = "ann"

    def __init__(self, refuse=None):
        self.asked = []
        self._refuse = refuse

    def __call__(self, permission, kind, name):
        self.asked.append((permission, kind, name))
        if permission == self._refuse:
            raise AccessRefused(permission)

    def topic(self, permission, exchange, key):
        self.asked.append((permission, "topic", exchange, key))


def make_vhost(**options: Any) -> Any:
    """A virtual host of fake queues on a recording store."""
    surroundings: Any = {"store": RecordingStore(), "commit": None, "log": None}
    return VirtualHost("/", FakeQueue, **{**surroundings, **options})


def declare_exchange(vhost, name, type_name="direct", **properties):
    settings: dict[str, Any] = {
        "durable": False,
        "auto_delete": False,
        "internal": False,
        "arguments": {},
    }
    return vhost.declare_exchange(name, type_name, **{**settings, **properties})


def declare_queue(vhost, name, **properties):
    settings: dict[str, Any] = {
        "durable": False,
        "owner": None,
        "auto_delete": False,
        "arguments": {},
    }
    return vhost.declare_queue(name, **{**settings, **properties})


def refusal(kind, call, *args, **kwargs):
    """The text of the exception of class `kind` that the call must raise."""
    with pytest.raises(kind) as caught:
        call(*args, **kwargs)
    return caught.value.text
