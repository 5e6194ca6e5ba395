"""Messages peeked at, searched, moved, deleted and redriven from the command line."""

import json
from typing import Any

import pytest

from tests.cli.conftest import Result, Run


@pytest.fixture
def run(run: Run) -> Run:
    """As ever, in a virtual host of their own: other tests count what is in theirs."""
    run("vhost", "add", "work", code=None)

    def inside(*words: str, **given: Any) -> Result:
        return run(*words, **{"BROKERCTL_VHOST": "work", **given})

    return inside


@pytest.fixture
def queue(run: Run) -> str:
    """A queue with five messages, the ids of which are m0 to m4."""
    run("queue", "declare", "work")
    run("queue", "purge", "work", "-y")
    for number in range(5):
        words = ("--message-id", f"m{number}", "--header", f"odd={number % 2}")
        run("message", "publish", "-k", "work", "--body", f"body {number}", *words)
    return "work"


def payloads(out: str) -> list[str]:
    rows: list[dict[str, Any]] = json.loads(out)
    return [row["payload"] for row in rows]


def test_peek_and_search(run: Run, queue: str):
    found = run("message", "peek", queue, "-n", "2", "--offset", "1", "-o", "json").out
    assert payloads(found) == ["body 1", "body 2"]
    table = run("message", "peek", queue, "-o", "table").out
    assert "body 4" in table
    assert "routing_key" in table
    assert payloads(run("message", "search", queue, "--header", "odd=1", "-o", "json").out) == [
        "body 1",
        "body 3",
    ]
    assert payloads(run("message", "search", queue, "--body", "y 4", "-o", "json").out) == [
        "body 4"
    ]
    assert run("message", "search", queue, "--older-than", "1h", "-o", "json").out == "[]\n"
    wrong = run("message", "search", queue, "--older-than", "soon", code=64)
    assert "seconds, or a number with s, m, h or d" in wrong.err


def test_delete_asks_and_counts(run: Run, queue: str):
    wanted = ("message", "delete", queue, "--header", "odd=1")
    refused = run(*wanted, code=64)
    assert refused.err.startswith("Error: Delete 2 messages of queue 'work'? Say --yes")
    counted = json.loads(run(*wanted, "--count-only", "-o", "json").out)
    assert (counted["matched"], counted["done"]) == (2, 0)
    assert run(*wanted, "--yes").out == "2 of 2 messages done\n"
    left = payloads(run("message", "peek", queue, "-o", "json").out)
    assert left == ["body 0", "body 2", "body 4"]
    assert "--all" in run("message", "delete", queue, "-y", code=64).err
    assert run("message", "delete", queue, "--all", "-y").out == "3 of 3 messages done\n"


def test_move(run: Run, queue: str):
    run("queue", "declare", "other")
    assert run("message", "move", queue, "--to", "other", "--message-id", "m1", "-y").out == (
        "1 of 1 messages done\n"
    )
    moved = run("message", "move", queue, "--to-exchange", "", "--with-key", "other", "-y")
    assert moved.out == "4 of 4 messages done\n"
    found = payloads(run("message", "peek", "other", "-o", "json").out)
    assert found == ["body 1", "body 0", "body 2", "body 3", "body 4"]
    assert "say where to" in run("message", "move", queue, "-y", code=64).err
    shown = run("message", "move", "other", "--to", queue, "--dry-run").out
    assert shown.startswith("POST /api/queues/work/other/move ")
    run("message", "delete", "other", "--all", "-y")


def test_what_stops_a_move_is_said(run: Run, queue: str):
    run("queue", "declare", "small", "--max-length", "1", "--overflow", "reject-publish")
    stopped = run("message", "move", queue, "--to", "small", "-y", code=65)
    assert stopped.out == "1 of 5 messages done\n"
    assert stopped.err.startswith("Error: queue 'small' is full; `brokerctl job resume ")
    number = stopped.err.partition("job resume ")[2].partition("`")[0]
    assert number in run("job", "list", "-o", "plain").out.split()
    run("queue", "purge", "small", "-y")
    run("job", "resume", number, code=65)
    assert json.loads(run("job", "show", number, "-o", "json").out)["done"] == 2
    run("job", "cancel", number)
    run("job", "show", number, code=65)


