"""Samples of all counters, taken every five seconds: rates, and what they were (spec 1.7).

Counters stay where they are counted, in queues, exchanges and connections; `counters.py` says
which they are. Lengths, totals and existence are read live, only rates and the past come from here.

The past is kept for the node, the totals and the virtual hosts, and for as many of the other
objects as the limits below allow: first come those that somebody has asked for, then those that
change. Nobody's history costs anything before its first change.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mgmt_ui import counters, node
from mgmt_ui.counters import Kind, Values
from mgmt_ui.history import BASIC, DETAILED, GLOBAL, History, Tier

if TYPE_CHECKING:
    from broker.channel import Channel
    from broker.clock import TimerHandle
    from broker.queue import Queue
    from mgmt_ui.server import Server
    from vhosts.vhost import VirtualHost

INTERVAL = 5
# How many objects are sampled before others have their turn on the loop.
SLICE = 200
# Lengths of more queues than these are not added up at each look: it takes about a microsecond
# for each.
MOST_LIVE = 2000
# Histories: of virtual hosts, of objects that change, of objects that were asked for.  A full
# one of a queue takes 22 KB, one of a virtual host 60.
MOST_VHOSTS, MOST_CHANGING, MOST_ASKED = 50, 150, 250

Found = tuple[object, Kind, Values]
Noted = tuple[object, Kind, Values, int]
"""What was found of an object, and the time in ms since when it is so."""
Sample = dict[int, Noted]
"""By identity, the object (kept so that its identity is not given to another) and its values."""

TOTALS = object()
"""Stands for the whole broker among the sampled objects."""
NODE = object()
"""And this for the process it runs in."""


class Rates:
    """The samples of one broker. Objects younger than two samples have rates of 0.0."""

    def __init__(self, server: "Server") -> None:
        self._server = server
        self._timer: TimerHandle | None = None
        self.started_ms = server.clock.now_ms()
        self._label = 0
        self.reset()

    def reset(self) -> None:
        """Forgets all samples; counters stay as they are."""
        self._newest: Sample = {}
        self._previous: Sample = {}
        self._newest_at = self._previous_at = 0.0
        self._newest_label = self._previous_label = 0
        self._histories: dict[int, History] = {}
        self._asked: OrderedDict[int, None] = OrderedDict()
        self._vhosts = self._changing = 0

    def start(self) -> None:
        """The first sample is taken at the next turn of the loop."""
        self._timer = self._server.clock.call_later(0, self._begin)

    def stop(self) -> None:
        """No more samples."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # -- asked ---------------------------------------------------------------------------

    def of(self, thing: object) -> Callable[[str], float]:
        """A function from the name of a counter of `thing` to its rate per second."""
        newest, previous = self._newest.get(id(thing)), self._previous.get(id(thing))
        elapsed = self._newest_at - self._previous_at
        late = self._server.clock.monotonic() - self._newest_at > 2 * INTERVAL
        if newest is previous or newest is None or previous is None or elapsed <= 0 or late:
            return _still
        (_, kind, now, _), (_, _, before, _) = newest, previous

        def rate(name: str) -> float:
            place = kind.places.get(name)
            return 0.0 if place is None else (now[place] - before[place]) / elapsed

        return rate

    def lengths(self, vhosts: "Sequence[VirtualHost[Queue]]") -> Values:
        """LENGTHS of these virtual hosts together: live, or where there are too many queues to
        be added up in one turn of the loop, as of the newest sample."""
        live = sum(len(vhost.queues) for vhost in vhosts) <= MOST_LIVE
        sums = [0] * len(counters.LENGTHS)
        for vhost in vhosts:
            noted = None if live else self._newest.get(id(vhost))
            found = counters.sum_lengths(vhost) if noted is None else noted[2]
            for place in range(len(sums)):
                sums[place] += found[place]
        return tuple(sums)

    def idle_since(self, thing: object) -> str | None:
        """When its counters last changed, in ISO 8601; None where they do, or that is not known."""
        newest = self._newest.get(id(thing))
        if newest is None or newest is not self._previous.get(id(thing)):
            return None
        return datetime.fromtimestamp(newest[3] / 1000, UTC).isoformat(timespec="milliseconds")

    def knows(self, thing: object) -> bool:
        """Whether it was sampled."""
        return id(thing) in self._newest

    def at(self, thing: object, name: str, times: Sequence[int], age: int) -> list[int]:
        """What a counter was at these times (ms, newest first), 0 where that is not known."""
        noted = self._newest.get(id(thing))
        place = None if noted is None else noted[1].places.get(name)
        if noted is None or place is None:
            return [0] * len(times)
        history = self._histories.get(id(thing)) or self._begin_history(noted)
        return history.at(place, times, age)

    def _begin_history(self, noted: Noted) -> History:
        # Somebody looks at it: from now on it has a past, beginning with what is known of it.
        key = id(noted[0])
        if len(self._asked) >= MOST_ASKED:
            self._histories.pop(self._asked.popitem(last=False)[0], None)
        self._asked[key] = None
        tiers = DETAILED if noted[1] in counters.PAIRS else BASIC
        history = self._histories[key] = History(tiers, len(noted[2]))
        before = self._previous.get(key)
        if before is not None:
            history.add(self._previous_label, before[2])
        history.add(self._newest_label, noted[2])
        return history

    # -- taken ---------------------------------------------------------------------------

    def _begin(self) -> None:
        clock = self._server.clock
        now, step = clock.now_ms(), INTERVAL * 1000
        # The first comes when it comes; all others within a moment of a multiple of the interval.
        self._label = (now + (step // 2 if self._newest else 0)) // step * step
        self._server.context.tally.share_out()
        self._gather({}, everything(self._server), clock.monotonic())

    def _gather(self, sample: Sample, things: Iterator[Found], began: float) -> None:
        newest = self._newest
        for _ in range(SLICE):
            found = next(things, None)
            if found is None:
                self._finish(sample, began)
                return
            key = id(found[0])
            before = newest.get(key)
            if before is not None and before[2] == found[2] and before[0] is found[0]:
                noted = before  # as it is with most: nothing new to keep
            else:
                noted = (*found, self._label)
            sample[key] = noted
            self._remember(key, noted, before)
        self._timer = self._server.clock.call_later(0, self._gather, sample, things, began)

    def _remember(self, key: int, noted: Noted, before: Noted | None) -> None:
        history = self._histories.get(key)
        if history is None:
            if noted is before or (before is None and not any(noted[2])):
                return
            history = self._new_history(key, noted)
            if history is None:
                return
        history.add(self._label, noted[2])

    def _new_history(self, key: int, noted: Noted) -> History | None:
        thing, kind, values, _ = noted
        tiers: Sequence[Tier]
        if thing is TOTALS or thing is NODE:
            tiers = GLOBAL
        elif kind is counters.VHOST and self._vhosts < MOST_VHOSTS:
            self._vhosts += 1
            tiers = GLOBAL
        elif kind in counters.PAIRS:
            return None  # only of those that somebody has asked for
        elif kind is not counters.VHOST and self._changing < MOST_CHANGING:
            self._changing += 1
            tiers = BASIC
        else:
            return None
        history = self._histories[key] = History(tiers, len(values))
        return history

    def _finish(self, sample: Sample, began: float) -> None:
        self._previous, self._previous_at = self._newest, self._newest_at
        self._previous_label, self._newest_label = self._newest_label, self._label
        self._newest, self._newest_at = sample, began
        for key in self._histories.keys() - sample.keys():
            self._forget(key)
        step = INTERVAL * 1000
        wait = step - self._server.clock.now_ms() % step
        self._timer = self._server.clock.call_later(wait / 1000, self._begin)

    def _forget(self, key: int) -> None:
        del self._histories[key]
        if key in self._asked:
            del self._asked[key]
        elif self._previous[key][1] is counters.VHOST:
            self._vhosts -= 1
        else:
            self._changing -= 1


def everything(server: "Server") -> Iterator[Found]:
    """Every object that counts, with its values, and the sums.

    It may be stopped at each step while the broker goes on: what comes meanwhile comes next time.
    """
    lengths: dict[str, tuple[int, int]] = {}
    octets: dict[str, list[int]] = {}
    for vhost in list(server.vhosts):
        yield from _contents(vhost, lengths)
        octets[vhost.name] = [vhost.statistics.recv_oct, vhost.statistics.send_oct]
    for connection in list(server.connections):
        if hasattr(connection, "vhost"):
            values = counters.CONNECTION.read(connection)
            for place, value in enumerate(values):
                octets.setdefault(connection.vhost.name, [0, 0])[place] += value
            yield connection, counters.CONNECTION, values
            for channel in list(connection.channels.values()):
                yield channel, counters.CHANNEL, counters.CHANNEL.read(channel)
                yield from _pairs(channel)
    yield from _sums(server, lengths, octets)
    yield NODE, node.KIND, node.read(server)


def _contents(vhost: "VirtualHost[Queue]", lengths: dict[str, tuple[int, int]]) -> Iterator[Found]:
    ready = unacked = 0
    read = counters.QUEUE.read
    for queue in list(vhost.queues.values()):
        values = read(queue)
        ready += values[1]
        unacked += values[2]
        yield queue, counters.QUEUE, values
        if queue.incoming is not None:
            for inflow in list(queue.incoming.values()):
                yield inflow, counters.INFLOW, (inflow.publish,)
    lengths[vhost.name] = ready, unacked
    for exchange in list(vhost.exchanges.values()):
        yield exchange, counters.EXCHANGE, counters.EXCHANGE.read(exchange)


def _pairs(channel: "Channel") -> Iterator[Found]:
    pairs = channel.pairs
    for flow in list(pairs.flows.values()):
        yield flow, counters.FLOW, counters.FLOW.read(flow)
    for queue, taken in pairs.by_queue().items():
        if (pair := pairs.pair(queue)) is not None:
            yield pair, counters.SERVED, counters.SERVED.read(taken)


def _sums(
    server: "Server", lengths: dict[str, tuple[int, int]], octets: dict[str, list[int]]
) -> Iterator[Found]:
    all_ready = all_unacked = 0
    for vhost in list(server.vhosts):
        ready, unacked = lengths.get(vhost.name, (0, 0))
        all_ready, all_unacked = all_ready + ready, all_unacked + unacked
        received, sent = octets.get(vhost.name, (0, 0))
        yield (
            vhost,
            counters.VHOST,
            (ready + unacked, ready, unacked, received, sent, *counters.MESSAGES.read(vhost)),
        )
    totals = server.vhosts.totals()
    received, sent = (sum(each[place] for each in octets.values()) for place in (0, 1))
    yield (
        TOTALS,
        counters.TOTAL,
        (
            *(all_ready + all_unacked, all_ready, all_unacked, received, sent),
            *counters.of_statistics(totals),
            *counters.churn(totals),
        ),
    )


def _still(_name: str) -> float:
    return 0.0
