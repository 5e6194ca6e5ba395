"""Logins: counted, and slowed where they fail too often (management reference 1.3, 3.15).

Here: who has to wait how long, by address.  Not here: whether a password is right
(vhosts/users.py), and how an answer is held back: each way in waits in its own way.

Only what fails waits: whoever knows the password is let in at once, be it behind
an address from which others guess.  So that guessing in parallel is no way
round, an address has only so many failures waiting at once, and a name at an
address fewer; beyond that, attempts are refused unheard.
"""

from collections import OrderedDict

from broker.clock import Clock

# The first failures may be a slip of the finger; each one after them waits twice as long.
FREE_FAILURES = 3
FIRST_DELAY, LONGEST_DELAY = 0.25, 3.0
# Without a failure for so long (seconds), an address is forgotten.
FORGET_AFTER = 60.0
# Failures whose answers wait, of one name at an address and of the whole address.
WAITING_NAME, WAITING_ADDRESS = 16, 256
# The shortest time that a failure counts as waiting, whatever its answer does.
LEAST_WAIT = 1.0
MAX_ADDRESSES = 10_000


class Attempts:
    """How many logins were tried by one protocol, and how they ended."""

    __slots__ = ("failed", "succeeded")

    def __init__(self) -> None:
        self.failed = self.succeeded = 0


class _Source:
    """What is known of one address: its failures of late, and those that wait, by name."""

    __slots__ = ("failures", "last", "names", "waiting")

    def __init__(self) -> None:
        self.failures = self.waiting = 0
        self.last = 0.0
        self.names: dict[str, int] = {}


class Logins:
    """All logins of one broker; `attempts` by protocol: amqp091, http."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sources: OrderedDict[str, _Source] = OrderedDict()
        self.attempts: dict[str, Attempts] = {}

    def door(self, protocol: str, address: str) -> "Door":
        """Where one client at `address` logs in."""
        return Door(self, protocol, address)

    def reset(self) -> None:
        """Forgets the counts, not who has to wait."""
        self.attempts.clear()

    def hears(self, address: str, name: str) -> bool:
        """Whether an attempt is looked at; the answers to too many others are waited for."""
        source = self._sources.get(_network(address))
        return source is None or (
            source.waiting < WAITING_ADDRESS and source.names.get(name, 0) < WAITING_NAME
        )

    def failed(self, protocol: str, address: str, name: str) -> float:
        """A login failed: the seconds that its answer has to wait."""
        self._count(protocol).failed += 1
        source = self._source(_network(address))
        source.failures += 1
        doublings = source.failures - FREE_FAILURES - 1
        delay = 0.0 if doublings < 0 else min(FIRST_DELAY * 2 ** min(doublings, 10), LONGEST_DELAY)
        if self.hears(address, name):
            source.waiting += 1
            source.names[name] = source.names.get(name, 0) + 1
            self._clock.call_later(max(delay, LEAST_WAIT), _waited, source, name)
        return delay

    def succeeded(self, protocol: str) -> None:
        """Somebody is in.  It clears nobody: who has one account may guess at others."""
        self._count(protocol).succeeded += 1

    def _count(self, protocol: str) -> Attempts:
        return self.attempts.setdefault(protocol, Attempts())

    def _source(self, network: str) -> _Source:
        now = self._clock.monotonic()
        source = self._sources.pop(network, None)
        if source is None or now - source.last > FORGET_AFTER:
            source = _Source()
        source.last = now
        self._sources[network] = source
        if len(self._sources) > MAX_ADDRESSES:
            self._sources.popitem(last=False)
        return source


class Door:
    """One way in for one client."""

    __slots__ = ("_address", "_logins", "_protocol")

    def __init__(self, logins: Logins, protocol: str, address: str) -> None:
        self._logins = logins
        self._protocol = protocol
        self._address = address

    def hears(self, name: str) -> bool:
        """Whether an attempt of this name is looked at."""
        return self._logins.hears(self._address, name)

    def failed(self, name: str) -> float:
        """It failed; the seconds that the answer has to wait."""
        return self._logins.failed(self._protocol, self._address, name)

    def succeeded(self) -> None:
        """It succeeded."""
        self._logins.succeeded(self._protocol)


def _waited(source: _Source, name: str) -> None:
    source.waiting -= 1
    left = source.names[name] - 1
    if left:
        source.names[name] = left
    else:
        del source.names[name]


def _network(address: str) -> str:
    # Whoever has an IPv6 address has a network of them.
    if address.count(":") < 2:
        return address
    import ipaddress  # some ms that only those who meet IPv6 need to pay

    try:
        parsed = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(parsed) >> 64 << 64, 64)))
