"""Scrapes, read as Prometheus reads them."""

import math
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_families
from prometheus_client.parser import text_string_to_metric_families as plain_families

from mgmt_ui import app
from mgmt_ui.metrics import exposition, families
from mgmt_ui.metrics.app import make_app
from tests.unit.mgmt_ui.fakes import NODE, basic
from tests.unit.mgmt_ui.live import LiveServer

Samples = dict[str, dict[tuple[tuple[str, str], ...], float]]

# What the panels of the Grafana dashboard "RabbitMQ-Overview" query, 3.10 to 4.3 (spec 5.3).
DASHBOARD = [
    "build_info",
    "identity_info",
    "channel_consumers",
    "channels",
    "channels_closed_total",
    "channels_opened_total",
    "connections",
    "connections_closed_total",
    "connections_opened_total",
    "consumers",
    "disk_space_available_bytes",
    "disk_space_available_limit_bytes",
    "erlang_uptime_seconds",
    "global_consumers",
    "global_publishers",
    "global_messages_acknowledged_total",
    "global_messages_confirmed_total",
    "global_messages_delivered_consume_auto_ack_total",
    "global_messages_delivered_consume_manual_ack_total",
    "global_messages_delivered_get_auto_ack_total",
    "global_messages_delivered_get_manual_ack_total",
    "global_messages_delivered_total",
    "global_messages_get_empty_total",
    "global_messages_received_confirm_total",
    "global_messages_received_total",
    "global_messages_redelivered_total",
    "global_messages_routed_total",
    "global_messages_unroutable_dropped_total",
    "global_messages_unroutable_returned_total",
    "message_size_bytes_bucket",
    "message_size_bytes_count",
    "message_size_bytes_sum",
    "process_max_fds",
    "process_max_tcp_sockets",
    "process_open_fds",
    "process_open_tcp_sockets",
    "process_resident_memory_bytes",
    "queue_messages_ready",
    "queue_messages_unacked",
    "queues",
    "queues_created_total",
    "queues_declared_total",
    "queues_deleted_total",
    "resident_memory_limit_bytes",
]


@pytest.fixture
async def scrape(live: LiveServer):
    """`await scrape(path)`: all samples by name and labels."""
    async with TestClient(TestServer(make_app(live.as_server, live.clock.now_ms()))) as client:

        async def scrape(path: str = "/metrics") -> Samples:
            live.engine.run()
            async with client.get(path) as response:
                assert response.status == 200
                assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
                return parsed(await response.text())

        yield scrape


def parsed(text: str) -> Samples:
    found: Samples = {}
    for family in plain_families(text):
        for sample in family.samples:
            each = found.setdefault(sample.name, {})
            labels = tuple(sorted(sample.labels.items()))
            assert labels not in each, f"{sample.name} {labels} twice"
            each[labels] = sample.value
    return found


def value(samples: Samples, name: str, **labels: str) -> float:
    """The value of the only sample of that name, with these labels at least."""
    (found,) = [
        number for each, number in samples[name].items() if labels.items() <= dict(each).items()
    ]
    return found


def busy(live: LiveServer) -> Any:
    """A client that has published, consumed and fetched in queue "q"."""
    client = live.connect()
    client.declare("q")
    client.call(1, "confirm.select")
    for size in (0, 100, 5000):
        client.publish("", "q", b"x" * size, delivery_mode=2)
    client.publish("", "nowhere", b"")
    live.engine.run()
    client.read_all()
    client.get("q", no_ack=True)
    client.get("q")
    return client


async def test_all_that_the_dashboard_queries_is_there_from_the_start(scrape: Any):
    samples = await scrape()
    missing = [name for name in DASHBOARD if f"rabbitmq_{name}" not in samples]
    assert not missing
    assert value(samples, "rabbitmq_global_messages_received_total", protocol="amqp091") == 0
    assert value(samples, "rabbitmq_queue_messages_ready") == 0


async def test_who_is_scraped(scrape: Any):
    samples = await scrape()
    ((labels, one),) = samples["rabbitmq_identity_info"].items()
    told = dict(labels)
    assert (one, told["rabbitmq_node"], told["rabbitmq_cluster"]) == (1, NODE, NODE)
    assert told["rabbitmq_endpoint"] == "aggregated"
    assert told["rabbitmq_cluster_permanent_id"].startswith("rabbitmq-cluster-id-")
    assert value(samples, "rabbitmq_build_info", rabbitmq_version="4.1.0") == 1


