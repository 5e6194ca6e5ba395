"""Nouns and verbs, formats, exit codes, and errors in one line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pika
import pytest
from pika.exceptions import ConnectionClosedByBroker

from tests.cli.conftest import Run
from tests.support.broker import ROOT, Broker


def test_a_queue_from_its_beginning_to_its_end(run: Run):
    assert run("queue", "declare", "orders", "--type", "quorum", "--ttl", "5000").out == "created\n"
    assert (
        run("queue", "declare", "orders", "--type", "quorum", "--ttl", "5000").out == "unchanged\n"
    )
    (row,) = json.loads(run("queue", "list", "-o", "json", "--filter", "orders").out)
    assert row["arguments"] == {"x-queue-type": "quorum", "x-message-ttl": 5000}
    assert "orders" in run("queue", "show", "orders").out
    assert run("queue", "delete", "orders", "--yes").out == "deleted\n"
    assert (
        run("queue", "delete", "orders", "-y", code=65).err
        == "Error: no queue 'orders' in vhost '/'\n"
    )
    assert run("queue", "delete", "orders", "-y", "--if-exists").out == "not found\n"


def test_nothing_is_destroyed_without_a_yes(run: Run):
    run("queue", "declare", "kept")
    refused = run("queue", "delete", "kept", code=64)
    assert "Say --yes" in refused.err
    assert "kept" in run("queue", "list", "-o", "plain").out.split()
    assert run("queue", "purge", "kept", code=64).out == ""
    assert run("queue", "purge", "kept", "--yes").out == "purged 0\n"


def test_messages_there_and_back(run: Run):
    run("queue", "declare", "mail")
    run("exchange", "declare", "post", "--type", "topic")
    run("binding", "create", "post", "mail", "-k", "a.#", "--arg", "n=1")
    assert run("message", "publish", "-x", "post", "-k", "a.b", stdin="héllo").out == "published\n"
    lost = run("message", "publish", "-x", "post", "-k", "nowhere", "--body", "x", code=65)
    assert lost.err == "Error: no queue is bound to 'post' with key 'nowhere'\n"
    (message,) = json.loads(run("message", "get", "mail", "-o", "json").out)
    assert (message["payload"], message["properties"]["delivery_mode"]) == ("héllo", 2)
    assert "a.b" in run("message", "get", "mail", "--ack", "ack", "-y").out
    assert json.loads(run("message", "get", "mail", "-o", "json").out) == []
    assert (
        run("-y", "binding", "delete", "post", "mail", "-k", "a.#", "--arg", "n=1").out
        == "deleted\n"
    )
    assert run("-y", "binding", "delete", "post", "mail", "-k", "a.#", code=65).out == ""


def test_users_and_permissions(run: Run):
    assert (
        run("user", "add", "ann", "--new-password", "pw", "--tags", "monitoring").out == "created\n"
    )
    assert "exists" in run("user", "add", "ann", "--new-password", "pw", code=65).err
    run("permission", "set", "ann", "^ann", "", ".*")
    (row,) = json.loads(run("permission", "list", "--of-user", "ann", "-o", "json").out)
    assert (row["configure"], row["write"], row["read"]) == ("^ann", "", ".*")
    run("user", "set-tags", "ann", "management", "policymaker")
    login = {"BROKERCTL_USER": "ann", "BROKERCTL_PASSWORD": "pw"}
    assert run("queue", "list", **login).code == 0
    assert "it needs the tag administrator" in run("user", "list", code=77, **login).err
    run("queue", "declare", "annual", **login)
    (made,) = json.loads(run("user", "queues", "ann", "-o", "json").out)
    assert (made["vhost"], made["name"]) == ("/", "annual")
    run("user", "set-limits", "ann", "max-connections=3")
    run("user", "delete", "ann", "--yes")
    assert run("user", "show", "ann", code=67).err == "Error: no user 'ann'\n"


def test_virtual_hosts_and_limits(run: Run):
    run("vhost", "add", "shop", "--description", "the shop", "--default-queue-type", "quorum")
    assert "exists" in run("vhost", "add", "shop", code=65).err
    run("vhost", "update", "shop", "--tags", "prod")
    (row,) = json.loads(run("vhost", "list", "-o", "json", "--filter", "shop").out)
    assert (row["description"], row["tags"], row["default_queue_type"]) == (
        "the shop",
        ["prod"],
        "quorum",
    )
    run("limit", "set", "max-queues=1", "-V", "shop")
    run("queue", "declare", "one", "-V", "shop")
    assert "queue limit" in run("-V", "shop", "queue", "declare", "two", code=65).err
    run("vhost", "delete", "shop", "--yes")
    assert run("queue", "list", "-V", "shop", code=65).err.startswith("Error: ")


def test_policies(run: Run):
    run(
        "policy", "set", "short", "^s", "max-length=7", "overflow=reject-publish", "--priority", "2"
    )
    (row,) = json.loads(run("policy", "list", "-o", "json").out)
    assert row["definition"] == {"max-length": 7, "overflow": "reject-publish"}
    assert "recognised" in run("policy", "set", "bad", ".*", "bogus=1", code=65).err
    assert "KEY=VALUE" in run("policy", "set", "bad", ".*", code=64).err
    run("policy", "delete", "short", "--yes")


def test_definitions(run: Run, tmp_path: Path):
    file = tmp_path / "all.json"
    run("queue", "declare", "moved")
    run("definitions", "export", str(file))
    assert file.stat().st_mode & 0o077 == 0
    run("queue", "delete", "moved", "-y")
    run("definitions", "import", str(file))
    assert "moved" in run("queue", "list").out
    only = json.loads(run("definitions", "export", "--only", "queues").out)
    assert list(only) == ["queues"]
    file.write_text("{")
    assert "is no JSON" in run("definitions", "import", str(file), code=65).err


def test_the_broker_as_a_whole(run: Run, broker: Broker):
    shown = run("status").out
    assert f"127.0.0.1:{broker.amqp.port}" in shown
    assert "ok" in run("health", "--check", "alarms").out
    assert json.loads(run("api", "GET", "/overview").out)["node"]
    assert "_BROKERCTL_COMPLETE" in run("completion", "bash").out


def test_options(run: Run):
    assert "heartbeat" in run("option", "list", "--live", "-o", "plain").out.split()
    assert "amqp_port" not in run("option", "list", "--live", "-o", "plain").out.split()
    run("option", "set", "heartbeat=31", "consumer-max=99")
    assert json.loads(run("option", "get", "heartbeat", "-o", "json").out)["value"] == 31
    assert "not a number" in run("option", "set", "heartbeat=x", code=65).err
    assert "no option 'nosuch'" in run("option", "set", "nosuch=1", code=65).err
    assert "NAME=VALUE" in run("option", "set", "heartbeat", code=64).err
    assert "cannot change" in run("option", "set", "amqp_port=1", code=65).err
    run("option", "set", "heartbeat=60", "consumer_max=0")


def test_alarms(run: Run):
    assert run("alarm", "list").out == "node\tresource\tby_hand\n"
    assert "Say --yes" in run("alarm", "set", "disk", code=64).err
    assert run("alarm", "set", "disk", "-y").out == "created\n"
    try:
        assert run("alarm", "list").out.endswith("disk\tyes\n")
        assert "failed" in run("health", "--check", "alarms", code=1).out
    finally:
        assert run("alarm", "clear", "disk").out == "cleared\n"
    assert "set by hand" in run("alarm", "clear", "disk", code=65).err
    assert "no alarm for 'cheese'" in run("alarm", "set", "cheese", "-y", code=65).err


# -- formats -----------------------------------------------------------------------------------


def test_formats(run: Run):
    run("queue", "declare", "a,b")
    given = ("queue", "list", "--filter", "a,b", "--columns", "name,durable,messages")
    assert run(*given, "-o", "tsv").out == "name\tdurable\tmessages\na,b\tyes\t0\n"
    assert run(*given, "-o", "csv").out == '"name","durable","messages"\n"a,b","yes","0"\n'
    assert run(*given, "-o", "plain").out == "a,b\n"
    assert run(*given, "-o", "tsv", "--no-headers").out == "a,b\tyes\t0\n"
    assert run(*given, "-o", "table").out == "name  durable  messages\na,b   yes             0\n"
    (line,) = run(*given, "-o", "jsonl").out.splitlines()
    assert json.loads(line)["name"] == "a,b"


def test_chosen_columns_hold_for_json_too(run: Run):
    given = ("queue", "list", "--filter", "a,b", "--columns", "name,arguments.x-queue-type")
    run("queue", "declare", "a,b")
    (row,) = json.loads(run(*given, "-o", "json").out)
    assert row == {"name": "a,b", "arguments.x-queue-type": "classic"}


def test_queues_are_deleted_by_pattern(run: Run):
    for name in ("tmp.1", "tmp.2", "tmp.3", "tmp.4", "kept.tmp"):
        run("queue", "declare", name)
    asked = run("queue", "delete", "--match", "^tmp[.]", code=64).err
    assert "Delete 4 queues (tmp.1, tmp.2, tmp.3 ...) with 0 messages?" in asked
    assert run("queue", "delete", "--match", "^tmp[.]", "--yes").out == "deleted\n" * 4
    assert "kept.tmp" in run("queue", "list", "-o", "plain").out.split()
    assert run("queue", "delete", "--match", "^tmp[.]", "--yes").out == "not found\n"
    assert "no regular expression" in run("queue", "delete", "--match", "(", code=64).err
    assert "say which queues" in run("queue", "delete", code=64).err


def test_tracing_and_protection(run: Run):
    run("vhost", "add", "kept", "--description", "as it was")
    assert run("trace", "on", "-V", "kept").out == "on\n"
    assert run("trace", "on", "-V", "kept").out == "unchanged\n"
    (row,) = json.loads(run("vhost", "list", "-o", "json", "--filter", "kept").out)
    assert (row["tracing"], row["description"]) == (True, "as it was")
    assert run("trace", "off", "-V", "kept").out == "off\n"
    run("vhost", "protect", "kept")
    assert "protected" in run("vhost", "delete", "kept", "--yes", code=65).err
    run("vhost", "unprotect", "kept")
    run("vhost", "delete", "kept", "--yes")


def test_parameters_of_all(run: Run):
    run("global-parameter", "set", "colour", '"green"')
    assert json.loads(run("global-parameter", "show", "colour", "-o", "json").out)["value"] == (
        "green"
    )
    assert "Say --yes" in run("global-parameter", "delete", "colour", code=64).err
    run("global-parameter", "delete", "colour", "--yes")
    run("parameter", "set", "vhost-limits", "limits", '{"max-queues": 500}')
    assert "limits" in run("parameter", "list", "vhost-limits").out
    assert "max-queues" in run("parameter", "show", "vhost-limits", "limits").out
    run("parameter", "delete", "vhost-limits", "limits", "-y")


def test_consumers_and_connections(run: Run, broker: Broker):
    run("queue", "declare", "eaten")
    with pika.BlockingConnection(pika.URLParameters(broker.url)) as client:
        channel = client.channel()
        channel.basic_consume("eaten", lambda *_: None, consumer_tag="ctag")
        assert "ctag" in run("consumer", "list", "eaten").out
        assert run("consumer", "cancel", "eaten", "ctag", "--yes").out == "cancelled 1\n"
        assert "no consumer 'ctag'" in run("consumer", "cancel", "eaten", "ctag", code=65).err
        (row,) = json.loads(run("connection", "list", "-o", "json").out)
        peer = row["name"].partition(" -> ")[0]
        assert "Say --yes" in run("connection", "close", peer, code=64).err
        assert run("connection", "close", peer, "-y", "--reason", "enough").out == "closed\n"
        with pytest.raises(ConnectionClosedByBroker, match="enough"):
            client.process_data_events(5)


def test_names_cannot_command_the_terminal(run: Run):
    run("queue", "declare", "evil\x1b[31m")
    shown = run("queue", "list", "-o", "table").out
    assert "\x1b" not in shown
    run("queue", "delete", "evil\x1b[31m", "-y")


def test_order_and_number(run: Run):
    for name, count in (("s1", 1), ("s2", 3), ("s3", 2)):
        run("queue", "declare", name)
        run("message", "publish", "-k", name, "--body", "x", "--count", str(count))
    given = ("queue", "list", "--sort", "-messages", "--limit", "2", "-o", "plain")
    assert run(*given).out == "s2\ns3\n"


# -- where the broker is -----------------------------------------------------------------------


def test_a_profile(run: Run, broker: Broker, tmp_path: Path):
    file = tmp_path / "profiles.toml"
    file.write_text(f'[home]\nurl = "http://guest:guest@{broker.http}"\nvhost = "/"\n')
    given = {"BROKERCTL_CONFIG": str(file), "BROKERCTL_URL": ""}
    assert run("--profile", "home", "status", **given).code == 0
    assert "no section [away]" in run("--profile", "away", "status", code=78, **given).err
    file.write_text("[home")
    assert "cannot read" in run("--profile", "home", "status", code=78, **given).err


def test_no_broker(run: Run):
    refused = run("--url", "http://127.0.0.1:1", "status", code=69)
    assert refused.err.startswith("Error: cannot reach http://127.0.0.1:1")


def test_a_wrong_password_is_not_shown(run: Run):
    refused = run("-P", "hunter2", "status", code=77)
    assert "hunter2" not in refused.err
    assert "login failed for user 'guest'" in refused.err


def test_errors_as_json(run: Run):
    refused = run("queue", "show", "nosuch", "-o", "json", code=65)
    assert json.loads(refused.err)["reason"].startswith("no queue 'nosuch' in vhost '/'")


def test_a_dry_run_changes_nothing(run: Run):
    shown = run("queue", "declare", "dry", "--dry-run").out
    assert shown.startswith("PUT /api/queues/%2F/dry {")
    assert "dry" not in run("queue", "list").out.split()


@pytest.mark.parametrize(
    "words", [("queue", "bogus"), ("bogus",), ("queue", "declare"), ("--url", "ftp://x", "status")]
)
def test_usage(run: Run, words: tuple[str, ...]):
    assert run(*words, code=64).err.count("\n") == 1


def test_help(run: Run):
    for words in ((), ("queue",), ("queue", "declare")):
        assert run(*words, "--help").out.startswith("Usage: brokerctl")


@pytest.mark.parametrize("line", ["api GET /overview", "exchange list", "--help"])
def test_who_reads_may_have_seen_enough(broker: Broker, line: str):
    command = [sys.executable, "-m", "mgmt_ui.cli", *line.split()]
    done = subprocess.run(
        ["bash", "-c", 'set -o pipefail; "$@" | true', "-", *command],
        check=False,
        capture_output=True,
        timeout=60,
        cwd=ROOT,
        env=os.environ | {"BROKERCTL_URL": f"http://{broker.http}"},
    )
    assert (done.returncode, done.stderr) == (0, b"")
