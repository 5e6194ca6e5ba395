"""From metrics to the text of a scrape, a slice at a time (spec 5.1).

`prometheus_client` writes the text: it knows both formats. Only the lines of single objects are
written here, which are the same in both: it takes twenty times as long for each, seconds for ten
thousand queues. They are written a slice at a time, so that a scrape holds up nobody's messages.
"""

import re
from collections.abc import AsyncIterator, Iterable, Iterator
from functools import lru_cache
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
from prometheus_client.utils import floatToGoString

from mgmt_ui.metrics import totals
from mgmt_ui.metrics.families import FAMILIES, QUEUE_INFO, Family, Row, Wanted
from mgmt_ui.metrics.metric import COUNTER, GAUGE, UNTYPED, Labels, Metric, Series
from mgmt_ui.metrics.sums import Sums
from mgmt_ui.patterns import search
from mgmt_ui.turns import next_turn
from vhosts.statistics import SIZE_BOUNDS, Statistics

if TYPE_CHECKING:
    from broker.queue import Queue
    from mgmt_ui.server import Server

SLICE, LINES = 200, 1000
"""How many samples are written, by prometheus_client and here, before others have their turn."""

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
        self._sums = Sums(server)

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
        for series in totals.identity(self._server, endpoint):
            yield _text(encode, PREFIX, series)
        if endpoint == "memory-breakdown":
            for series in totals.memory_parts(self._server):
                yield _text(encode, PREFIX, series)
            return
        if endpoint == "detailed":
            async for piece in self._chosen(encode, query):
                yield piece
            return
        whole = self._server.vhosts.totals()
        count = await totals.count(self._server)
        for number, series in enumerate(self._whole(whole, count), 1):
            yield _text(encode, PREFIX, series)
            if not number % 20:
                await next_turn()
        yield _plain(encode, [_sizes(whole), *self._telemetry()])
        yield _plain(encode, REGISTRY.collect())
        if endpoint == "aggregated":
            yield _many(encode, PREFIX, _aggregated(await self._sums.read(whole)))
            return
        known: set[str] = set()
        for family in FAMILIES.values():
            async for piece in _lines(
                encode, PREFIX, family, family.rows(self._server, _any), known
            ):
                yield piece

    # -- of the broker -------------------------------------------------------------------

    def _whole(self, whole: Statistics, count: totals.Count) -> Iterator[Series]:
        server = self._server
        yield from totals.objects(server, count)
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

    async def _chosen(self, encode: Any, query: "list[tuple[str, str]]") -> AsyncIterator[bytes]:
        server = self._server
        wanted = await _wanted(server, query)
        chosen = list(dict.fromkeys(value for name, value in query if name == "family"))
        whole = server.vhosts.totals()
        known: set[str] = set()
        for name in chosen:
            if name in WHOLE:
                yield _many(encode, DETAILED, self._family_of_whole(name, whole))
            elif name == "vhost_status":
                yield _text(encode, CLUSTER, _vhosts(server))
            elif name in {"exchange_names", "exchange_bindings"}:
                async for piece in _sliced(encode, CLUSTER, _exchanges(server, name)):
                    yield piece
            elif name in FAMILIES:
                rows = FAMILIES[name].rows(server, wanted)
                async for piece in _lines(encode, DETAILED, FAMILIES[name], rows, known):
                    yield piece
        if any(name.startswith("queue_") for name in chosen):
            rows = QUEUE_INFO.rows(server, wanted)
            async for piece in _lines(encode, DETAILED, QUEUE_INFO, rows, known):
                yield piece


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


def _aggregated(sums: dict[str, float]) -> Iterator[Series]:
    metrics = {metric.name: metric for family in FAMILIES.values() for metric in family.metrics}
    for name, metric in metrics.items():
        yield Series(metric, (), [((), sums[name])])


def _any(_queue: "Queue") -> bool:
    return True


async def _lines(
    encode: Any, prefix: str, family: Family, rows: AsyncIterator[Row], known: set[str]
) -> AsyncIterator[bytes]:
    found = [(_labelled(family.labels, labels), values) async for labels, values in rows]
    for place, metric in enumerate(family.metrics):
        if metric.name in known:  # two families may have one in common
            continue
        known.add(metric.name)
        yield _text(encode, prefix, Series(metric, family.labels, ()))
        name = prefix + metric.name
        for start in range(0, len(found), LINES):
            part = found[start : start + LINES]
            lines = [f"{name}{labels} {_number(values[place])}\n" for labels, values in part]
            # Names that are no UTF-8 (AMQP allows any bytes) show question marks.
            yield "".join(lines).encode("utf-8", "replace")
            await next_turn()


def _labelled(names: Labels, values: Labels) -> str:
    pairs = ",".join(
        f'{name}="{value.translate(_ESCAPES)}"' for name, value in zip(names, values, strict=True)
    )
    return f"{{{pairs}}}"


_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", '"': '\\"'})
_number = lru_cache(4096)(floatToGoString)


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
    return _many(encode, prefix, [series])


def _many(encode: Any, prefix: str, several: Iterable[Series]) -> bytes:
    return _plain(encode, (_family(prefix, series) for series in several))


def _family(prefix: str, series: Series) -> Any:
    metric, labels, rows = series
    found = KINDS[metric.kind](prefix + metric.name, metric.help, labels=labels)
    for values, value in rows:
        found.add_metric(values, value)
    return found


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