@pytest.mark.parametrize("endpoint", ["per-object", "detailed", "memory-breakdown"])
async def test_every_endpoint_says_which_it_is(scrape: Any, endpoint: str):
    samples = await scrape(f"/metrics/{endpoint}")
    assert value(samples, "rabbitmq_identity_info", rabbitmq_endpoint=endpoint) == 1


async def test_global_counters(scrape: Any, live: LiveServer):
    busy(live)
    samples = await scrape()
    for name, expected in {
        "messages_received_total": 4,
        "messages_received_confirm_total": 4,
        "messages_confirmed_total": 4,
        "messages_routed_total": 3,
        "messages_unroutable_dropped_total": 1,
        "publishers": 1,
    }.items():
        assert value(samples, f"rabbitmq_global_{name}") == expected, name
    kind = {"protocol": "amqp091", "queue_type": "rabbit_classic_queue"}
    for name, expected in {
        "messages_delivered_total": 2,
        "messages_delivered_get_auto_ack_total": 1,
        "messages_delivered_get_manual_ack_total": 1,
        "messages_acknowledged_total": 0,
    }.items():
        assert value(samples, f"rabbitmq_global_{name}", **kind) == expected, name


async def test_sizes(scrape: Any, live: LiveServer):
    busy(live)
    samples = await scrape()
    buckets = samples["rabbitmq_message_size_bytes_bucket"]
    counts = {dict(labels)["le"]: number for labels, number in buckets.items()}
    assert list(counts) == list(exposition.BOUNDS)
    assert (counts["100.0"], counts["1000.0"], counts["10000.0"], counts["+Inf"]) == (3, 3, 4, 4)
    assert value(samples, "rabbitmq_message_size_bytes_sum") == 5100
    assert value(samples, "rabbitmq_message_size_bytes_count") == 4


async def test_sums_over_objects(scrape: Any, live: LiveServer):
    client = busy(live)
    client.declare("r")
    client.publish("", "r", b"12345")
    samples = await scrape()
    assert value(samples, "rabbitmq_queues") == 2
    assert value(samples, "rabbitmq_queue_messages_ready") == 2
    assert value(samples, "rabbitmq_queue_messages_unacked") == 1
    assert value(samples, "rabbitmq_queue_messages_persistent") == 2
    assert value(samples, "rabbitmq_channel_messages_published_total") == 5
    assert value(samples, "rabbitmq_queue_disk_writes_total") == 3


async def test_totals_never_fall(scrape: Any, live: LiveServer):
    client = busy(live)
    client.call(1, "queue.delete", queue="q")
    client.close()
    live.engine.run()
    samples = await scrape()
    assert value(samples, "rabbitmq_channel_messages_published_total") == 4
    assert value(samples, "rabbitmq_queue_get_total") == 1
    assert value(samples, "rabbitmq_channels") == value(samples, "rabbitmq_global_publishers") == 0


async def test_objects(scrape: Any, live: LiveServer):
    client = busy(live)
    samples = await scrape("/metrics/per-object")
    queue = {"vhost": "/", "queue": "q"}
    assert value(samples, "rabbitmq_queue_messages_ready", **queue) == 1
    assert math.isnan(value(samples, "rabbitmq_queue_head_message_timestamp", **queue))
    name = f"{client.connection.name} (1)"
    published = {"channel": name, "vhost": "/", "exchange": ""}
    assert value(samples, "rabbitmq_channel_messages_published_total", **published) == 4
    assert value(samples, "rabbitmq_channel_get_ack_total", channel=name, queue="q") == 1
    sent = value(samples, "rabbitmq_connection_outgoing_bytes_total")
    assert sent == client.connection.sent_bytes
    incoming = {"queue": "q", "exchange": "", "queue_vhost": "/"}
    assert value(samples, "rabbitmq_queue_exchange_messages_published_total", **incoming) == 3


async def test_names_are_escaped(scrape: Any, live: LiveServer):
    name = 'a"b\\c'
    live.vhost.declare_queue(name, durable=False, owner=None, auto_delete=False, arguments={})
    samples = await scrape("/metrics/per-object")
    found = samples["rabbitmq_queue_messages"]
    assert [dict(labels)["queue"] for labels in found] == [name]


