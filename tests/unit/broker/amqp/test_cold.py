import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pamqp import commands, frame

from broker.amqp import cold
from broker.amqp.errors import ProtocolViolation
from broker.amqp.tables import TableError
from tests.support import encoding
from tests.unit.broker.amqp import strategies

METHODS: dict[int, type[cold.Method]] = {
    **commands.INDEX_MAPPING,
    cold.AccessRequest.index: cold.AccessRequest,
    cold.AccessRequestOk.index: cold.AccessRequestOk,
}
QUEUE_DECLARE = commands.Queue.Declare.index
_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "bit": st.booleans(),
    "octet": st.integers(0, 255),
    "short": st.integers(0, 0xFFFF),
    "long": st.integers(0, 0xFFFFFFFF),
    "longlong": st.integers(0, (1 << 64) - 1),
    "shortstr": strategies.utf8(),
    "longstr": st.binary(max_size=300),
    "table": strategies.tables,
}


@st.composite
def any_command(draw: st.DrawFn) -> cold.Method:
    kind = METHODS[draw(st.sampled_from(sorted(METHODS)))]
    values = {name: draw(_VALUES[kind.amqp_type(name)]) for name in kind.__slots__}
    return cold.build(kind, **values)


def declare(**changes: Any) -> commands.Queue.Declare:
    values = {
        "ticket": 0,
        "queue": "q",
        "passive": False,
        "durable": True,
        "exclusive": False,
        "auto_delete": False,
        "nowait": False,
        "arguments": {},
    }
    return cold.build(commands.Queue.Declare, **values | changes)


def arguments_of(command: cold.Method) -> bytes:
    return cold.encode_method(command)[4:]


def refused(method: int, arguments: bytes) -> tuple[int, str, int, int]:
    with pytest.raises(ProtocolViolation) as caught:
        cold.decode(method, arguments)
    violation = caught.value
    return violation.code, violation.text, violation.class_id, violation.method_id


def values_of(command: cold.Method) -> dict[str, Any]:
    return {name: getattr(command, name) for name in command.__slots__}


# -- all methods


@given(any_command())
def test_decoding_undoes_encoding(command):
    decoded = cold.decode(command.index, arguments_of(command))
    assert type(decoded) is type(command)
    assert values_of(decoded) == values_of(command)
    assert cold.encode_method(decoded) == cold.encode_method(command)


@given(any_command(), st.binary(min_size=1, max_size=4))
def test_trailing_bytes_are_refused(command, more):
    code, text, class_id, method_id = refused(command.index, arguments_of(command) + more)
    assert (code, class_id, method_id) == (501, command.index >> 16, command.index & 0xFFFF)
    assert text.startswith("cannot decode <<")


@given(any_command(), st.data())
def test_short_arguments_are_refused(command, data):
    arguments = arguments_of(command)
    if arguments:
        cut = data.draw(st.integers(0, len(arguments) - 1))
        code, text, class_id, method_id = refused(command.index, arguments[:cut])
        assert (code, class_id, method_id) == (501, command.index >> 16, command.index & 0xFFFF)
        assert text.startswith("cannot decode ")


@given(st.sampled_from(sorted(METHODS)), st.binary(max_size=40))
def test_any_bytes_are_arguments_or_a_violation(method, arguments):
    try:
        command = cold.decode(method, arguments)
    except ProtocolViolation:
        return
    assert command.index == method


@pytest.mark.parametrize("index", sorted(METHODS))
def test_catalogue_agrees_with_the_independent_one(index):
    kind = METHODS[index]
    name = encoding.NAMES[index >> 16, index & 0xFFFF]
    letters = {
        "octet": "o",
        "short": "h",
        "long": "w",
        "longlong": "q",
        "shortstr": "s",
        "longstr": "l",
        "bit": "b",
        "table": "T",
    }
    ours = [letters[kind.amqp_type(attribute)] for attribute in kind.__slots__]
    theirs = [argument.split(":")[1] for argument in encoding.METHODS[name][2].split()]
    assert ours == theirs


def test_the_independent_catalogue_has_nothing_more():
    assert {(index >> 16, index & 0xFFFF) for index in METHODS} == set(encoding.NAMES)


# -- pamqp, where it is right


@pytest.mark.parametrize(
    "command",
    [
        commands.Queue.Declare(queue="q", durable=True, auto_delete=True),
        commands.Queue.DeclareOk("q", 3, 4),
        commands.Basic.Consume(queue="q", consumer_tag="t", no_ack=True, nowait=True),
        commands.Basic.Qos(0, 10, True),
        commands.Basic.Nack(7, True, False),
        commands.Exchange.Declare(exchange="e", exchange_type="topic", internal=True),
        commands.Connection.TuneOk(2047, 131072, 60),
        commands.Connection.Close(320, "why", 10, 50),
        commands.Tx.Select(),
    ],
)
def test_same_bytes_as_pamqp(command):
    marshalled = command.marshal()
    assert cold.encode_method(command) == struct.pack(">I", command.index) + marshalled
    assert cold.method_frame(5, command) == frame.marshal(command, 5)
    assert values_of(cold.decode(command.index, marshalled)) == values_of(command)


# -- what pamqp would refuse


