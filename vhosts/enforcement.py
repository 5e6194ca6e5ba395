"""Bringing queues and exchanges under the policies of their virtual host (spec 10.4).

Here: when it is looked at who comes under which policy. Not here: which policy that is
(policies.py), and what it does to a queue (the broker).
"""

from collections.abc import Callable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any, Generic
from weakref import ref

from exchanges.base import Exchange
from persistence.definition_store import PolicyRow
from vhosts import policy_keys
from vhosts.interfaces import Q
from vhosts.policies import EXCHANGE, OPERATOR_COMPONENT, Policies, Policy

if TYPE_CHECKING:
    from persistence.contents import Contents
    from persistence.steps import Steps
    from vhosts.vhost import VirtualHost

Later = Callable[[Callable[[], None]], object]
"""Calls a function once others had their turn."""

# What one step does before others have their turn, in looks at a queue or an exchange, of about
# a microsecond; one that comes under other policies than before costs as much as so many looks.
STEP = 1000
APPLICATION = 15


class Enforcement(Generic[Q]):
    """Keeps all queues and exchanges of one virtual host under its policies.

    A change applies to those that exist: to the first some hundred at once, to the others step by
    step in the order in which they were declared.
    """

    def __init__(self, vhost: "VirtualHost[Q]", later: Later | None) -> None:
        # Weakly, as it is the virtual host's own: it goes with the last who uses that.
        self._of = ref(vhost)
        self._later = later
        self._waiting: Iterator[Any] = iter(())
        self._scheduled = False

    @property
    def _vhost(self) -> "VirtualHost[Q]":
        vhost = self._of()
        assert vhost is not None  # who asks has it
        return vhost

    def policies(self) -> Policies:
        """The policies of the virtual host, none so far."""
        store, name = self._vhost.store, self._vhost.name

        def save(policy: Policy) -> None:
            definition, priority = policy.definition, policy.priority
            row = PolicyRow(policy.name, policy.pattern, policy.apply_to, priority, definition)
            store.save_policy(name, row)

        return Policies(save, lambda policy: store.delete_policy(name, policy), self.changed)

    def operator_policies(self) -> Policies:
        """Its operator policies, none so far: they are stored as parameters."""
        store, name = self._vhost.store, self._vhost.name

        def save(policy: Policy) -> None:
            store.save_parameter(name, OPERATOR_COMPONENT, policy.name, as_parameter(policy))

        def delete(policy: str) -> None:
            store.delete_parameter(name, OPERATOR_COMPONENT, policy)

        return Policies(save, delete, self.changed, operator=True)

    def restore(self, contents: "Contents") -> "Steps[None]":
        """Brings the stored policies back, before anything that they could apply to."""
        vhost = self._vhost
        yield from contents.policies(lambda row: vhost.policies.restore(*row))
        yield from contents.parameters(OPERATOR_COMPONENT, self._restore_operator_policy)

    def _restore_operator_policy(self, row: tuple[str, Any]) -> None:
        name, value = row
        self._vhost.operator_policies.restore(
            name, value["pattern"], value["apply-to"], value["priority"], value["definition"]
        )

    # -- applied -------------------------------------------------------------------------------

    def changed(self) -> None:
        """There are other policies now."""
        vhost = self._vhost
        everything = chain(tuple(vhost.exchanges.values()), tuple(vhost.queues.values()))
        # Whatever an earlier change has not come to is among these.
        self._waiting = everything
        if not self._scheduled:
            self._go_on()

    def end(self) -> None:
        """The virtual host is gone: nothing waits to come under other policies."""
        self._waiting = iter(())

    def _go_on(self) -> None:
        self._scheduled = False
        while self._of() is not None and self._step():
            if self._later is not None:
                self._scheduled = True
                self._later(self._go_on)
                return

    def _step(self) -> bool:
        # True where there is more to do.
        work = 0
        effort = 1 + self._vhost.policies.effort + self._vhost.operator_policies.effort
        for each in self._waiting:
            work += effort + self._apply(each)
            if work >= STEP:
                return True
        return False

    def _apply(self, each: Any) -> int:
        # What is gone by now is left alone.
        vhost = self._vhost
        if isinstance(each, Exchange):
            return self.apply_to_exchange(each) if vhost.exchanges.get(each.name) is each else 0
        queue = vhost.queues.get(each.name)
        return 0 if queue is None or queue is not each else self.apply_to_queue(queue)

    def apply_to_exchange(self, exchange: Exchange) -> int:
        """The exchange comes under what is for it now; what that cost, in looks."""
        policy = self._vhost.policies.for_(EXCHANGE, exchange.name)
        if policy is exchange.policy:
            return 0
        alternate = None if policy is None else policy.definition.get("alternate-exchange")
        exchange.come_under(policy, alternate)
        self._vhost.topology += 1
        return APPLICATION

    def apply_to_queue(self, queue: Q) -> int:
        """The queue comes under what is for it now; what that cost, in looks."""
        vhost = self._vhost
        if not vhost.policies and not vhost.operator_policies and not queue.effective_policy:
            return 0
        kind = queue.arguments.get("x-queue-type", ("S", "classic"))[1]
        policy = vhost.policies.for_(kind, queue.name)
        operator = vhost.operator_policies.for_(kind, queue.name)
        if policy is queue.policy and operator is queue.operator_policy:
            return 0
        queue.come_under(policy, operator, _effective(policy, operator))
        vhost.topology += 1
        return APPLICATION


def _effective(policy: Policy | None, operator: Policy | None) -> dict[str, Any]:
    return policy_keys.joined(
        {} if policy is None else policy.definition, {} if operator is None else operator.definition
    )


def as_parameter(policy: Policy) -> dict[str, Any]:
    """A policy as the value of a parameter (management.md 3.13)."""
    return {
        "pattern": policy.pattern,
        "definition": policy.definition,
        "priority": policy.priority,
        "apply-to": policy.apply_to,
    }
