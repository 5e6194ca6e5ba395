"""Declaring and deleting queues: texts, order of checks, what it changes (spec 5.1, 5.2)."""

import re
from typing import Any

import pytest

from tests.unit.vhosts.fakes import Authority, declare_queue, make_vhost, refusal
from vhosts.errors import AccessRefused, NotFound, PreconditionFailed, ResourceLocked

Q = "queue 'q' in vhost '/'"
CLASSIC = {"x-queue-type": ("S", "classic")}
LOCKED = (
    f"cannot obtain exclusive access to locked {Q}. It could be originally declared on another "
    "connection or the exclusive property value does not match that of the original declaration."
)


@pytest.fixture
def vhost():
    return make_vhost()


def test_declare(vhost):
    queue = declare_queue(vhost, "q", durable=True)
    assert vhost.queues == {"q": queue}
    assert queue.arguments == CLASSIC
    assert vhost.topology == 1
    assert declare_queue(vhost, "q", durable=True) is queue
    assert vhost.topology == 1
    assert vhost.store.names() == ["save_queue"]


def test_each_queue_has_its_own_id(vhost):
    ids = {declare_queue(vhost, name, durable=name < "c").id for name in "abcd"}
    assert len(ids) == 4


def test_transient_queues_are_not_stored(vhost):
    vhost.delete_queue(declare_queue(vhost, "q"))
    assert vhost.store.calls == []


def test_inequivalent_properties(vhost):
    declare_queue(vhost, "q", durable=True)
    text = refusal(PreconditionFailed, declare_queue, vhost, "q", auto_delete=True)
    assert text == (f"inequivalent arg 'durable' for {Q}: received 'false' but current is 'true'")
    text = refusal(PreconditionFailed, declare_queue, vhost, "q", durable=True, auto_delete=True)
    assert text == (
        f"inequivalent arg 'auto_delete' for {Q}: received 'true' but current is 'false'"
    )


def test_inequivalent_arguments(vhost):
    declare_queue(vhost, "q", arguments={"x-expires": ("I", 5), "x-mine": ("I", 1)})
    declare_queue(vhost, "q", arguments={"x-expires": ("l", 5), "x-mine": ("I", 2)})
    text = refusal(PreconditionFailed, declare_queue, vhost, "q")
    assert text == (
        f"inequivalent arg 'x-expires' for {Q}: "
        "received none but current is the value '5' of type 'signedint'"
    )
    assert vhost.queues["q"].arguments["x-mine"] == ("I", 1)


def test_equivalence_comes_before_validation(vhost):
    declare_queue(vhost, "q")
    text = refusal(
        PreconditionFailed, declare_queue, vhost, "q", arguments={"x-queue-type": ("S", "foo")}
    )
    assert text == (
        f"inequivalent arg 'x-queue-type' for {Q}: received 'foo' but current is 'classic'"
    )


def test_an_explicit_classic_is_the_default(vhost):
    queue = declare_queue(vhost, "q")
    assert declare_queue(vhost, "q", arguments=CLASSIC) is queue
    text = refusal(
        PreconditionFailed,
        declare_queue,
        vhost,
        "q",
        arguments={"x-queue-type": ("S", "quorum")},
    )
    assert text == (
        f"inequivalent arg 'x-queue-type' for {Q}: received 'quorum' but current is 'classic'"
    )


# -- exclusive ---------------------------------------------------------------------------------


def test_exclusive(vhost):
    owner = object()
    queue = declare_queue(vhost, "q", durable=True, owner=owner)
    assert queue.durable is False
    assert declare_queue(vhost, "q", owner=owner) is queue
    assert declare_queue(vhost, "q", durable=True, owner=owner) is queue
    assert vhost.queue("q", owner) is queue
    assert vhost.passive_declare_queue("q", owner) is queue
    assert vhost.store.calls == []


def test_exclusive_to_another(vhost):
    declare_queue(vhost, "q", owner=object())
    other = object()
    # checked before the other properties
    arguments = {"durable": True, "auto_delete": True}
    assert refusal(ResourceLocked, declare_queue, vhost, "q", owner=other, **arguments) == LOCKED
    assert refusal(ResourceLocked, declare_queue, vhost, "q", **arguments) == LOCKED
    assert refusal(ResourceLocked, vhost.passive_declare_queue, "q", other) == LOCKED
    assert refusal(ResourceLocked, vhost.queue, "q", other) == LOCKED
    assert refusal(ResourceLocked, vhost.delete_queue_checked, "q", other, False, False) == LOCKED


