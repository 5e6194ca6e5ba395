"""AMQP 0-9-1 values, tables, properties and methods, encoded and decoded by hand for the tests.

Independent of the broker's codec on purpose. Tables decode to `Typed` values so that a test
can ask for the wire type as well as for the value.
"""

import struct
from typing import Any, NamedTuple

Table = dict[str, Any]


class Typed(NamedTuple):
    """A field value with its wire type tag, e.g. `Typed("l", 5)`."""

    tag: str
    value: Any


class Method(NamedTuple):
    """A decoded method; `arguments` by their names in the specification, `-` written as `_`."""

    channel: int
    name: str
    class_id: int
    method_id: int
    arguments: dict[str, Any]


# name: (class id, method id, "argument:type ..."); types: o octet, h short, w long, q longlong,
# s shortstr, l longstr, b bit, T table.
METHODS: dict[str, tuple[int, int, str]] = {
    "connection.start": (
        10,
        10,
        "version_major:o version_minor:o server_properties:T mechanisms:l locales:l",
    ),
    "connection.start-ok": (10, 11, "client_properties:T mechanism:s response:l locale:s"),
    "connection.secure": (10, 20, "challenge:l"),
    "connection.secure-ok": (10, 21, "response:l"),
    "connection.tune": (10, 30, "channel_max:h frame_max:w heartbeat:h"),
    "connection.tune-ok": (10, 31, "channel_max:h frame_max:w heartbeat:h"),
    "connection.open": (10, 40, "virtual_host:s reserved_1:s reserved_2:b"),
    "connection.open-ok": (10, 41, "known_hosts:s"),
    "connection.close": (10, 50, "reply_code:h reply_text:s class_id:h method_id:h"),
    "connection.close-ok": (10, 51, ""),
    "connection.blocked": (10, 60, "reason:s"),
    "connection.unblocked": (10, 61, ""),
    "connection.update-secret": (10, 70, "new_secret:l reason:s"),
    "connection.update-secret-ok": (10, 71, ""),
    "channel.open": (20, 10, "reserved:s"),
    "channel.open-ok": (20, 11, "reserved:l"),
    "channel.flow": (20, 20, "active:b"),
    "channel.flow-ok": (20, 21, "active:b"),
    "channel.close": (20, 40, "reply_code:h reply_text:s class_id:h method_id:h"),
    "channel.close-ok": (20, 41, ""),
    "access.request": (30, 10, "realm:s exclusive:b passive:b active:b write:b read:b"),
    "access.request-ok": (30, 11, "ticket:h"),
    "exchange.declare": (
        40,
        10,
        "ticket:h exchange:s type:s passive:b durable:b auto_delete:b internal:b nowait:b "
        "arguments:T",
    ),
    "exchange.declare-ok": (40, 11, ""),
    "exchange.delete": (40, 20, "ticket:h exchange:s if_unused:b nowait:b"),
    "exchange.delete-ok": (40, 21, ""),
    "exchange.bind": (
        40,
        30,
        "ticket:h destination:s source:s routing_key:s nowait:b arguments:T",
    ),
    "exchange.bind-ok": (40, 31, ""),
    "exchange.unbind": (
        40,
        40,
        "ticket:h destination:s source:s routing_key:s nowait:b arguments:T",
    ),
    "exchange.unbind-ok": (40, 51, ""),
    "queue.declare": (
        50,
        10,
        "ticket:h queue:s passive:b durable:b exclusive:b auto_delete:b nowait:b arguments:T",
    ),
    "queue.declare-ok": (50, 11, "queue:s message_count:w consumer_count:w"),
    "queue.bind": (50, 20, "ticket:h queue:s exchange:s routing_key:s nowait:b arguments:T"),
    "queue.bind-ok": (50, 21, ""),
    "queue.purge": (50, 30, "ticket:h queue:s nowait:b"),
    "queue.purge-ok": (50, 31, "message_count:w"),
    "queue.delete": (50, 40, "ticket:h queue:s if_unused:b if_empty:b nowait:b"),
    "queue.delete-ok": (50, 41, "message_count:w"),
    "queue.unbind": (50, 50, "ticket:h queue:s exchange:s routing_key:s arguments:T"),
    "queue.unbind-ok": (50, 51, ""),
    "basic.qos": (60, 10, "prefetch_size:w prefetch_count:h global_:b"),
    "basic.qos-ok": (60, 11, ""),
    "basic.consume": (
        60,
        20,
        "ticket:h queue:s consumer_tag:s no_local:b no_ack:b exclusive:b nowait:b arguments:T",
    ),
    "basic.consume-ok": (60, 21, "consumer_tag:s"),
    "basic.cancel": (60, 30, "consumer_tag:s nowait:b"),
    "basic.cancel-ok": (60, 31, "consumer_tag:s"),
    "basic.publish": (60, 40, "ticket:h exchange:s routing_key:s mandatory:b immediate:b"),
    "basic.return": (60, 50, "reply_code:h reply_text:s exchange:s routing_key:s"),
    "basic.deliver": (
        60,
        60,
        "consumer_tag:s delivery_tag:q redelivered:b exchange:s routing_key:s",
    ),
    "basic.get": (60, 70, "ticket:h queue:s no_ack:b"),
    "basic.get-ok": (
        60,
        71,
        "delivery_tag:q redelivered:b exchange:s routing_key:s message_count:w",
    ),
    "basic.get-empty": (60, 72, "cluster_id:s"),
    "basic.ack": (60, 80, "delivery_tag:q multiple:b"),
    "basic.reject": (60, 90, "delivery_tag:q requeue:b"),
    "basic.recover-async": (60, 100, "requeue:b"),
    "basic.recover": (60, 110, "requeue:b"),
    "basic.recover-ok": (60, 111, ""),
    "basic.nack": (60, 120, "delivery_tag:q multiple:b requeue:b"),
    "confirm.select": (85, 10, "nowait:b"),
    "confirm.select-ok": (85, 11, ""),
    "tx.select": (90, 10, ""),
    "tx.select-ok": (90, 11, ""),
    "tx.commit": (90, 20, ""),
    "tx.commit-ok": (90, 21, ""),
    "tx.rollback": (90, 30, ""),
    "tx.rollback-ok": (90, 31, ""),
}
NAMES = {(spec[0], spec[1]): name for name, spec in METHODS.items()}

