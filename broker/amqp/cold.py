"""Methods on the wire, all but the few that hot.py encodes by hand.

Here: arguments of a method to pamqp's command object and back; the strict
reading is our own, the catalogue of methods and the objects are pamqp's.  Not
here: what a method does, frames other than method frames.

A command's attributes: short strings are str (surrogate escapes where
basic.publish allows any bytes), long strings bytes, tables typed tables
(tables.py), bits bool.  Server methods may also hold their long strings as str.
"""

from collections.abc import Callable
from operator import attrgetter
from struct import Struct, error
from typing import Any, ClassVar, TypeVar, cast

from pamqp import commands
from pamqp.base import Frame as Method

from broker.amqp import errors
from broker.amqp.tables import Table, TableError, decode_table, encode_table

__all__ = [
    "AccessRequest",
    "AccessRequestOk",
    "Method",
    "build",
    "client_properties",
    "connection_close",
    "connection_close_ok",
    "connection_open_ok",
    "connection_start",
    "connection_tune",
    "decode",
    "encode_method",
    "method_frame",
    "response",
    "table",
]

_Method = TypeVar("_Method", bound=Method)
_FRAME_START = Struct(">BHI")
_FRAME_END = b"\xce"


class AccessRequest(Method):
    """access.request, which AMQP 0-9-1 dropped and old clients still send."""

    # In the order of the wire.
    __slots__: ClassVar[list[str]] = [  # noqa: RUF023
        "realm",
        "exclusive",
        "passive",
        "active",
        "write",
        "read",
    ]
    frame_id: ClassVar[int] = 10
    index: ClassVar[int] = 0x001E000A
    name: ClassVar[str] = "Access.Request"
    synchronous: ClassVar[bool] = True
    valid_responses: ClassVar[list[str]] = ["Access.RequestOk"]
    _realm = "shortstr"
    _exclusive = _passive = _active = _write = _read = "bit"

    realm: str
    exclusive: bool
    passive: bool
    active: bool
    write: bool
    read: bool


class AccessRequestOk(Method):
    """access.request-ok; the ticket is looked at by nobody."""

    __slots__: ClassVar[list[str]] = ["ticket"]
    frame_id: ClassVar[int] = 11
    index: ClassVar[int] = 0x001E000B
    name: ClassVar[str] = "Access.RequestOk"
    _ticket = "short"

    def __init__(self, ticket: int = 1) -> None:
        self.ticket = ticket


_CATALOGUE: dict[int, type[Method]] = {
    **cast("dict[int, type[Method]]", commands.INDEX_MAPPING),
    AccessRequest.index: AccessRequest,
    AccessRequestOk.index: AccessRequestOk,
}

# -- reading: each takes the arguments and an offset, gives a value and the offset behind it.
# A value cut short raises IndexError or struct.error, or ends behind the end.

_Reader = Callable[[bytes, int], tuple[Any, int]]
_U16, _U32, _U64 = Struct(">H"), Struct(">I"), Struct(">Q")


def _number(form: Struct) -> _Reader:
    unpack, size = form.unpack_from, form.size
    return lambda data, at: (unpack(data, at)[0], at + size)


def _strict_string(data: bytes, at: int) -> tuple[str, int]:
    start = at + 1
    end = start + data[at]
    if end > len(data):
        raise IndexError  # what is cut short need not be UTF-8
    return data[start:end].decode(), end


def _lenient_string(data: bytes, at: int) -> tuple[str, int]:
    start = at + 1
    end = start + data[at]
    return data[start:end].decode("utf-8", "surrogateescape"), end


def _long_string(data: bytes, at: int) -> tuple[bytes, int]:
    start = at + 4
    end = start + _U32.unpack_from(data, at)[0]
    return data[start:end], end


def _bit(mask: int, step: int) -> _Reader:
    # Bits share an octet: only the last one of it steps on.
    return lambda data, at: (data[at] & mask != 0, at + step)


_READERS: dict[str, _Reader] = {
    "octet": _number(Struct(">B")),
    "short": _number(_U16),
    "long": _number(_U32),
    "longlong": _number(_U64),
    "shortstr": _strict_string,
    "longstr": _long_string,
    "table": decode_table,
}

# The same without a look at what is inside.
_UNREAD: dict[_Reader, _Reader] = {_strict_string: _lenient_string, decode_table: _long_string}

# -- writing


def _write_short_string(text: str) -> bytes:
    raw = text.encode("utf-8", "surrogateescape")
    if len(raw) > 255:
        raise ValueError("a short string of more than 255 bytes")
    return bytes((len(raw),)) + raw


def _write_long_string(text: bytes | str) -> bytes:
    raw = text.encode() if isinstance(text, str) else text
    return _U32.pack(len(raw)) + raw


def _write_bit(value: bool) -> bytes:
    return b"\x01" if value else b"\x00"


def _write_bits(values: tuple[bool, ...]) -> bytes:
    return bytes((sum(1 << index for index, value in enumerate(values) if value),))


_Writer = Callable[[Any], bytes]
_WRITERS: dict[str, _Writer] = {
    "octet": Struct(">B").pack,
    "short": _U16.pack,
    "long": _U32.pack,
    "longlong": _U64.pack,
    "shortstr": _write_short_string,
    "longstr": _write_long_string,
    "table": encode_table,
}

