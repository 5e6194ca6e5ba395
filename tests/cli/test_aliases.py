"""rabbitmqctl's spelling."""

import json
from pathlib import Path

import pytest

from mgmt_ui.cli.aliases import LISTS, REWRITTEN
from tests.cli.conftest import Run
from tests.support.broker import Broker


def test_users_and_permissions(run: Run):
    run("add_user", "carl", "pw", "--silent")
    assert run("list_users", "-q", "--no-table-headers").out.splitlines() == [
        "carl\t[]",
        "guest\t[administrator]",
    ]
    run("set_user_tags", "carl", "monitoring", "policymaker")
    assert "carl\t[monitoring, policymaker]" in run("list_users").out
    run("set_permissions", "-p", "/", "carl", "^carl", "", ".*")
    assert run("list_permissions").out.splitlines() == [
        "user\tconfigure\twrite\tread",
        "carl\t^carl\t\t.*",
        "guest\t.*\t.*\t.*",
    ]
    run("change_password", "carl", "other")
    assert run("list_queues", "-u", "carl", "-P", "other").code == 0
    run("clear_permissions", "carl")
    run("set_user_tags", "carl")
    assert "carl\t[]" in run("list_users").out
    run("delete_user", "carl")
    assert "carl" not in run("list_users").out


def test_virtual_hosts_queues_and_policies(run: Run):
    run("add_vhost", "farm", "--description", "the farm")
    assert "farm" in run("list_vhosts").out.splitlines()
    run("queue", "declare", "hens", "-V", "farm")
    run("binding", "create", "amq.topic", "hens", "-k", "a.#", "-V", "farm")
    listed = run("list_queues", "-p", "farm", "name", "messages", "durable")
    assert listed.out == "name\tmessages\tdurable\nhens\t0\tyes\n"
    assert json.loads(run("list_queues", "-p", "farm", "--formatter", "json").out)[0]["name"]
    assert "amq.topic\texchange\thens\tqueue\ta.#" in run("list_bindings", "-p", "farm").out
    assert "amq.topic\ttopic" in run("list_exchanges", "-p", "farm").out
    run("set_policy", "-p", "farm", "short", "^h", '{"max-length":3}', "--priority", "4")
    assert run("list_policies", "-p", "farm").out.splitlines()[1] == (
        'farm\tshort\t^h\tall\t{"max-length": 3}\t4'
    )
    run("clear_policy", "-p", "farm", "short")
    assert run("purge_queue", "-p", "farm", "hens").out == "purged 0\n"
    run("delete_queue", "-p", "farm", "hens", "--if-empty")
    run("delete_vhost", "farm")
    assert run("list_queues", "-p", "farm", code=65).err


@pytest.mark.parametrize("name", LISTS)
def test_each_list(run: Run, name: str):
    assert run(name).out.splitlines()[0] == "\t".join(LISTS[name].columns)


def test_definitions(run: Run, tmp_path: Path):
    file = tmp_path / "all.json"
    run("export_definitions", str(file))
    assert json.loads(file.read_text())["users"]
    run("import_definitions", str(file))


def test_health(run: Run, broker: Broker):
    run("ping")
    run("check_alarms")
    run("check_port_listener", str(broker.amqp.port))
    run("check_port_listener", "1", code=1)
    assert run("ping", "--url", "http://127.0.0.1:1", code=69).err.count("\n") == 1


@pytest.mark.parametrize(
    "words", [("add_user",), ("delete_user", "a", "b"), ("no_such",), ("set_policy", "a", "b")]
)
def test_usage(run: Run, words: tuple[str, ...]):
    assert run(*words, code=64).err.count("\n") == 1


def test_they_are_told_where_asked_for(run: Run):
    told = run("help", "aliases").out
    assert all(name in told for name in (*LISTS, *REWRITTEN))
    assert "add_user" not in run("--help").out
    assert run("help", "queue").out.startswith("Usage: brokerctl queue")
    assert run("help").out.startswith("Usage: brokerctl ")