PROPERTIES = (
    ("content_type", "s"),
    ("content_encoding", "s"),
    ("headers", "T"),
    ("delivery_mode", "o"),
    ("priority", "o"),
    ("correlation_id", "s"),
    ("reply_to", "s"),
    ("expiration", "s"),
    ("message_id", "s"),
    ("timestamp", "q"),
    ("type", "s"),
    ("user_id", "s"),
    ("app_id", "s"),
    ("cluster_id", "s"),
)

_NUMBERS = {"o": ">B", "h": ">H", "w": ">I", "q": ">Q"}
_FIELD_NUMBERS = {
    "t": ">?",
    "b": ">b",
    "B": ">B",
    "s": ">h",
    "u": ">H",
    "I": ">i",
    "i": ">I",
    "l": ">q",
    "L": ">q",
    "f": ">f",
    "d": ">d",
    "T": ">Q",
}


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


# Encoding


def encode_shortstr(text: str | bytes) -> bytes:
    raw = _bytes(text)
    return struct.pack(">B", len(raw)) + raw


def encode_longstr(text: str | bytes) -> bytes:
    raw = _bytes(text)
    return struct.pack(">I", len(raw)) + raw


def encode_table(table: Table | list[tuple[str, Any]]) -> bytes:
    """A table with its length; a list of pairs allows duplicate keys."""
    return encode_longstr(encode_table_entries(table))


def encode_table_entries(table: Table | list[tuple[str, Any]]) -> bytes:
    """A table's entries without the length, as AMQPLAIN wants them."""
    pairs = table.items() if isinstance(table, dict) else table
    return b"".join(encode_shortstr(key) + encode_field(value) for key, value in pairs)


def _typed(value: Any) -> Typed:
    if isinstance(value, Typed):
        return value
    if value is None:
        return Typed("V", None)
    tags = {bool: "t", int: "I", float: "d", str: "S", bytes: "x", dict: "F", list: "A"}
    return Typed(tags[type(value)], value)


def encode_field(value: Any) -> bytes:
    """Type tag and value; plain Python values take t I d S x F A V."""
    tag, content = _typed(value)
    head = tag.encode()
    if tag in _FIELD_NUMBERS:
        return head + struct.pack(_FIELD_NUMBERS[tag], content)
    if tag in "Sx":
        return head + encode_longstr(content)
    if tag == "F":
        return head + encode_table(content)
    if tag == "A":
        return head + encode_longstr(b"".join(encode_field(item) for item in content))
    if tag == "D":
        return head + struct.pack(">BI", *content)
    return head + (content or b"")


