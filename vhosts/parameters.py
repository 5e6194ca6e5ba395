"""Runtime parameters: by component, virtual host and name, and global ones (spec 2.8, 3.13 of the
management reference).

Here: which components there are, and the values of those that nothing here acts on (shovels,
federation). Not here: limits and operator policies, which are parameters in name only (limits.py,
policies.py); what the values of a component may be (parameter_checks.py).
"""

import secrets
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, Protocol

from vhosts import errors, parameter_checks
from vhosts.enforcement import as_parameter
from vhosts.limits import VHOST_COMPONENT, VHOST_NAME, Limits, Values
from vhosts.policies import OPERATOR_COMPONENT, Policies

POLICY_COMPONENT = "policy"
JOBS = "leveret-jobs"
"""The component of what is kept of work on messages, by its number; in no list."""
GLOBAL = ""
"""What global parameters have for a component in the store, and for a virtual host."""

CLUSTER_ID, CLUSTER_NAME = "internal_cluster_id", "cluster_name"


class ParameterStore(Protocol):
    """Where parameters survive."""

    def save_parameter(self, vhost: str, component: str, name: str, value: Any) -> None: ...

    def delete_parameter(self, vhost: str, component: str, name: str) -> None: ...


class Parameter(NamedTuple):
    """One runtime parameter; `value` is anything that JSON can hold."""

    component: str
    vhost: str
    name: str
    value: Any


class World(Protocol):
    """The virtual hosts, as parameters need them."""

    limits: Limits

    def __iter__(self) -> Iterator[Any]: ...
    def get(self, name: str) -> Any: ...
    def set_limits(self, name: str, values: Values) -> None: ...


class Component(Protocol):
    """The parameters of one component. Methods take the name of a virtual host that exists."""

    def set(self, vhost: str, name: str, value: Any) -> None:
        """Raises InvalidValue."""

    def delete(self, vhost: str, name: str) -> bool:
        """Whether there was such a one."""

    def all(self, vhost: str) -> dict[str, Any]:
        """Values by name."""


class _Kept:
    """A component whose parameters are kept and shown, and no more."""

    def __init__(
        self, component: str, check: Callable[[str, Any], None], store: ParameterStore
    ) -> None:
        self.component = component
        self._check = check
        self._store = store
        self.values: dict[str, dict[str, Any]] = {}

    def set(self, vhost: str, name: str, value: Any) -> None:
        self._check(name, value)
        self.values.setdefault(vhost, {})[name] = value
        self._store.save_parameter(vhost, self.component, name, value)

    def delete(self, vhost: str, name: str) -> bool:
        if name not in self.values.get(vhost, {}):
            return False
        del self.values[vhost][name]
        self._store.delete_parameter(vhost, self.component, name)
        return True

    def all(self, vhost: str) -> dict[str, Any]:
        return self.values.get(vhost, {})


class _VhostLimits:
    """The limits of a virtual host, all in one parameter."""

    def __init__(self, world: World) -> None:
        self._world = world

    def set(self, vhost: str, name: str, value: Any) -> None:
        if name != VHOST_NAME:
            raise errors.validation_failed(
                f"{name} not recognised, vhost limits are '{VHOST_NAME}'"
            )
        parameter_checks.check_object(name, value)
        try:
            self._world.set_limits(vhost, value)
        except errors.InvalidValue as error:
            raise errors.validation_failed(error.text) from None

    def delete(self, vhost: str, name: str) -> bool:
        if name not in self.all(vhost):
            return False
        self._world.set_limits(vhost, {})
        return True

    def all(self, vhost: str) -> dict[str, Any]:
        values = self._world.limits.of_vhost(vhost)
        return {VHOST_NAME: values} if values else {}


class _OperatorPolicies:
    """Operator policies, which can be set this way, too."""

    def __init__(self, world: World) -> None:
        self._world = world

    def _of(self, vhost: str) -> Policies:
        policies: Policies = self._world.get(vhost).operator_policies
        return policies

    def set(self, vhost: str, name: str, value: Any) -> None:
        parameter_checks.check_policy(name, value)
        self._of(vhost).set(
            name,
            pattern=value["pattern"],
            definition=value["definition"],
            priority=value["priority"],
            apply_to=value.get("apply-to", "all"),
        )

    def delete(self, vhost: str, name: str) -> bool:
        return self._of(vhost).delete(name)

    def all(self, vhost: str) -> dict[str, Any]:
        return {policy.name: as_parameter(policy) for policy in self._of(vhost)}


