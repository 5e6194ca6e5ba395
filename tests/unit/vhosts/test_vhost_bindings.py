"""Bind and unbind, and what ends with a binding (spec 4.3, 4.4)."""

import pytest

from tests.unit.vhosts.fakes import (
    Authority,
    declare_exchange,
    declare_queue,
    make_vhost,
    refusal,
)
from vhosts.errors import AccessRefused, NotFound, PreconditionFailed, ResourceLocked


@pytest.fixture
def vhost():
    vhost = make_vhost()
    declare_exchange(vhost, "x", "topic")
    declare_exchange(vhost, "y", "topic")
    declare_queue(vhost, "q")
    return vhost


def bind(vhost, source, destination, kind="queue", key="k", arguments=None, **more):
    return vhost.bind(source, destination, kind, key, arguments or {}, **{"owner": None, **more})


def unbind(vhost, source, destination, kind="queue", key="k", arguments=None, **more):
    vhost.unbind(source, destination, kind, key, arguments or {}, **{"owner": None, **more})


def leading_to(vhost, destination):
    return [(each.source.name, each.routing_key) for each in vhost.bindings.to(destination)]


def test_bind_and_unbind(vhost):
    topology = vhost.topology
    binding = bind(vhost, "x", "q")
    assert binding.destination is vhost.queues["q"]
    assert leading_to(vhost, vhost.queues["q"]) == [("x", "k")]
    assert vhost.topology == topology + 1
    unbind(vhost, "x", "q")
    assert leading_to(vhost, vhost.queues["q"]) == []
    assert not vhost.exchanges["x"].bindings
    assert vhost.topology == topology + 2


def test_the_same_twice_is_once(vhost):
    arguments = {"a": ("I", 1), "b": ("S", "x")}
    assert bind(vhost, "x", "q", arguments=arguments)
    topology = vhost.topology
    assert bind(vhost, "x", "q", arguments=dict(reversed(arguments.items()))) is None
    assert vhost.topology == topology


def test_other_arguments_are_another_binding(vhost):
    bind(vhost, "x", "q", arguments={"a": ("I", 1)})
    bind(vhost, "x", "q", arguments={"a": ("I", 2)})
    unbind(vhost, "x", "q", arguments={"a": ("I", 1)})
    assert [each.arguments for each in vhost.bindings.to(vhost.queues["q"])] == [{"a": ("I", 2)}]


def test_unbinding_what_is_missing_is_fine(vhost):
    topology = vhost.topology
    unbind(vhost, "x", "q")
    unbind(vhost, "missing", "q")
    unbind(vhost, "x", "missing")
    unbind(vhost, "x", "missing", "exchange")
    assert vhost.topology == topology


@pytest.mark.parametrize(
    ("source", "destination", "kind", "text"),
    [
        ("no", "q", "queue", "no exchange 'no' in vhost '/'"),
        ("no", "nor", "queue", "no exchange 'no' in vhost '/'"),
        ("x", "nor", "queue", "no queue 'nor' in vhost '/'"),
        ("x", "nor", "exchange", "no exchange 'nor' in vhost '/'"),
    ],
)
def test_binding_what_is_missing(vhost, source, destination, kind, text):
    assert refusal(NotFound, bind, vhost, source, destination, kind) == text


@pytest.mark.parametrize("call", [bind, unbind])
@pytest.mark.parametrize(
    ("source", "destination", "kind"),
    [("", "q", "queue"), ("", "x", "exchange"), ("x", "", "exchange"), ("\n", "q", "queue")],
)
def test_the_default_exchange_is_bound_to_nothing(vhost, call, source, destination, kind):
    text = refusal(AccessRefused, call, vhost, source, destination, kind)
    assert text == "operation not permitted on the default exchange"


@pytest.mark.parametrize("call", [bind, unbind])
def test_order_of_checks(vhost, call):
    reply_queue = "amq.rabbitmq.reply-to.abc"
    authority = Authority(refuse="write")
    text = refusal(AccessRefused, call, vhost, "", reply_queue, authorise=authority)
    assert text == "cannot bind or unbind to a volatile (direct reply-to) queue"
    assert authority.asked == []
    # write on the destination, then the default exchange, then read on the source
    assert refusal(AccessRefused, call, vhost, "", "q", authorise=authority) == "write"
    authority = Authority(refuse="read")
    text = refusal(AccessRefused, call, vhost, "", "q", authorise=authority)
    assert text == "operation not permitted on the default exchange"
    assert refusal(AccessRefused, call, vhost, "no", "nor", authorise=authority) == "read"
    assert authority.asked == [
        ("write", "queue", "q"),
        ("write", "queue", "nor"),
        ("read", "exchange", "no"),
    ]


def test_the_bare_reply_queue_is_just_missing(vhost):
    refusal(NotFound, bind, vhost, "x", "amq.rabbitmq.reply-to")
    unbind(vhost, "x", "amq.rabbitmq.reply-to")


def test_line_ends_in_names_are_dropped(vhost):
    assert bind(vhost, "x\r", "\nq")
    unbind(vhost, "\r\nx", "q\n")
    assert not vhost.exchanges["x"].bindings


