"""From metrics to the text of a scrape, a slice at a time (spec 5.1).

`prometheus_client` writes the text: it knows both formats and how labels are escaped. It is given
few samples at a time, so that a scrape of ten thousand queues holds up nobody's messages.
"""

import re
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from prometheus_client import REGISTRY
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    SummaryMetricFamily,
    UnknownMetricFamily,
)
from prometheus_client.exposition import choose_encoder

from mgmt_ui.metrics import totals
from mgmt_ui.metrics.families import FAMILIES, MEANS, QUEUE_INFO, Family, Wanted, steady
from mgmt_ui.metrics.metric import COUNTER, GAUGE, UNTYPED, Labels, Metric, Series
from mgmt_ui.patterns import search
from mgmt_ui.turns import next_turn
from vhosts.statistics import SIZE_BOUNDS, Statistics

if TYPE_CHECKING:
    from broker.queue import Queue
    from mgmt_ui.server import Server

SLICE = 200
"""How many samples are written before others have their turn on the loop."""

KINDS: dict[str, Any] = {
    COUNTER: CounterMetricFamily,
    GAUGE: GaugeMetricFamily,
    UNTYPED: UnknownMetricFamily,
}
PIECE = 1 << 16
"""How many octets go out together, about."""
PREFIX, DETAILED, CLUSTER = "rabbitmq_", "rabbitmq_detailed_", "rabbitmq_cluster_"
# As dashboards spell the bounds.
BOUNDS = ("100.0", "1000.0", "10000.0", "100000.0", "1e+06", "1e+07", "5e+07", "1e+08", "+Inf")
assert len(BOUNDS) == len(SIZE_BOUNDS) + 1
# Told on their own where families are chosen.
WHOLE = (
    *("connection_churn_metrics", "node_coarse_metrics", "node_metrics"),
    *("node_persister_metrics", "auth_attempt_metrics"),
)
_END = b"# EOF\n"


class Scrapes:
    """Answers scrapes of one broker, and counts what they cost."""

    def __init__(self, server: "Server", started_ms: int) -> None:
        self._server = server
        self._started_ms = started_ms
        # By content type: how many, seconds, octets.
        self._cost: dict[str, tuple[int, float, int]] = {}

    def answer(
        self, endpoint: str, accept: str, query: "list[tuple[str, str]]"
    ) -> tuple[AsyncIterator[bytes], str]:
        """The text of an endpoint, piece by piece, and its content type.

        The first piece raises ApiError 400 for bad filters.
        """
        encode, content_type = choose_encoder(accept)
        return self._told(encode, content_type, endpoint, query), content_type

    async def _told(
        self, encode: Any, content_type: str, endpoint: str, query: "list[tuple[str, str]]"
    ) -> AsyncIterator[bytes]:
        clock = self._server.clock
        began, size = clock.monotonic(), 0
        self._server.context.tally.share_out()
        gathered = bytearray()
        async for piece in self._pieces(encode, endpoint, query):
            gathered += piece
            if len(gathered) > PIECE:
                size += len(gathered)
                yield bytes(gathered)
                gathered.clear()
        if content_type.startswith("application/openmetrics"):
            gathered += _END
        size += len(gathered)
        yield bytes(gathered)
        kind = content_type.partition(";")[0]
        count, seconds, octets = self._cost.get(kind, (0, 0.0, 0))
        seconds += clock.monotonic() - began
        self._cost[kind] = (count + 1, seconds, octets + size)

    async def _pieces(
        self, encode: Any, endpoint: str, query: "list[tuple[str, str]]"
    ) -> AsyncIterator[bytes]:
        prefix = DETAILED if endpoint == "detailed" else PREFIX
        for series in totals.identity(self._server, endpoint):
            yield _text(encode, PREFIX, series)
        if endpoint == "memory-breakdown":
            for series in totals.memory_parts(self._server):
                yield _text(encode, PREFIX, series)
            return
        if endpoint == "detailed":
            async for series in self._chosen(query):
                async for piece in _sliced(encode, _prefix(prefix, series), series):
                    yield piece
            return
        whole = self._server.vhosts.totals()
        for number, series in enumerate(self._whole(whole), 1):
            yield _text(encode, PREFIX, series)
            if not number % 20:
                await next_turn()
        yield _plain(encode, [_sizes(whole), *self._telemetry()])
        yield _plain(encode, REGISTRY.collect())
        async for series in _objects(self._server, whole, endpoint == "aggregated"):
            async for piece in _sliced(encode, PREFIX, series):
                yield piece

    # -- of the broker -------------------------------------------------------------------

    def _whole(self, whole: Statistics) -> Iterator[Series]:
        server = self._server
        yield from totals.objects(server)
        yield from totals.everything_global(whole)
        yield from totals.alarms(server)
        for family in WHOLE:
            yield from self._family_of_whole(family, whole)
        yield Series(
            Metric("queue_messages_published_total", COUNTER, "Messages routed"),
            (),
            [((), whole.routed)],
        )

    def _family_of_whole(self, family: str, whole: Statistics) -> Iterator[Series]:
        server = self._server
        if family == "connection_churn_metrics":
            return totals.churn(whole)
        if family == "node_coarse_metrics":
            return totals.node_coarse(server)
        if family == "node_metrics":
            return totals.node_limits(server, self._started_ms)
        if family == "node_persister_metrics":
            return totals.persister(server, whole)
        return totals.logins(server)

    def _telemetry(self) -> Iterator[Any]:
        labels = ("registry", "content_type", "encoding")
        for place, name, text in (
            (1, "telemetry_scrape_duration_seconds", "Time that scrapes took"),
            (2, "telemetry_scrape_size_bytes", "Size of scrapes"),
            (2, "telemetry_scrape_encoded_size_bytes", "Size of scrapes before compression"),
        ):
            found = SummaryMetricFamily(name, text, labels=labels)
            for content_type, cost in self._cost.items():
                found.add_metric(("default", content_type, "identity"), cost[0], cost[place])
            yield found

    # -- /metrics/detailed ---------------------------------------------------------------

    async def _chosen(self, query: "list[tuple[str, str]]") -> AsyncIterator[Series]:
        wanted = await _wanted(self._server, query)
        chosen = list(dict.fromkeys(value for name, value in query if name == "family"))
        whole = self._server.vhosts.totals()
        known: set[str] = set()
        for name in chosen:
            if name in WHOLE:
                for series in self._family_of_whole(name, whole):
                    yield series
            elif name == "vhost_status":
                yield _vhosts(self._server)
            elif name in {"exchange_names", "exchange_bindings"}:
                yield _exchanges(self._server, name)
            elif name in FAMILIES:
                async for series in _read(self._server, FAMILIES[name], wanted, known):
                    yield series
        if any(name.startswith("queue_") for name in chosen):
            async for series in _read(self._server, QUEUE_INFO, wanted, known):
                yield series


