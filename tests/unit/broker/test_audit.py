"""The audit log: its lines, and what leaves one."""

import json
import logging
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from broker import audit, handlers, reload
from broker.options import Options
from broker.reload import Running
from broker.startup import StartError


@pytest.fixture
def lines(tmp_path: Path):
    """Audits into a file; gives what has been noted since the last call."""
    file = tmp_path / "audit.log"
    reload.audit_log(Options(audit_log=str(file), log_format="json"))
    seen = 0

    def new() -> list[dict[str, str]]:
        nonlocal seen
        entries = [json.loads(line) for line in file.read_text().splitlines()]
        entries, seen = entries[seen:], len(entries)
        for entry in entries:
            del entry["time"]
        return entries

    yield new
    reload.audit_log(Options())


def test_off_is_off(engine, caplog):
    caplog.set_level(logging.DEBUG)
    assert not audit.on
    audit.note("something", password="x")
    engine.connect().call(1, "queue.declare", queue="q")
    assert "something" not in caplog.text
    assert handlers.HANDLERS == handlers._PLAIN


def test_turning_it_off_leaves_nothing_behind(lines):
    assert handlers.HANDLERS != handlers._PLAIN
    reload.audit_log(Options())
    assert handlers.HANDLERS == handlers._PLAIN
    assert audit.logger.handlers == []


def test_text(tmp_path):
    file = tmp_path / "audit.log"
    audit.set_up(str(file), "text")
    audit.note("queue.declared", user='a"b\nc d', queue="q", vhost="/", key="", none=None, n=5)
    audit.note("forged", user="x queue=y", other="a=b")
    audit.set_up("off", "text")
    one, other = file.read_text().splitlines()
    assert one.endswith(r'Z AUDIT queue.declared user="a\"b\nc d" queue=q vhost=/ key="" n=5')
    assert other.endswith(' AUDIT forged user="x queue=y" other="a=b"')


def test_the_file_is_for_its_owner_alone_and_appended_to(tmp_path):
    file = tmp_path / "audit.log"
    for event in ("one", "two"):
        audit.set_up(str(file), "json")
        audit.note(event)
    audit.set_up("off", "text")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [json.loads(line)["event"] for line in file.read_text().splitlines()] == ["one", "two"]


def test_standard_error(capsys):
    audit.set_up("stderr", "text")
    audit.note("something", user="ann")
    audit.set_up("off", "text")
    assert capsys.readouterr().err.endswith("AUDIT something user=ann\n")


def test_a_file_that_cannot_be_written(tmp_path):
    with pytest.raises(StartError, match="--audit-log: cannot write"):
        reload.audit_log(Options(audit_log=str(tmp_path)))


def test_a_lost_line_is_told_of(tmp_path, caplog, monkeypatch):
    audit.set_up(str(tmp_path / "audit.log"), "text")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(audit._Text, "format", fail)
    audit.note("something")
    audit.set_up("off", "text")
    assert "a line of the audit log is lost: [Errno 28]" in caplog.text
    caplog.clear()


def test_reload_opens_the_file_anew(engine, lines, tmp_path):
    file = tmp_path / "audit.log"
    old = Options(audit_log=str(file), log_format="json")
    file.rename(tmp_path / "rotated.log")
    reload.reload(Running(engine.context, None), old, old)
    audit.note("after")
    assert [json.loads(line)["event"] for line in file.read_text().splitlines()] == ["after"]
    outcome = reload.reload(Running(engine.context, None), old, replace(old, audit_log="off"))
    assert outcome.applied == ("audit_log",)
    assert not audit.on


WHO = {"via": "amqp", "user": "guest", "vhost": "/"}


def test_connections(engine, lines):
    client = engine.connect()
    client.close()
    came, went = lines()
    assert came.pop("address") == went.pop("address")
    assert came == {"event": "connection.opened", **WHO, "mechanism": "PLAIN"}
    assert went == {"event": "connection.closed", **WHO, "mechanism": "PLAIN"}


def test_refusals(engine, lines):
    client = engine.client("192.0.2.1")
    client.start()
    client.send_start_ok("ann", "sesame")
    engine.run()
    (entry,) = lines()
    assert entry == {
        "event": "connection.refused",
        "via": "amqp",
        "user": "ann",
        "address": "192.0.2.1",
        "mechanism": "PLAIN",
        "reason": "user 'ann' refused by mechanism PLAIN",
    }
    other = engine.client()
    other.login()
    other.tune_ok()
    other.send_method(0, "connection.open", virtual_host="elsewhere")
    engine.run()
    (entry,) = lines()
    assert (entry["user"], entry["reason"]) == ("guest", "NOT_ALLOWED - vhost elsewhere not found")


def test_what_is_declared_and_deleted(engine, lines):
    client = engine.connect()
    lines()
    client.call(1, "queue.declare", queue="q")
    client.call(1, "queue.declare", queue="q")
    client.call(1, "queue.declare", queue="q", passive=True)
    client.call(1, "exchange.declare", exchange="x", type="topic")
    client.call(1, "queue.bind", queue="q", exchange="x", routing_key="k")
    client.call(1, "exchange.bind", destination="amq.topic", source="x", routing_key="k")
    client.publish("x", "k", b"m")
    client.call(1, "queue.purge", queue="q")
    client.call(1, "queue.unbind", queue="q", exchange="x", routing_key="k")
    client.call(1, "queue.unbind", queue="q", exchange="x", routing_key="k")
    client.call(1, "exchange.unbind", destination="amq.topic", source="x", routing_key="k")
    client.call(1, "queue.delete", queue="q")
    client.call(1, "queue.delete", queue="q")
    client.call(1, "exchange.delete", exchange="x")
    found = lines()
    assert all(entry.items() >= WHO.items() for entry in found)
    assert [
        (entry["event"], *(entry.get(name) for name in ("queue", "exchange", "source", "key")))
        for entry in found
    ] == [
        ("queue.declared", "q", None, None, None),
        ("exchange.declared", None, "x", None, None),
        ("binding.created", "q", None, "x", "k"),
        ("binding.created", None, None, "x", "k"),
        ("queue.purged", "q", None, None, None),
        ("binding.deleted", "q", None, "x", "k"),
        ("binding.deleted", None, None, "x", "k"),
        ("queue.deleted", "q", None, None, None),
        ("exchange.deleted", None, "x", None, None),
    ]


def test_a_name_that_was_made_up_is_told(engine, lines):
    client = engine.connect()
    lines()
    name = client.call(1, "queue.declare", queue="").arguments["queue"]
    assert lines()[0]["queue"] == name


def test_what_is_refused_leaves_no_line_of_a_change(engine, lines):
    client = engine.connect()
    lines()
    client.send_method(1, "queue.declare", queue="amq.reserved")
    client.expect_close(403, channel=1)
    assert [entry["event"] for entry in lines()] == ["access.refused"]


def test_what_needs_a_permission_that_is_not_there(engine, lines):
    engine.vhosts.permissions.set("guest", "/", "", "", "")
    client = engine.connect()
    lines()
    client.publish("amq.topic", "k", b"sesame")
    text = client.expect("channel.close", 1).arguments["reply_text"]
    (entry,) = lines()
    address = entry.pop("address")
    assert address.startswith("127.0.0.1:")
    assert entry == {"event": "access.refused", **WHO, "reason": text}
    client.send_method(1, "channel.close-ok")
    client.call(1, "channel.open")
    client.send_method(1, "queue.declare", queue="nosuch", passive=True)
    client.expect("channel.close", 1)
    assert [entry["event"] for entry in lines()] == ["access.refused"]