# -- each method's readers and writers, made once; no method has more than eight bits in a row


def _runs(method: type[Method]) -> list[tuple[str, list[str]]]:
    # Type and attributes; bits in a row together.
    runs: list[tuple[str, list[str]]] = []
    for attribute in method.__slots__:
        kind = method.amqp_type(attribute)
        if kind == "bit" and runs and runs[-1][0] == "bit":
            runs[-1][1].append(attribute)
        else:
            runs.append((kind, [attribute]))
    return runs


def _readers(method: type[Method]) -> tuple[tuple[str, _Reader], ...]:
    by_type = _READERS
    if method is commands.Basic.Publish:
        by_type = _READERS | {"shortstr": _lenient_string}
    readers: list[tuple[str, _Reader]] = []
    for kind, attributes in _runs(method):
        if kind == "bit":
            last = len(attributes) - 1
            readers += [(a, _bit(1 << i, i == last)) for i, a in enumerate(attributes)]
        else:
            readers.append((attributes[0], by_type[kind]))
    return tuple(readers)


def _writers(method: type[Method]) -> tuple[tuple[Callable[[Any], Any], _Writer], ...]:
    writers: list[tuple[Callable[[Any], Any], _Writer]] = []
    for kind, attributes in _runs(method):
        if kind != "bit":
            write = _WRITERS[kind]
        else:
            write = _write_bit if len(attributes) == 1 else _write_bits
        writers.append((attrgetter(*attributes), write))
    return tuple(writers)


_DECODERS = {index: (method, _readers(method)) for index, method in _CATALOGUE.items()}
_ENCODERS = {index: _writers(method) for index, method in _CATALOGUE.items()}


# -- whole methods


def decode(method: int, arguments: bytes) -> Method:
    """The command in a method frame's payload behind the method id.

    Raises ProtocolViolation: 503 for an unknown method, 501 for arguments that
    are not exactly those of the method.
    """
    try:
        kind, readers = _DECODERS[method]
    except KeyError:
        raise errors.unimplemented_method(method) from None
    # Not through pamqp's own constructors, which refuse names that RabbitMQ takes.
    command = object.__new__(kind)
    at = 0
    try:
        for attribute, read in readers:
            value, at = read(arguments, at)
            setattr(command, attribute, value)
    except (UnicodeDecodeError, TableError, IndexError, error) as failed:
        raise _unreadable(failed, method, arguments) from None
    if at != len(arguments):
        raise errors.cannot_decode(arguments, method)
    return command


def _unreadable(failed: Exception, method: int, arguments: bytes) -> errors.ProtocolViolation:
    # The lengths of all arguments come first, what is in them after that.
    if not _fits(method, arguments):
        return errors.cannot_decode(arguments, method)
    if isinstance(failed, UnicodeDecodeError):
        return errors.malformed_utf8()
    return errors.cannot_decode_table(method)


def _fits(method: int, arguments: bytes) -> bool:
    at = 0
    try:
        for _, read in _DECODERS[method][1]:
            at = _UNREAD.get(read, read)(arguments, at)[1]
    except (IndexError, error):
        return False
    return at == len(arguments)


def encode_method(command: Method) -> bytes:
    """A method frame's payload.

    Raises ValueError, TableError or struct.error for values that do not fit.
    """
    pieces = [_U32.pack(command.index)]
    for get, write in _ENCODERS[command.index]:
        pieces.append(write(get(command)))
    return b"".join(pieces)


def method_frame(channel: int, command: Method) -> bytes:
    """A whole method frame; raises as `encode_method`."""
    payload = encode_method(command)
    return _FRAME_START.pack(1, channel, len(payload)) + payload + _FRAME_END


def build(kind: type[_Method], **values: Any) -> _Method:
    """A command of this kind with all its attributes, past pamqp's checks of names."""
    command = object.__new__(kind)
    for attribute, value in values.items():
        setattr(command, attribute, value)
    return command


def table(command: Method) -> Table:
    """The arguments table of a decoded command, which pamqp's types know nothing of."""
    arguments: Table = command.arguments  # type: ignore[attr-defined]
    return arguments


def client_properties(command: commands.Connection.StartOk) -> Table:
    """The same for the properties of a client."""
    properties: Table = command.client_properties  # type: ignore[assignment]
    return properties


def response(command: commands.Connection.StartOk) -> bytes:
    """The SASL response, which is bytes."""
    raw: bytes = command.response  # type: ignore[assignment]
    return raw


# -- what the broker sends that pamqp's constructors refuse, or fill with what RabbitMQ does not


def connection_start(server_properties: Table, mechanisms: str) -> Method:
    return build(
        commands.Connection.Start,
        version_major=0,
        version_minor=9,
        server_properties=server_properties,
        mechanisms=mechanisms,
        locales="en_US",
    )


def connection_tune(channel_max: int, frame_max: int, heartbeat: int) -> Method:
    return commands.Connection.Tune(channel_max, frame_max, heartbeat)


def connection_open_ok() -> Method:
    return build(commands.Connection.OpenOk, known_hosts="")


def connection_close(code: int, text: str, method: int) -> Method:
    """`text` as `errors.format_reply_text` gives it; `method` is the id of what was refused."""
    return commands.Connection.Close(code, text, method >> 16, method & 0xFFFF)


def connection_close_ok() -> Method:
    return commands.Connection.CloseOk()