def test_a_shared_queue_cannot_become_exclusive(vhost):
    queue = declare_queue(vhost, "q")
    assert refusal(ResourceLocked, declare_queue, vhost, "q", owner=object()) == LOCKED
    assert vhost.queue("q", object()) is queue


def test_exclusive_queues_go_with_their_owner(vhost):
    owner = object()
    mine = [declare_queue(vhost, name, owner=owner) for name in ("a", "b", "c")]
    others = declare_queue(vhost, "d", owner=object())
    vhost.delete_queue(mine[1])
    vhost.delete_exclusive_queues(owner)
    assert vhost.queues == {"d": others}
    assert [queue.closed for queue in mine] == [1, 1, 1]
    vhost.delete_exclusive_queues(owner)


# -- names -------------------------------------------------------------------------------------


def test_server_named(vhost):
    names = {declare_queue(vhost, name).name for name in ("", "", "\r\n")}
    assert len(names) == 3
    assert all(re.fullmatch(r"amq\.gen-[A-Za-z0-9_-]{22}", name) for name in names)
    name = names.pop()
    assert vhost.passive_declare_queue(name, None).name == name
    text = refusal(AccessRefused, declare_queue, vhost, name)
    assert text == f"queue name '{name}' contains reserved prefix 'amq.*'"


def test_server_named_with_a_prefix(vhost):
    queue = declare_queue(vhost, "", arguments={"x-name-prefix": ("S", "mine"), "a": ("I", 1)})
    assert re.fullmatch(r"mine-[A-Za-z0-9_-]{22}", queue.name)
    assert queue.arguments == {"a": ("I", 1), **CLASSIC}
    long = {"x-name-prefix": ("S", "é" * 33)}
    text = refusal(PreconditionFailed, declare_queue, vhost, "", arguments=long)
    assert text == f"Queue name prefix '{'é' * 33}' exceeds the 64-byte limit"
    assert declare_queue(vhost, "", arguments={"x-name-prefix": ("S", "é" * 32)})


@pytest.mark.parametrize("queue_type", ["quorum", "stream"])
def test_server_named_is_for_classic_queues(vhost, queue_type):
    arguments = {"x-queue-type": ("S", queue_type)}
    text = refusal(PreconditionFailed, declare_queue, vhost, "", durable=True, arguments=arguments)
    assert text == f"Cannot declare a server-named queue for type rabbit_{queue_type}_queue"


def test_permission_is_asked_for_the_generated_name(vhost):
    authority = Authority()
    queue = declare_queue(vhost, "", authorise=authority)
    assert authority.asked == [("configure", "queue", queue.name)]


def test_reserved_names(vhost):
    text = refusal(AccessRefused, declare_queue, vhost, "amq.foo")
    assert text == "queue name 'amq.foo' contains reserved prefix 'amq.*'"
    text = refusal(NotFound, vhost.passive_declare_queue, "amq.foo", None)
    assert text == "no queue 'amq.foo' in vhost '/'"


def test_line_ends_in_names_are_dropped(vhost):
    queue = declare_queue(vhost, "a\r\nb")
    assert queue.name == "ab"
    assert vhost.passive_declare_queue("\nab", None) is queue
    vhost.delete_queue_checked("a\rb", None, False, False)
    assert vhost.queues == {}


def test_passive_declare_of_nothing(vhost):
    text = refusal(NotFound, vhost.passive_declare_queue, "", None)
    assert text == "no queue '' in vhost '/'"
    assert refusal(NotFound, vhost.queue, "q") == f"no {Q}"


# -- order -------------------------------------------------------------------------------------


