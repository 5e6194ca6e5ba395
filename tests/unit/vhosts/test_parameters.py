"""Runtime parameters: components, values, what is refused (management.md 2.8, 3.13)."""

import re

import pytest

from tests.unit.vhosts.fakes import RecordingStore, make_vhost, refusal
from vhosts.errors import InvalidValue
from vhosts.limits import Limits
from vhosts.parameters import Parameter, Parameters

URI = "amqp://user:secret@host"
SHOVEL = {"src-uri": URI, "dest-uri": [URI, "amqps://b"], "src-queue": "a", "dest-queue": "b"}
OPERATOR = {"pattern": "q", "definition": {"max-length": 1}, "priority": 0}


class World:
    """Virtual hosts by name, with their limits."""

    def __init__(self, *vhosts):
        self.store = RecordingStore()
        self.limits = Limits(self.store)
        self._vhosts = {vhost.name: vhost for vhost in vhosts}

    def __iter__(self):
        return iter(self._vhosts.values())

    def get(self, name):
        return self._vhosts.get(name)

    def set_limits(self, name, values):
        self.limits.set_vhost(name, values)


@pytest.fixture
def world():
    return World(make_vhost())


@pytest.fixture
def parameters(world):
    return Parameters(world.store, world)


def refused(parameters, component, name, value):
    text = refusal(InvalidValue, parameters.set, component, "/", name, value)
    assert text.startswith("Validation failed\n\n")
    return text.removeprefix("Validation failed\n\n")


def test_kept_and_shown(world, parameters):
    world.store.calls.clear()
    parameters.set("shovel", "/", "s", SHOVEL)
    shown = Parameter("shovel", "/", "s", SHOVEL)
    assert parameters.get("shovel", "/", "s") == shown
    assert parameters.list() == parameters.list("shovel") == parameters.list("shovel", "/")
    assert parameters.list() == [shown]
    assert parameters.list("shovel", "other") == parameters.list("bogus") == []
    assert parameters.delete("shovel", "/", "s")
    assert not parameters.delete("shovel", "/", "s")
    assert parameters.get("shovel", "/", "s") is None
    assert world.store.calls == [
        ("save_parameter", "/", "shovel", "s", SHOVEL),
        ("delete_parameter", "/", "shovel", "s"),
    ]


def test_unknown_components(parameters):
    assert refused(parameters, "bogus", "x", 1) == "component bogus not found\n"
    assert parameters.get("bogus", "/", "x") is None
    assert not parameters.delete("bogus", "/", "x")


def test_limits_of_virtual_hosts(world, parameters):
    parameters.set("vhost-limits", "/", "limits", {"max-queues": 7})
    assert world.limits.of_vhost("/") == {"max-queues": 7}
    assert parameters.list() == [Parameter("vhost-limits", "/", "limits", {"max-queues": 7})]
    assert parameters.delete("vhost-limits", "/", "limits")
    assert world.limits.of_vhost("/") == {}
    assert not parameters.delete("vhost-limits", "/", "limits")
    assert refused(parameters, "vhost-limits", "limits", 1) == "limits not a list 1\n"
    assert "other not recognised" in refused(parameters, "vhost-limits", "other", {})


def test_operator_policies(world, parameters):
    parameters.set("operator_policy", "/", "o", OPERATOR)
    assert world.get("/").operator_policies.get("o").definition == {"max-length": 1}
    assert parameters.get("operator_policy", "/", "o").value == {**OPERATOR, "apply-to": "all"}
    assert parameters.delete("operator_policy", "/", "o")
    assert not len(world.get("/").operator_policies)
    assert refused(parameters, "operator_policy", "x", 1) == "x not a list 1\n"
    assert refused(parameters, "operator_policy", "x", {"a": 1}) == (
        'Unrecognised terms [{<<"a">>,1}] in x\n'
        'Key "definition" not found in x\n'
        'Key "pattern" not found in x\n'
        'Key "priority" not found in x\n'
    )


def test_policies_are_shown_one_by_one_and_never_set(world, parameters):
    world.get("/").policies.set("p", pattern="q", definition={"max-length": 1})
    assert parameters.get("policy", "/", "p").value == {**OPERATOR, "apply-to": "all"}
    assert parameters.list() == parameters.list("policy") == []
    text = refusal(InvalidValue, parameters.set, "policy", "/", "p", OPERATOR)
    assert text == "policies may not be set using this method"
    assert parameters.delete("policy", "/", "p")