def _prefix(prefix: str, series: Series) -> str:
    cluster = ("vhost_status", "exchange_name", "exchange_bindings")
    return CLUSTER if series.metric.name in cluster else prefix


def _vhosts(server: "Server") -> Series:
    metric = Metric("vhost_status", GAUGE, "1 where the virtual host is up")
    rows: list[tuple[Labels, float]] = [
        ((vhost.name,), float(vhost.running)) for vhost in server.vhosts
    ]
    return Series(metric, ("vhost",), rows)


def _exchanges(server: "Server", family: str) -> Series:
    bindings = family == "exchange_bindings"
    name, text = (
        ("exchange_bindings", "Bindings of the exchange")
        if bindings
        else ("exchange_name", "The exchange is there")
    )
    rows: list[tuple[Labels, float]] = [
        ((vhost.name, each.name, each.type), len(each.bindings) if bindings else 1)
        for vhost in server.vhosts
        for each in vhost.exchanges.values()
        if each.name and not each.internal
    ]
    return Series(Metric(name, GAUGE, text), ("vhost", "exchange", "type"), rows)


async def _wanted(server: "Server", query: "list[tuple[str, str]]") -> Wanted:
    vhosts = {value for name, value in query if name == "vhost"}
    patterns = [value for name, value in query if name == "queue"]
    names = sorted({name for vhost in server.vhosts for name in vhost.queues}) if patterns else []
    matching: set[str] = set()
    for pattern in patterns:
        found = await search(pattern, names)
        matching.update(name for name, flag in zip(names, found, strict=True) if flag)

    def wanted(queue: "Queue") -> bool:
        if vhosts and queue.vhost.name not in vhosts:
            return False
        return not patterns or queue.name in matching

    return wanted


# -- of objects --------------------------------------------------------------------------------


async def _objects(server: "Server", whole: Statistics, aggregated: bool) -> AsyncIterator[Series]:
    unchanging = dict(steady(whole))
    known: set[str] = set()
    for family in FAMILIES.values():
        async for series in _read(server, family, _any, known):
            if not aggregated:
                yield series
                continue
            name = series.metric.name
            value = unchanging.get(name, _sum(name, series))
            yield Series(series.metric, (), [((), value)])


def _sum(name: str, series: Series) -> float:
    # What is not a number, a missing timestamp, is no part of it.
    values = [value for _, value in series.rows if value == value]
    total = sum(values)
    return total / len(values) if name in MEANS and values else total


def _any(_queue: "Queue") -> bool:
    return True


async def _read(
    server: "Server", family: Family, wanted: Wanted, known: set[str]
) -> AsyncIterator[Series]:
    rows = [row async for row in family.rows(server, wanted)]
    for place, metric in enumerate(family.metrics):
        if metric.name not in known:  # two families may have one in common
            known.add(metric.name)
            yield Series(
                metric, family.labels, [(labels, values[place]) for labels, values in rows]
            )


# -- text --------------------------------------------------------------------------------------


class _Collector:
    """What prometheus_client asks for metrics."""

    def __init__(self, families: Iterable[Any]) -> None:
        self._families = families

    def collect(self) -> Iterable[Any]:
        return self._families


def _plain(encode: Any, families: Iterable[Any]) -> bytes:
    text: bytes = encode(_Collector(families))
    return text.removesuffix(_END)


def _text(encode: Any, prefix: str, series: Series) -> bytes:
    metric, labels, rows = series
    found = KINDS[metric.kind](prefix + metric.name, metric.help, labels=labels)
    for values, value in rows:
        found.add_metric(values, value)
    return _plain(encode, [found])


async def _sliced(encode: Any, prefix: str, series: Series) -> AsyncIterator[bytes]:
    for start in range(0, max(1, len(series.rows)), SLICE):
        text = _text(encode, prefix, series._replace(rows=series.rows[start : start + SLICE]))
        yield _HEAD.sub(b"", text) if start else text
        await next_turn()


_HEAD = re.compile(rb"^#.*\n", re.MULTILINE)


def _sizes(whole: Statistics) -> Any:
    found = HistogramMetricFamily(
        PREFIX + "message_size_bytes", "Size of published messages", labels=("protocol",)
    )
    count = 0
    buckets = []
    for bound, more in zip(BOUNDS, whole.sizes, strict=True):
        count += more
        buckets.append((bound, float(count)))
    found.add_metric((totals.PROTOCOL,), buckets, float(whole.published_octets))
    return found