def test_order_of_checks_for_a_new_queue(vhost):
    bad = {
        "x-queue-type": ("S", "foo"),
        "x-dead-letter-exchange": ("I", 1),
        "x-expires": ("I", 0),
    }

    def declare(name="q", **more):
        with pytest.raises((AccessRefused, PreconditionFailed)) as caught:
            declare_queue(vhost, name, auto_delete=True, arguments=dict(bad), **more)
        return caught.value.text

    assert "reserved prefix" in declare("amq.x", authorise=Authority(refuse="configure"))
    assert declare(authorise=Authority(refuse="configure")) == "configure"
    assert declare() == f"invalid type 'signedint' for arg 'x-dead-letter-exchange' in {Q}"
    bad["x-dead-letter-exchange"] = ("S", "dlx")
    assert declare(authorise=Authority(refuse="read")) == "read"
    assert declare(authorise=Authority(refuse="write")) == "write"
    assert declare() == f"invalid arg 'x-queue-type' for {Q}: \"unsupported queue type 'foo'\""
    bad["x-queue-type"] = ("S", "quorum")
    assert declare() == f"invalid arg 'x-expires' for {Q}: {{value_zero,0}}"
    bad["x-expires"] = ("I", 1)
    assert declare() == f"invalid property 'auto-delete' for {Q}"
    assert vhost.queues == {}
    assert vhost.topology == 0


def test_dead_letter_exchange_asks_for_more_when_new(vhost):
    authority = Authority()
    arguments = {"x-dead-letter-exchange": ("S", "")}
    for _ in range(2):
        declare_queue(vhost, "q", arguments=arguments, authorise=authority)
    assert authority.asked == [
        ("configure", "queue", "q"),
        ("read", "queue", "q"),
        ("write", "exchange", ""),
        ("configure", "queue", "q"),
    ]


def test_passive_declare_wants_any_permission_before_existence(vhost):
    authority = Authority(refuse="any")
    assert refusal(AccessRefused, vhost.passive_declare_queue, "q", None, authority) == "any"


# -- queue types -------------------------------------------------------------------------------


def test_default_queue_type_where_it_fits():
    vhost = make_vhost()
    vhost.describe({"default_queue_type": "quorum"})
    declarations: list[dict[str, Any]] = [
        {"durable": True},
        {"durable": False},
        {"durable": True, "auto_delete": True},
        {"durable": True, "owner": object()},
        {"durable": True, "arguments": CLASSIC},
    ]
    types = [
        declare_queue(vhost, str(number), **properties).arguments["x-queue-type"][1]
        for number, properties in enumerate(declarations)
    ]
    assert types == ["quorum", "classic", "classic", "classic", "classic"]
    assert declare_queue(vhost, "0", durable=True) is vhost.queues["0"]


def test_streams_and_quorum_queues_must_be_durable(vhost):
    arguments = {"x-queue-type": ("S", "stream")}
    text = refusal(PreconditionFailed, declare_queue, vhost, "q", arguments=arguments)
    assert text == f"invalid property 'non-durable' for {Q}"
    properties = {"durable": True, "owner": object()}
    text = refusal(PreconditionFailed, declare_queue, vhost, "q", arguments=arguments, **properties)
    assert text == f"invalid property 'exclusive-owner' for {Q}"


# -- delete ------------------------------------------------------------------------------------


def test_delete_counts_ready_messages(vhost):
    queue = declare_queue(vhost, "q", durable=True)
    queue.message_count = 3
    assert vhost.delete_queue_checked("q", None, False, False) == 3
    assert queue.closed == 1
    assert vhost.queues == {}
    assert vhost.topology == 2
    assert vhost.store.names() == ["save_queue", "delete_queue"]


def test_deleting_what_is_missing_is_fine_with_permission(vhost):
    authority = Authority()
    assert vhost.delete_queue_checked("q", None, True, True, authority) == 0
    assert authority.asked == [("configure", "queue", "q")]
    refusal(
        AccessRefused,
        vhost.delete_queue_checked,
        "q",
        None,
        False,
        False,
        Authority(refuse="configure"),
    )


def test_delete_conditions(vhost):
    queue = declare_queue(vhost, "q")
    queue.consumer_count = queue.message_count = 1
    delete = vhost.delete_queue_checked
    assert refusal(PreconditionFailed, delete, "q", None, True, True) == f"{Q} not empty"
    assert refusal(PreconditionFailed, delete, "q", None, True, False) == f"{Q} in use"
    assert vhost.queues == {"q": queue}
    queue.consumer_count = queue.message_count = 0
    assert delete("q", None, True, True) == 0


def test_a_queue_dies_once(vhost):
    queue = declare_queue(vhost, "q", auto_delete=True)
    # the end of its consumers wants to delete an auto-delete queue again
    queue.on_close = lambda: vhost.delete_queue(queue)
    vhost.delete_queue(queue)
    assert queue.closed == 1
    namesake = declare_queue(vhost, "q")
    vhost.delete_queue(queue)
    assert vhost.queues == {"q": namesake}