def test_redrive(run: Run):
    run("queue", "declare", "graves")
    run("queue", "declare", "life", "--dlx", "", "--dlk", "graves")
    run("message", "publish", "-k", "life", "--body", "again")
    run("message", "get", "life", "--ack", "reject", "-y")
    run("message", "publish", "-k", "graves", "--body", "alien")
    assert run("message", "redrive", "graves", "-y").out == (
        "1 of 2 messages done\n1 left: not dead-lettered by this broker\n"
    )
    assert payloads(run("message", "peek", "life", "-o", "json").out) == ["again"]


def test_pause_and_resume(run: Run, queue: str):
    assert run("queue", "pause", queue).out == "paused\n"
    assert json.loads(run("queue", "show", queue, "-o", "json").out)["state"] == "paused"
    assert json.loads(run("message", "get", queue, "-o", "json").out) == []
    assert run("queue", "resume", queue).out == "resumed\n"
    assert payloads(run("message", "get", queue, "-o", "json").out) == ["body 0"]


def test_where_a_message_would_go(run: Run, queue: str):
    run("exchange", "declare", "routes", "--type", "topic", "--alternate-exchange", "amq.fanout")
    run("binding", "create", "routes", queue, "-k", "a.*")
    found = run("exchange", "route", "routes", "-k", "a.b", "-o", "csv", "--no-headers").out
    assert found == '"routes","topic","binding","a.*","work","queue"\n'
    lost = run("exchange", "route", "routes", "-k", "b", code=65)
    assert "amq.fanout" in lost.out
    assert lost.err == "Error: it would reach no queue\n"


def test_delayed_messages(run: Run):
    words = ("--type", "x-delayed-message", "--arg", "x-delayed-type=fanout")
    run("exchange", "declare", "later", *words)
    run("queue", "declare", "then")
    run("binding", "create", "later", "then")
    for number in range(3):
        key = ("-k", f"k{number}", "--header", f"x-delay={(number + 1) * 1000_000}")
        run("message", "publish", "-x", "later", *key, "--body", f"{number}", code=None)
    waiting = json.loads(run("exchange", "delayed", "later", "-o", "json").out)
    assert [row["payload"] for row in waiting] == ["0", "1", "2"]
    assert run("exchange", "cancel-delayed", "later", waiting[1]["id"], "-y").out == "deleted\n"
    cancelled = run("exchange", "cancel-delayed", "later", "--routing-key", "k0", "-y")
    assert cancelled.out == "dropped 1\n"
    assert "say which" in run("exchange", "cancel-delayed", "later", "-y", code=64).err
    assert run("exchange", "cancel-delayed", "later", "--all", "-y").out == "dropped 1\n"


def test_what_was_deleted_comes_back(run: Run, queue: str):
    assert run("message", "delete", queue, "--all", "--count-only").out == "5\n"
    done = run("message", "delete", queue, "--all", "--undoable", "-y").out
    assert done.startswith("5 of 5 messages done\nbrokerctl job undo ")
    number = done.splitlines()[1].split()[3]
    assert run("job", "undo", number).out == "put back 5\n"
    assert len(payloads(run("message", "peek", queue, "-o", "json").out)) == 5
    assert run("job", "undo", number, code=65).err.startswith("Error: there is nothing")
    assert "it is done" in run("job", "pause", number, code=65).err


def test_bodies_alone(run: Run, queue: str):
    run("message", "publish", "-k", queue, "--body", "two\nlines")
    shown = ("body 0\nbody 1\nbody 2\nbody 3\nbody 4\ntwo\nlines\n",)
    assert (run("message", "peek", queue, "-o", "plain").out,) == shown
    assert "two↵lines" in run("message", "peek", queue, "-o", "table").out
