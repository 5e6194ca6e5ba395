"""Declaring and deleting exchanges: texts, order of checks, what it changes (spec 4.1, 4.2)."""

import pytest

from tests.unit.vhosts.fakes import Authority, declare_exchange, make_vhost, refusal
from vhosts.errors import AccessRefused, NotFound, PreconditionFailed

X = "exchange 'x' in vhost '/'"


@pytest.fixture
def vhost():
    return make_vhost()


def test_every_vhost_has_these(vhost):
    assert {
        name: (exchange.type, exchange.internal) for name, exchange in vhost.exchanges.items()
    } == {
        "": ("direct", False),
        "amq.direct": ("direct", False),
        "amq.topic": ("topic", False),
        "amq.fanout": ("fanout", False),
        "amq.match": ("headers", False),
        "amq.headers": ("headers", False),
        "amq.rabbitmq.trace": ("topic", True),
    }
    assert all(each.durable and not each.auto_delete for each in vhost.exchanges.values())
    assert vhost.store.calls == []


def test_declare(vhost):
    exchange = declare_exchange(vhost, "x", "fanout", durable=True, internal=True)
    assert vhost.exchange("x") is exchange
    assert (exchange.type, exchange.durable, exchange.auto_delete, exchange.internal) == (
        "fanout",
        True,
        False,
        True,
    )
    assert vhost.topology == 1
    assert vhost.store.names() == ["save_exchange"]


def test_redeclaring_the_same_changes_nothing(vhost):
    exchange = declare_exchange(vhost, "x", arguments={"nonsense": ("I", 1)})
    assert declare_exchange(vhost, "x", arguments={"other": ("I", 2)}) is exchange
    assert vhost.topology == 1


def test_a_transient_exchange_is_not_stored(vhost):
    declare_exchange(vhost, "x")
    vhost.delete_exchange("x", False)
    assert vhost.store.calls == []


@pytest.mark.parametrize(
    ("changes", "named", "received", "current"),
    [
        ({"type_name": "topic", "durable": True}, "type", "topic", "direct"),
        ({"durable": True, "auto_delete": True}, "durable", "true", "false"),
        ({"auto_delete": True, "internal": True}, "auto_delete", "true", "false"),
        ({"internal": True}, "internal", "true", "false"),
    ],
)
def test_inequivalent_property(vhost, changes, named, received, current):
    declare_exchange(vhost, "x")
    text = refusal(PreconditionFailed, declare_exchange, vhost, "x", **changes)
    assert text == (
        f"inequivalent arg '{named}' for {X}: received '{received}' but current is '{current}'"
    )


def test_inequivalent_alternate_exchange(vhost):
    ae = {"alternate-exchange": ("S", "ae")}
    declare_exchange(vhost, "x")
    text = refusal(PreconditionFailed, declare_exchange, vhost, "x", arguments=ae)
    assert text == (
        f"inequivalent arg 'alternate-exchange' for {X}: "
        "received the value 'ae' of type 'longstr' but current is none"
    )
    declare_exchange(vhost, "y", arguments=ae)
    text = refusal(
        PreconditionFailed,
        declare_exchange,
        vhost,
        "y",
        arguments={"alternate-exchange": ("S", "other")},
    )
    assert text.endswith("received 'other' but current is 'ae'")


def test_alternate_exchange_of_another_type_is_invalid_only_at_creation(vhost):
    bad = {"alternate-exchange": ("I", 1)}
    text = refusal(PreconditionFailed, declare_exchange, vhost, "x", arguments=bad)
    assert text == f"invalid type 'signedint' for arg 'alternate-exchange' in {X}"
    declare_exchange(vhost, "x")
    text = refusal(PreconditionFailed, declare_exchange, vhost, "x", arguments=bad)
    assert text.startswith("inequivalent arg 'alternate-exchange'")


@pytest.mark.parametrize("name", ["", "\r\n"])
def test_the_default_exchange_is_nobodys(vhost, name):
    text = "operation not permitted on the default exchange"
    assert refusal(AccessRefused, declare_exchange, vhost, name) == text
    assert refusal(AccessRefused, vhost.passive_declare_exchange, name) == text
    assert refusal(AccessRefused, vhost.delete_exchange, name, False) == text


