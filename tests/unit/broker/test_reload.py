"""New values of options in a running broker: what is taken up, and what is said of the rest."""

import logging
from dataclasses import replace
from pathlib import Path

import pytest

from broker import reload
from broker.options import OPTIONS, Options
from broker.reload import APPLY, NEEDS_RESTART, Running
from broker.tls_listener import TlsListeners
from tests.support.certificates import Authority
from tests.support.encoding import plain
from tests.support.engine import Engine


def test_the_table_and_the_live_column_agree():
    assert set(APPLY) == {name for name, option in OPTIONS.items() if option.live}


@pytest.fixture
def running(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "leveret-data").mkdir()
    yield Running(engine.context, None)
    engine.context.alarms.stop()


def take_up(running, old=None, **changes):
    old = old or Options()
    return reload.reload(running, old, replace(old, **changes))


def test_nothing_new(running, caplog):
    caplog.set_level(logging.INFO)
    assert take_up(running) == (Options(), (), {})
    assert "no option has changed" in caplog.text


def test_limits_are_for_connections_to_come(running, engine):
    before = engine.connect()
    outcome = take_up(
        running,
        heartbeat=7,
        frame_max=8192,
        channel_max=3,
        connection_max=9,
        consumer_max=5,
        max_message_size=10,
        handshake_timeout=2,
    )
    assert set(outcome.applied) == {
        *("heartbeat", "frame_max", "channel_max", "connection_max"),
        *("consumer_max", "max_message_size", "handshake_timeout"),
    }
    assert outcome.options.heartbeat == 7
    tune = engine.client().login().arguments
    assert (tune["heartbeat"], tune["frame_max"], tune["channel_max"]) == (7, 8192, 3)
    assert engine.vhosts.limits.max_connections == 9
    assert engine.vhosts.limits.max_consumers == 5
    before.call(1, "queue.declare", queue="q")


def test_watermarks_take_the_place_of_the_old_ones(running, engine):
    reload.watch(running, Options())
    timers = engine.clock.pending
    take_up(running, disk_free_limit=1 << 62)
    assert running.context.alarms.active == ("disk",)
    assert engine.clock.pending == timers
    take_up(running, Options(disk_free_limit=1 << 62), disk_free_limit=1)
    assert running.context.alarms.active == ()
    take_up(running, alarmed_publishers="refuse")
    assert running.context.alarms.refuses


def test_identity(running, engine):
    name = running.context.identity.cluster_name
    take_up(running, compat_product="Other", compat_version="9.9.9")
    properties = engine.client().start().arguments["server_properties"]
    properties = plain(properties)
    assert (properties["product"], properties["version"]) == ("Other", "9.9.9")
    assert properties["cluster_name"] == name


def test_log_level(running, caplog, monkeypatch):
    seen = []
    monkeypatch.setattr("broker.logs.set_up", lambda *values: seen.append(values))
    take_up(running, log_level="debug")
    assert seen == [("debug", "text")]


def test_what_takes_a_restart_is_named(running, caplog):
    outcome = take_up(running, amqp_port=1, data_dir=Path("elsewhere"), heartbeat=7)
    assert outcome.refused == {"amqp_port": NEEDS_RESTART, "data_dir": NEEDS_RESTART}
    assert outcome.applied == ("heartbeat",)
    assert outcome.options == Options(heartbeat=7)
    assert "amqp_port stays as it was: it takes a restart" in caplog.text


def test_tls_cannot_be_turned_on(running):
    outcome = take_up(running, tls_cert=Path("cert.pem"))
    assert outcome.options.tls_cert is None
    assert "turned on and off by a restart" in outcome.refused["tls_cert"]


class Tls(TlsListeners):
    """Listeners that note what they are given."""

    def __init__(self) -> None:
        self.options: list[Options] = []

    def reload(self, options: Options) -> None:
        self.options.append(options)


def test_certificates_are_read_again_though_no_option_changed(engine):
    tls = Tls()
    old = Options(tls_cert=Path("cert.pem"))
    assert take_up(Running(engine.context, tls), old) == (old, (), {})
    assert tls.options == [old]
    outcome = take_up(Running(engine.context, tls), old, tls_verify="none", tls_min_version="1.3")
    assert outcome.applied == ("tls_min_version",)
    assert tls.options[-1].tls_min_version == "1.3"


def test_options_of_tls_are_taken_up_together_or_not_at_all(engine, tmp_path, caplog):
    cert, key = Authority(tmp_path).issue("server", password="sesame")
    old = Options(tls_cert=cert, tls_key=key, tls_key_password="sesame")
    tls = TlsListeners(old, engine.clock)
    outcome = take_up(
        Running(engine.context, tls), old, tls_key_password="barley", tls_min_version="1.3"
    )
    assert outcome.options == old
    assert outcome.refused.keys() == {"tls_key_password", "tls_min_version"}
    assert "barley" not in caplog.text
    assert "sesame" not in caplog.text


def test_secrets_are_not_logged(engine, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    authority = Authority(tmp_path)
    cert, key = authority.issue("server")
    old = Options(tls_cert=cert, tls_key=key)
    tls = TlsListeners(old, engine.clock)
    take_up(Running(engine.context, tls), old, tls_key_password="sesame")
    assert "tls_key_password is now (secret)" in caplog.text
    assert "sesame" not in repr(replace(old, tls_key_password="sesame"))