class _Policies:
    """Policies: shown one by one, in no list, and never set this way."""

    def __init__(self, world: World) -> None:
        self._world = world

    def set(self, vhost: str, name: str, value: Any) -> None:
        raise errors.InvalidValue("policies may not be set using this method")

    def delete(self, vhost: str, name: str) -> bool:
        return bool(self._world.get(vhost).policies.delete(name))

    def all(self, vhost: str) -> dict[str, Any]:
        return {policy.name: as_parameter(policy) for policy in self._world.get(vhost).policies}


class GlobalParameters:
    """Parameters of the broker as a whole, by name; values are anything that JSON can hold."""

    def __init__(self, store: ParameterStore) -> None:
        self._store = store
        self.values: dict[str, Any] = {}

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        return iter(sorted(self.values.items()))

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def get(self, name: str) -> Any:
        """None where it is missing, or null."""
        return self.values.get(name)

    def set(self, name: str, value: Any) -> None:
        self.values[name] = value
        self._store.save_parameter(GLOBAL, GLOBAL, name, value)

    def delete(self, name: str) -> bool:
        """Whether there was such a one."""
        if name not in self.values:
            return False
        del self.values[name]
        self._store.delete_parameter(GLOBAL, GLOBAL, name)
        return True


class Parameters:
    """All runtime parameters of all virtual hosts; `globals` are the global ones, `jobs` those of
    JOBS, which the store keeps with them.

    `rows` are what the store holds: (vhost, component, name, value).
    """

    def __init__(
        self,
        store: ParameterStore,
        world: World,
        rows: Iterable[tuple[str, str, str, Any]] = (),
    ) -> None:
        self._world = world
        kept = [_Kept(*row, store) for row in parameter_checks.KEPT.items()]
        self._components: dict[str, Component] = {each.component: each for each in kept}
        self._kept = {each.component: each for each in kept}
        self._components[VHOST_COMPONENT] = _VhostLimits(world)
        self._components[OPERATOR_COMPONENT] = _OperatorPolicies(world)
        self._policies = _Policies(world)
        self.globals = GlobalParameters(store)
        self.jobs = self._kept[JOBS] = _Kept(JOBS, lambda name, value: None, store)
        for vhost, component, name, value in rows:
            if component in self._kept:
                self._kept[component].values.setdefault(vhost, {})[name] = value
            elif (vhost, component) == (GLOBAL, GLOBAL):
                self.globals.values[name] = value
        if CLUSTER_ID not in self.globals:
            self.globals.set(CLUSTER_ID, f"rabbitmq-cluster-id-{secrets.token_urlsafe(16)}")

    def list(self, component: str | None = None, vhost: str | None = None) -> list[Parameter]:
        """Those of one component and one virtual host, or of all; policies are in no list."""
        names = sorted(self._components) if component is None else [component]
        vhosts = [each.name for each in self._world] if vhost is None else [vhost]
        return [
            Parameter(name, where, *item)
            for name in names
            if name in self._components
            for where in sorted(vhosts)
            for item in sorted(self._components[name].all(where).items())
        ]

    def get(self, component: str, vhost: str, name: str) -> Parameter | None:
        """The parameter of a virtual host that exists."""
        found = self._find(component)
        values = {} if found is None else found.all(vhost)
        return Parameter(component, vhost, name, values[name]) if name in values else None

    def set(self, component: str, vhost: str, name: str, value: Any) -> None:
        """Makes or replaces a parameter of a virtual host that exists.

        Raises InvalidValue for an unknown component and for values that it cannot take.
        """
        found = self._find(component)
        if found is None:
            raise errors.validation_failed(f"component {component} not found")
        found.set(vhost, name, value)

    def delete(self, component: str, vhost: str, name: str) -> bool:
        """Whether there was such a one in this virtual host, which must exist."""
        found = self._find(component)
        return found is not None and found.delete(vhost, name)

    def _find(self, component: str) -> Component | None:
        if component == POLICY_COMPONENT:
            return self._policies
        return self._components.get(component)

    def forget_vhost(self, vhost: str) -> None:
        """A virtual host goes; the store drops its parameters with it."""
        for each in self._kept.values():
            each.values.pop(vhost, None)