def test_reserved_names(vhost):
    text = refusal(AccessRefused, declare_exchange, vhost, "amq.foo")
    assert text == "exchange name 'amq.foo' contains reserved prefix 'amq.*'"
    text = refusal(NotFound, vhost.passive_declare_exchange, "amq.foo")
    assert text == "no exchange 'amq.foo' in vhost '/'"


def test_predeclared_ones_can_be_redeclared_as_they_are(vhost):
    declare_exchange(vhost, "amq.direct", durable=True)
    text = refusal(PreconditionFailed, declare_exchange, vhost, "amq.direct")
    assert text.startswith("inequivalent arg 'durable'")


@pytest.mark.parametrize(
    ("name", "word"), [("foo", "unknown"), ("", "invalid"), ("queue", "invalid")]
)
def test_unknown_type_comes_before_everything(vhost, name, word):
    text = refusal(PreconditionFailed, declare_exchange, vhost, "", name)
    assert text == f"{word} exchange type '{name}'"


def test_line_ends_in_names_are_dropped(vhost):
    assert declare_exchange(vhost, "a\r\nb").name == "ab"
    assert vhost.passive_declare_exchange("a\nb") is vhost.exchanges["ab"]
    vhost.delete_exchange("\nab", False)
    assert "ab" not in vhost.exchanges


def test_permission_comes_before_existence_and_reserved_names(vhost):
    authority = Authority(refuse="configure")
    for name in ("x", "amq.direct", "amq.foo"):
        refusal(AccessRefused, declare_exchange, vhost, name, authorise=authority)
    assert authority.asked == [
        ("configure", "exchange", name) for name in ("x", "amq.direct", "amq.foo")
    ]


def test_alternate_exchange_asks_for_more_when_new(vhost):
    authority = Authority()
    arguments = {"alternate-exchange": ("S", "ae")}
    for _ in range(2):
        declare_exchange(vhost, "x", arguments=arguments, authorise=authority)
    assert authority.asked == [
        ("configure", "exchange", "x"),
        ("read", "exchange", "x"),
        ("write", "exchange", "ae"),
        ("configure", "exchange", "x"),
    ]


def test_passive_declare_wants_any_permission_before_existence(vhost):
    authority = Authority(refuse="any")
    refusal(AccessRefused, vhost.passive_declare_exchange, "x", authority)
    assert authority.asked == [("any", "exchange", "x")]
    assert refusal(NotFound, vhost.passive_declare_exchange, "x") == f"no {X}"


# -- delete ------------------------------------------------------------------------------------


def test_delete(vhost):
    declare_exchange(vhost, "x", durable=True)
    vhost.delete_exchange("x", True)
    assert refusal(NotFound, vhost.exchange, "x") == f"no {X}"
    assert vhost.store.names() == ["save_exchange", "delete_exchange"]
    assert vhost.topology == 2


def test_deleting_what_is_missing_is_fine_with_permission(vhost):
    authority = Authority()
    vhost.delete_exchange("x", True, authority)
    assert authority.asked == [("configure", "exchange", "x")]
    assert vhost.topology == 0
    refusal(AccessRefused, vhost.delete_exchange, "x", True, Authority(refuse="configure"))


@pytest.mark.parametrize("name", ["amq.direct", "amq.rabbitmq.trace", "amq.zzz"])
def test_system_exchanges_stay(vhost, name):
    text = refusal(AccessRefused, vhost.delete_exchange, name, False)
    assert text == f"deletion of system exchange '{name}' in vhost '/' not allowed"


def test_in_use_means_being_a_source(vhost):
    declare_exchange(vhost, "x")
    vhost.bind("x", "amq.direct", "exchange", "", {}, None)
    assert refusal(PreconditionFailed, vhost.delete_exchange, "x", True) == f"{X} in use"
    vhost.unbind("x", "amq.direct", "exchange", "", {}, None)
    vhost.bind("amq.direct", "x", "exchange", "", {}, None)
    vhost.delete_exchange("x", True)
    assert not vhost.exchanges["amq.direct"].bindings