@pytest.mark.parametrize("name", ["späße €", "sp ace?*", "x" * 255, ""])
def test_names_of_any_kind(name):
    decoded = cold.decode(QUEUE_DECLARE, arguments_of(declare(queue=name, ticket=9)))
    assert isinstance(decoded, commands.Queue.Declare)
    assert (decoded.queue, decoded.ticket) == (name, 9)
    answer = cold.build(commands.Queue.DeclareOk, queue=name, message_count=1, consumer_count=2)
    reply = cold.encode_method(answer)
    assert encoding.decode_method(1, reply).arguments == {
        "queue": name,
        "message_count": 1,
        "consumer_count": 2,
    }


def test_reserved_arguments_may_hold_anything():
    command = cold.build(commands.Connection.Open, virtual_host="/", capabilities="x", insist=True)
    assert values_of(cold.decode(command.index, arguments_of(command)))["insist"] is True


def test_access_request():
    payload = encoding.encode_method("access.request", realm="/data", active=True, read=True)
    command = cold.decode(cold.AccessRequest.index, payload[4:])
    assert isinstance(command, cold.AccessRequest)
    assert values_of(command) == {
        "realm": "/data",
        "exclusive": False,
        "passive": False,
        "active": True,
        "write": False,
        "read": True,
    }
    ok = encoding.decode_method(1, cold.encode_method(cold.AccessRequestOk()))
    assert (ok.name, ok.arguments) == ("access.request-ok", {"ticket": 1})


# -- strictness


def test_names_must_be_utf8():
    arguments = arguments_of(declare(queue="\udcff"))
    assert refused(QUEUE_DECLARE, arguments) == (501, "Malformed UTF-8 in shortstr", 0, 0)


def test_being_cut_short_comes_before_being_utf8():
    arguments = b"\x00\x00\x04\xc3\xa9\xc3"
    assert refused(QUEUE_DECLARE, arguments)[1] == "cannot decode <<0,0,4,195,169,195>>"


def test_publish_takes_any_bytes():
    arguments = b"\x00\x00\x01\xff\x02\xc3\x28\x01"
    command = cold.decode(commands.Basic.Publish.index, arguments)
    assert isinstance(command, commands.Basic.Publish)
    assert (command.exchange, command.routing_key) == ("\udcff", "\udcc3(")
    assert (command.mandatory, command.immediate) == (True, False)
    assert arguments_of(command) == arguments


def test_unused_bits_are_ignored():
    arguments = bytearray(arguments_of(declare(durable=True)))
    arguments[4] |= 0xE0
    decoded = cold.decode(QUEUE_DECLARE, bytes(arguments))
    assert isinstance(decoded, commands.Queue.Declare)
    assert (decoded.passive, decoded.durable, decoded.nowait) == (False, True, False)


def test_tables_keep_their_types():
    table = {"x-message-ttl": ("s", 100), "x-max-priority": ("B", 5)}
    decoded = cold.decode(QUEUE_DECLARE, arguments_of(declare(arguments=table)))
    assert cold.table(decoded) == table


def test_a_table_that_is_none():
    arguments = arguments_of(declare(arguments={"k": ("t", True)})).replace(b"kt", b"kU")
    assert refused(QUEUE_DECLARE, arguments) == (501, "cannot decode table", 50, 10)


def test_unknown_methods():
    assert refused(0x00320063, b"") == (503, "unimplemented method", 50, 99)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"queue": "é" * 128}, ValueError),
        ({"ticket": 1 << 16}, struct.error),
        ({"arguments": {"k": ("B", 256)}}, TableError),
    ],
)
def test_values_that_do_not_fit(change, error):
    with pytest.raises(error):
        cold.encode_method(declare(**change))


# -- the broker's own


def sent(command: cold.Method) -> tuple[str, dict[str, Any]]:
    method = encoding.decode_method(0, cold.encode_method(command))
    return method.name, method.arguments


def test_connection_start():
    name, arguments = sent(cold.connection_start({"product": ("S", "x")}, "AMQPLAIN PLAIN"))
    assert name == "connection.start"
    assert arguments == {
        "version_major": 0,
        "version_minor": 9,
        "server_properties": {"product": encoding.Typed("S", "x")},
        "mechanisms": b"AMQPLAIN PLAIN",
        "locales": b"en_US",
    }


@pytest.mark.parametrize(
    ("command", "name", "arguments"),
    [
        (
            cold.connection_tune(2047, 131072, 60),
            "connection.tune",
            {"channel_max": 2047, "frame_max": 131072, "heartbeat": 60},
        ),
        (cold.connection_open_ok(), "connection.open-ok", {"known_hosts": ""}),
        (
            cold.connection_close(530, "NOT_ALLOWED - no", 0x000A0028),
            "connection.close",
            {
                "reply_code": 530,
                "reply_text": "NOT_ALLOWED - no",
                "class_id": 10,
                "method_id": 40,
            },
        ),
        (cold.connection_close_ok(), "connection.close-ok", {}),
        (
            cold.build(commands.Channel.OpenOk, channel_id=b""),
            "channel.open-ok",
            {"reserved": b""},
        ),
        (
            cold.build(commands.Basic.Cancel, consumer_tag="tag", nowait=True),
            "basic.cancel",
            {"consumer_tag": "tag", "nowait": True},
        ),
    ],
)
def test_replies(command, name, arguments):
    assert sent(command) == (name, arguments)