async def test_names_that_are_no_text(scrape: Any, live: LiveServer):
    live.vhost.declare_queue("a\udcff", durable=False, owner=None, auto_delete=False, arguments={})
    samples = await scrape("/metrics/per-object")
    found = samples["rabbitmq_queue_messages"]
    assert [dict(labels)["queue"] for labels in found] == ["a?"]


async def test_chosen_families(scrape: Any, live: LiveServer):
    busy(live).declare("other")
    path = "/metrics/detailed?family=queue_coarse_metrics&family=vhost_status&family=nosuch"
    samples = await scrape(path)
    names = samples.keys() - {"rabbitmq_build_info", "rabbitmq_identity_info"}
    assert names == {
        "rabbitmq_detailed_queue_messages",
        "rabbitmq_detailed_queue_messages_ready",
        "rabbitmq_detailed_queue_messages_unacked",
        "rabbitmq_detailed_queue_process_reductions_total",
        "rabbitmq_detailed_queue_info",
        "rabbitmq_cluster_vhost_status",
    }
    assert value(samples, "rabbitmq_cluster_vhost_status", vhost="/") == 1
    for query in ("&queue=^q$&vhost=/", "&queue=nosuch", "&vhost=elsewhere"):
        found = (await scrape(path + query)).get("rabbitmq_detailed_queue_messages", {})
        assert [dict(labels)["queue"] for labels in found] == (["q"] if "^q$" in query else [])


@pytest.mark.parametrize("family", [*families.FAMILIES, *exposition.WHOLE, "exchange_names"])
async def test_every_family_can_be_chosen(scrape: Any, live: LiveServer, family: str):
    client = busy(live)
    client.call(1, "exchange.declare", exchange="mine", type="topic")
    stream = {"x-queue-type": "stream"}
    client.declare("stream", stream)
    samples = await scrape(f"/metrics/detailed?family={family}")
    assert len(samples) > 2


async def test_bad_patterns_are_refused(live: LiveServer):
    async with TestClient(TestServer(make_app(live.as_server, live.clock.now_ms()))) as client:
        async with client.get("/metrics/detailed?family=queue_metrics&queue=(") as response:
            assert response.status == 400
        async with client.get("/nothing") as response:
            assert response.status == 404


async def test_many_objects_are_told_in_slices(
    scrape: Any, live: LiveServer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(exposition, "SLICE", 2)
    client = live.connect()
    for number in range(7):
        client.declare(f"q{number}")
    samples = await scrape("/metrics/per-object")
    assert len(samples["rabbitmq_queue_messages_ready"]) == 7


async def test_openmetrics_for_those_who_ask(live: LiveServer):
    accept = {"accept": "application/openmetrics-text;version=1.0.0"}
    async with (
        TestClient(TestServer(make_app(live.as_server, live.clock.now_ms()))) as client,
        client.get("/metrics", headers=accept) as response,
    ):
        assert response.headers["content-type"].startswith("application/openmetrics-text")
        text = await response.text()
    assert text.endswith("# EOF\n")
    assert text.count("# EOF") == 1
    assert "rabbitmq_queues" in {family.name for family in open_families(text)}


async def test_scrapes_are_counted(scrape: Any):
    await scrape()
    samples = await scrape()
    assert value(samples, "telemetry_scrape_duration_seconds_count") == 1
    assert value(samples, "telemetry_scrape_size_bytes_sum") > 1000


async def test_on_the_port_of_the_api_with_a_login(live: LiveServer):
    live.add_user("ann", "management", permissions=None)
    live.add_user("eve", "monitoring", permissions=None)
    application = app.make_app(live.as_server)
    async with TestClient(TestServer(application)) as client:
        for path in ("", "/per-object", "/detailed", "/memory-breakdown"):
            for user, status in (("ann", 401), ("eve", 200), ("guest", 200)):
                headers = basic(user) | {"accept": "text/plain;version=0.0.4;q=0.5"}
                async with client.get(f"/metrics{path}", headers=headers) as response:
                    assert response.status == status
        async with client.get("/metrics", headers=basic() | {"accept": "text/html"}) as response:
            assert response.status == 406