def test_an_exclusive_queue_is_its_owners(vhost):
    owner = object()
    declare_queue(vhost, "mine", owner=owner)
    text = refusal(ResourceLocked, bind, vhost, "x", "mine", owner=object())
    assert text.startswith("cannot obtain exclusive access to locked queue 'mine' in vhost '/'.")
    bind(vhost, "x", "mine", owner=owner)
    refusal(ResourceLocked, unbind, vhost, "x", "mine", owner=object())
    unbind(vhost, "x", "mine", key="other", owner=object())
    unbind(vhost, "x", "mine", owner=owner)
    assert not vhost.exchanges["x"].bindings


def test_what_the_type_cannot_take(vhost):
    topology = vhost.topology
    text = refusal(PreconditionFailed, bind, vhost, "x", "q", key="#.#.#")
    assert text == "Topic binding key '#.#.#' uses 3 '#' wildcards, at most 2 are allowed"
    assert vhost.topology == topology
    assert leading_to(vhost, vhost.queues["q"]) == []


def test_only_bindings_between_durable_ends_are_stored(vhost):
    declare_exchange(vhost, "dx", "topic", durable=True)
    declare_queue(vhost, "dq", durable=True)
    vhost.store.calls.clear()
    for source, destination in [("dx", "dq"), ("dx", "q"), ("x", "dq"), ("x", "q")]:
        bind(vhost, source, destination)
    unbind(vhost, "dx", "q")
    assert vhost.store.calls == [("save_binding", "/", ("dx", "dq", "queue", "k", {}))]
    unbind(vhost, "dx", "dq")
    assert vhost.store.calls[1:] == [("delete_binding", "/", ("dx", "dq", "queue", "k", {}))]


# -- auto-delete -------------------------------------------------------------------------------


def auto_delete(vhost, *names):
    for name in names:
        declare_exchange(vhost, name, "topic", auto_delete=True)


def test_an_auto_delete_exchange_goes_with_its_last_binding(vhost):
    auto_delete(vhost, "a")
    assert "a" in vhost.exchanges
    bind(vhost, "a", "q", key="1")
    bind(vhost, "a", "q", key="2")
    unbind(vhost, "a", "q", key="1")
    assert "a" in vhost.exchanges
    unbind(vhost, "a", "q", key="2")
    assert "a" not in vhost.exchanges


def test_being_a_destination_does_not_count(vhost):
    auto_delete(vhost, "a")
    bind(vhost, "x", "a", "exchange")
    unbind(vhost, "x", "a", "exchange")
    assert "a" in vhost.exchanges


def test_a_queue_takes_its_auto_delete_exchanges_along(vhost):
    auto_delete(vhost, "a", "b")
    bind(vhost, "a", "q", key="1")
    bind(vhost, "a", "q", key="2")
    bind(vhost, "b", "q")
    bind(vhost, "b", "x", "exchange")
    vhost.delete_queue(vhost.queues["q"])
    assert "a" not in vhost.exchanges
    assert "b" in vhost.exchanges


def test_it_goes_on_along_a_chain(vhost):
    auto_delete(vhost, "a", "b", "c")
    bind(vhost, "a", "b", "exchange")
    bind(vhost, "b", "c", "exchange")
    bind(vhost, "x", "a", "exchange")
    bind(vhost, "c", "q")
    unbind(vhost, "c", "q")
    assert not {"a", "b", "c"} & set(vhost.exchanges)
    assert not vhost.exchanges["x"].bindings


def test_a_loop_of_exchanges_ends(vhost):
    auto_delete(vhost, "a", "b")
    bind(vhost, "a", "b", "exchange")
    bind(vhost, "b", "a", "exchange")
    bind(vhost, "a", "a", "exchange")
    vhost.delete_exchange("a", False)
    assert not {"a", "b"} & set(vhost.exchanges)


def test_deleting_an_exchange_removes_bindings_on_both_sides(vhost):
    bind(vhost, "x", "y", "exchange")
    bind(vhost, "y", "q")
    vhost.delete_exchange("y", False)
    assert not vhost.exchanges["x"].bindings
    assert leading_to(vhost, vhost.queues["q"]) == []


def test_stored_things_that_cascade_leave_the_store(vhost):
    declare_exchange(vhost, "a", "topic", durable=True, auto_delete=True)
    declare_queue(vhost, "dq", durable=True)
    bind(vhost, "a", "dq")
    vhost.store.calls.clear()
    vhost.delete_queue(vhost.queues["dq"])
    assert sorted(vhost.store.names()) == ["delete_binding", "delete_exchange", "delete_queue"]


# -- replay ------------------------------------------------------------------------------------


def test_a_new_binding_gets_what_it_is_due(monkeypatch):
    replayed = []
    vhost = make_vhost(replay=lambda _, binding, messages: replayed.append((binding, messages)))
    declare_queue(vhost, "q")
    exchange = declare_exchange(vhost, "x", "fanout")
    first = bind(vhost, "x", "q", key="1")
    assert replayed == []
    monkeypatch.setattr(type(exchange), "on_bound", lambda self, binding: ["m1", "m2"])
    assert bind(vhost, "x", "q", key="1") is None
    second = bind(vhost, "x", "q", key="2")
    assert replayed == [(second, ["m1", "m2"])]
    assert first is not second