@pytest.mark.parametrize(
    ("component", "value"),
    [
        ("shovel", SHOVEL | {"ack-mode": "on-confirm", "reconnect-delay": 5}),
        ("shovel", SHOVEL | {"src-delete-after": "never", "src-prefetch-count": 10}),
        ("shovel", SHOVEL | {"delete-after": 100, "publish-properties": {"delivery_mode": 2}}),
        ("federation-upstream", {"uri": URI}),
        ("federation-upstream", {"uri": [URI], "max-hops": 2, "trust-user-id": False}),
        ("federation-upstream-set", [{"upstream": "a"}, {"upstream": "b", "exchange": "x"}]),
        ("federation-upstream-set", []),
    ],
)
def test_values_that_are_taken(parameters, component, value):
    parameters.set(component, "/", "x", value)
    assert parameters.get(component, "/", "x").value == value


@pytest.mark.parametrize(
    ("component", "value", "text"),
    [
        ("shovel", None, "x not a list null"),
        ("shovel", {"src-uri": URI}, 'Key "dest-uri" not found in x'),
        ("shovel", SHOVEL | {"bogus": 1}, 'Unrecognised terms [{<<"bogus">>,1}] in x'),
        ("shovel", SHOVEL | {"src-uri": 1}, "src-uri should be an AMQP URI or a list of such"),
        ("shovel", SHOVEL | {"src-uri": []}, "src-uri should be an AMQP URI or a list of such"),
        ("shovel", SHOVEL | {"src-queue": 1}, "src-queue should be binary, actually was 1"),
        (
            "shovel",
            SHOVEL | {"reconnect-delay": "a"},
            'reconnect-delay should be a number, actually was <<"a">>',
        ),
        (
            "shovel",
            SHOVEL | {"src-delete-after": "a"},
            'src-delete-after should be one of never, queue-length, actually was <<"a">>',
        ),
        (
            "shovel",
            SHOVEL | {"dest-add-forward-headers": 1},
            "dest-add-forward-headers should be boolean, actually was 1",
        ),
        ("shovel", SHOVEL | {"publish-properties": 1}, "publish-properties should be a map, actu"),
        ("federation-upstream", {}, 'Key "uri" not found in x'),
        ("federation-upstream", {"uri": "http://[x"}, "uri should be an AMQP URI"),
        ("federation-upstream-set", {}, "x not a list #{}"),
        ("federation-upstream-set", [{}], 'Key "upstream" not found in x'),
    ],
)
def test_values_that_are_refused(parameters, component, value, text):
    assert refused(parameters, component, "x", value).startswith(text)
    assert parameters.list() == []


def test_a_password_in_an_address_is_not_shown(parameters):
    assert "secret" not in refused(parameters, "federation-upstream", "x", {"uri": [URI, 1]})


def test_global_parameters(world, parameters):
    world.store.calls.clear()
    parameters.globals.set("mine", {"a": [1]})
    parameters.globals.set("null", None)
    assert parameters.globals.get("mine") == {"a": [1]}
    assert "null" in parameters.globals
    assert [name for name, _ in parameters.globals] == ["internal_cluster_id", "mine", "null"]
    assert parameters.globals.delete("mine")
    assert not parameters.globals.delete("mine")
    assert world.store.calls == [
        ("save_parameter", "", "", "mine", {"a": [1]}),
        ("save_parameter", "", "", "null", None),
        ("delete_parameter", "", "", "mine"),
    ]


def test_the_cluster_has_an_id_that_stays(world, parameters):
    made = parameters.globals.get("internal_cluster_id")
    assert re.fullmatch(r"rabbitmq-cluster-id-[\w-]{22}", made)
    again = Parameters(world.store, world, [("", "", "internal_cluster_id", made)])
    assert again.globals.get("internal_cluster_id") == made


def test_from_the_store(world):
    rows = [("/", "shovel", "s", SHOVEL), ("/", "unheard-of", "u", 1), ("", "", "g", 1)]
    parameters = Parameters(world.store, world, rows)
    assert parameters.list() == [Parameter("shovel", "/", "s", SHOVEL)]
    assert parameters.globals.get("g") == 1
    parameters.forget_vhost("/")
    assert parameters.list() == []
