"""Messages that came before: any exchange can drop them, one type is for nothing else (spec 6.8).

Here: the memory of what came, and exchanges that ask it. Queues with such a memory are the
broker's; whether a message is the same is said by a header of it, never by its body.
"""

from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable
from hashlib import blake2b
from typing import Any

from exchanges.base import Exchange, InvalidArgument, Routable, Table
from exchanges.delayed import DELAY
from exchanges.fanout import FanoutExchange
from exchanges.tables import INTEGERS, canonical_field

ENABLED = "x-message-deduplication"
SIZE, TTL, PERSISTENCE = "x-cache-size", "x-cache-ttl", "x-cache-persistence"
HEADER = "x-deduplication-header"
DEFAULT_SIZE = 128
# Keys that take more than this are remembered by their digest.
LONG_KEY = 64


class Seen:
    """What came lately: at most `size` keys, each for `ttl` milliseconds (None: until pushed out).

    `header` names the header whose value is the key.
    """

    __slots__ = ("_deadlines", "header", "size", "ttl")

    def __init__(self, size: int, ttl: int | None, header: str) -> None:
        self.size = size
        self.ttl = ttl
        self.header = header
        # By key, oldest first; clock ms, None for never.
        self._deadlines: OrderedDict[Hashable, int | None] = OrderedDict()

    @classmethod
    def of(cls, arguments: Table) -> "Seen":
        """As the (valid) arguments of an exchange or a queue want it."""
        return cls(
            arguments.get(SIZE, ("l", DEFAULT_SIZE))[1],
            arguments.get(TTL, ("V", None))[1],
            arguments.get(HEADER, ("S", HEADER))[1],
        )

    def __len__(self) -> int:
        return len(self._deadlines)

    def repeats(self, headers: Table, now: int) -> bool:
        """Whether a message with these headers came before; if not, it did from now on.

        Without the header a message is like no other. `now` is in clock milliseconds.
        """
        field = headers.get(self.header)
        if field is None or field[0] == "V":
            return False
        key, deadlines = _key(field), self._deadlines
        if key in deadlines:
            deadline = deadlines[key]
            if deadline is None or deadline > now:
                return True
            del deadlines[key]  # it comes in again as the newest
        ttl = self._ttl(headers)
        deadlines[key] = None if ttl is None else now + ttl
        if len(deadlines) > self.size:
            deadlines.popitem(last=False)
        return False

    def _ttl(self, headers: Table) -> int | None:
        tag, value = headers.get(TTL, ("V", None))
        return int(value) if tag in INTEGERS and value > 0 else self.ttl


def _key(field: tuple[str, Any]) -> Hashable:
    tag, value = canonical_field(field)
    if isinstance(value, str) and len(value) <= LONG_KEY:
        return value
    if tag in INTEGERS:
        return str(value)
    return blake2b(repr((tag, value)).encode("utf-8", "surrogateescape"), digest_size=16).digest()


class Deduplicating(Exchange):
    """An exchange that sends nowhere what it has seen before.

    `now` gives clock milliseconds; whoever makes the exchange hands it in, until then no time
    passes. Mixed into a type by `deduplicating`.
    """

    __slots__ = ()

    per_message = True
    seen: Seen
    now: Callable[[], int]
    required: bool = False
    """Whether the size must be said."""

    def __init__(
        self, name: str, durable: bool, auto_delete: bool, internal: bool, arguments: Table
    ) -> None:
        super().__init__(name, durable, auto_delete, internal, arguments)
        # The slots are in the types that this is mixed into.
        self.seen = Seen.of(arguments)  # type: ignore[misc]
        self.now = int

    def validate(self) -> None:
        super().validate()
        check(self.arguments, required=self.required)

    def route(self, message: Routable) -> Collection[Any]:
        # Where somebody only asks for the way, nothing came.
        if message.message is not None and not _has_waited(message.headers):
            if self.seen.repeats(message.headers, self.now()):
                return ()
        return super().route(message)


def check(arguments: Table, *, required: bool = False) -> None:
    """Raises InvalidArgument for arguments that no `Seen` can be made of."""
    size, ttl = arguments.get(SIZE), arguments.get(TTL)
    if (size is None and required) or (size is not None and not _is_positive(size)):
        raise InvalidArgument(
            f"Missing or invalid argument, '{SIZE}' must be an integer greater than 0"
        )
    if ttl is not None and not _is_positive(ttl):
        raise InvalidArgument(f"Invalid argument, '{TTL}' must be an integer greater than 0")
    if arguments.get(HEADER, ("S", ""))[0] != "S":
        raise InvalidArgument(f"Invalid argument, '{HEADER}' must be a string")
    if arguments.get(PERSISTENCE, ("S", "memory")) not in (("S", "memory"), ("S", "disk")):
        raise InvalidArgument(f"Invalid argument, '{PERSISTENCE}' must be 'memory' or 'disk'")


def _is_positive(field: tuple[str, Any]) -> bool:
    return field[0] in INTEGERS and field[1] > 0


def _has_waited(headers: Table) -> bool:
    # A delayed message is routed twice, and told by its negative delay the second time.
    tag, delay = headers.get(DELAY, ("V", None))
    return tag in INTEGERS and delay < 0


def wants(arguments: Table) -> bool:
    """Whether an exchange or a queue with these arguments drops what came before."""
    return arguments.get(ENABLED) == ("t", True)


_SLOTS = ("now", "seen")
_made: dict[type[Exchange], type[Exchange]] = {}


def deduplicating(base: type[Exchange]) -> type[Exchange]:
    """The type that routes as `base` does, but for what came before."""
    if base not in _made:
        name = f"Deduplicating{base.__name__}"
        _made[base] = type(name, (Deduplicating, base), {"__slots__": _SLOTS})
    return _made[base]


class DeduplicationExchange(Deduplicating, FanoutExchange):
    """The plug-in's type: a fanout, whose memory must be given a size."""

    __slots__ = _SLOTS

    type = "x-message-deduplication"
    required = True