def encode_arguments(spec: str, arguments: dict[str, Any]) -> bytes:
    """Method arguments by their spec string; what is not given is 0, empty or false."""
    out, bits = bytearray(), 0
    bit_count = 0
    for name, kind in (item.split(":") for item in spec.split()):
        value = arguments.pop(name, None)
        if kind == "b":
            bits |= bool(value) << bit_count
            bit_count += 1
            continue
        if bit_count:
            out.append(bits)
            bits = bit_count = 0
        out += _encode_argument(kind, value)
    if bit_count:
        out.append(bits)
    assert not arguments, f"no such arguments: {arguments}"
    return bytes(out)


def _encode_argument(kind: str, value: Any) -> bytes:
    if kind in _NUMBERS:
        return struct.pack(_NUMBERS[kind], value or 0)
    if kind == "s":
        return encode_shortstr(value or "")
    if kind == "l":
        return encode_longstr(value or "")
    return encode_table(value or {})


def encode_method(name: str, **arguments: Any) -> bytes:
    """The payload of a method frame."""
    class_id, method_id, spec = METHODS[name]
    return struct.pack(">HH", class_id, method_id) + encode_arguments(spec, arguments)


def encode_properties(**properties: Any) -> bytes:
    """Flag word and property list of a basic content header."""
    flags, out = 0, bytearray()
    for index, (name, kind) in enumerate(PROPERTIES):
        value = properties.pop(name, None)
        if value is not None:
            flags |= 1 << (15 - index)
            out += _encode_argument(kind, value)
    assert not properties, f"no such properties: {properties}"
    return struct.pack(">H", flags) + bytes(out)


# Decoding


class Reader:
    """Takes values from bytes one after another."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, count: int) -> bytes:
        piece = self.data[self.at : self.at + count]
        assert len(piece) == count, f"truncated at {self.at}: {self.data!r}"
        self.at += count
        return piece

    def number(self, form: str) -> Any:
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def shortstr(self) -> bytes:
        return self.take(self.number(">B"))

    def longstr(self) -> bytes:
        return self.take(self.number(">I"))

    def table(self) -> dict[str, Typed]:
        inner = Reader(self.longstr())
        table: dict[str, Typed] = {}
        while inner.at < len(inner.data):
            key = _text(inner.shortstr())
            table.setdefault(key, inner.field())
        return table

    def field(self) -> Typed:
        tag = chr(self.take(1)[0])
        if tag in _FIELD_NUMBERS:
            return Typed(tag, self.number(_FIELD_NUMBERS[tag]))
        if tag == "S":
            return Typed(tag, _text(self.longstr()))
        if tag == "x":
            return Typed(tag, self.longstr())
        if tag == "F":
            return Typed(tag, self.table())
        if tag == "A":
            return Typed(tag, self.array())
        if tag == "D":
            return Typed(tag, (self.number(">B"), self.number(">I")))
        assert tag == "V", f"unknown field type {tag!r}"
        return Typed(tag, None)

    def array(self) -> list[Typed]:
        inner = Reader(self.longstr())
        items = []
        while inner.at < len(inner.data):
            items.append(inner.field())
        return items

    def argument(self, kind: str) -> Any:
        if kind in _NUMBERS:
            return self.number(_NUMBERS[kind])
        if kind == "s":
            return _text(self.shortstr())
        if kind == "l":
            return self.longstr()
        return self.table()


def decode_method(channel: int, payload: bytes) -> Method:
    """A method frame's payload; every byte must be consumed."""
    class_id, method_id = struct.unpack_from(">HH", payload)
    name = NAMES[class_id, method_id]
    reader = Reader(payload[4:])
    arguments: dict[str, Any] = {}
    bits = bit_count = 0
    for argument, kind in (item.split(":") for item in METHODS[name][2].split()):
        if kind == "b":
            if bit_count % 8 == 0:
                bits = reader.number(">B")
            arguments[argument] = bool(bits >> (bit_count % 8) & 1)
            bit_count += 1
            continue
        bit_count = 0
        arguments[argument] = reader.argument(kind)
    assert reader.at == len(reader.data), f"trailing bytes in {name}: {payload!r}"
    return Method(channel, name, class_id, method_id, arguments)


def decode_properties(payload: bytes) -> dict[str, Any]:
    """Flag word and property list to a dict of those present; headers keep their types."""
    reader = Reader(payload)
    flags = reader.number(">H")
    present = {
        name: reader.argument(kind)
        for index, (name, kind) in enumerate(PROPERTIES)
        if flags >> (15 - index) & 1
    }
    assert reader.at == len(payload), f"trailing bytes in properties: {payload!r}"
    return present


def plain(value: Any) -> Any:
    """A typed value, table or array without its type tags."""
    if isinstance(value, Typed):
        return plain(value.value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value
