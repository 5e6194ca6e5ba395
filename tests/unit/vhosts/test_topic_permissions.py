import pytest

from tests.unit.vhosts.fakes import (
    Authority,
    RecordingStore,
    declare_exchange,
    declare_queue,
    make_vhost,
    refusal,
)
from vhosts.errors import AccessRefused, InvalidValue
from vhosts.topic_permissions import TopicPermission, TopicPermissions


@pytest.fixture
def store():
    return RecordingStore()


@pytest.fixture
def changed():
    return []


@pytest.fixture
def topics(store, changed):
    return TopicPermissions(store, changed.append, [TopicPermission("u", "v", "x", "^a", "^b")])


def test_only_the_exchange_that_has_an_entry_is_restricted(topics):
    for exchange in ("other", ""):
        topics.check("u", "v", "write", exchange, "z")
    topics.check("u", "w", "write", "x", "z")
    topics.check("somebody", "v", "write", "x", "z")
    topics.check("u", "v", "write", "x", "a.b")
    topics.check("u", "v", "read", "x", "b")
    text = "{} access to topic 'z' in exchange 'x' in vhost 'v' refused for user 'u'"
    for permission in ("write", "read"):
        refused = refusal(AccessRefused, topics.check, "u", "v", permission, "x", "z")
        assert refused == text.format(permission)


def test_empty_patterns_match_nothing(topics):
    topics.set("u", "v", "x", "", ".*")
    refusal(AccessRefused, topics.check, "u", "v", "write", "x", "")
    topics.check("u", "v", "read", "x", "")


def test_names_are_taken_literally():
    entry = TopicPermission("a.b", "v*", "x", "^{username}\\.{vhost}$", r"^{username}{2}$")
    assert entry.allows("write", "a.b.v*")
    assert not entry.allows("write", "axb.v*")
    assert entry.allows("read", "a.bb")
    assert (entry.write, entry.read) == ("^{username}\\.{vhost}$", "^{username}{2}$")


def test_what_is_no_expression_changes_nothing(topics, store, changed):
    text = refusal(InvalidValue, topics.set, "u", "v", "x", "[", "")
    assert text.startswith("invalid regular expression '['")
    topics.check("u", "v", "write", "x", "a")
    assert (store.calls, changed) == ([], [])


def test_setting_and_deleting(topics, store, changed):
    topics.set("u", "v", "y", "w", "r")
    assert [entry.exchange for entry in topics.of("u", "v")] == ["x", "y"]
    assert len(list(topics)) == 2
    assert topics.delete("u", "v", "x") is True
    assert topics.delete("u", "v", "x") is False
    assert topics.delete("u", "v") is True
    assert topics.delete("u", "v") is False
    assert (list(topics), topics.of("u", "v")) == ([], [])
    assert store.names() == ["save_topic_permission"] + ["delete_topic_permission"] * 2
    assert changed == ["v"] * 3


def test_a_user_and_a_vhost_that_go(topics, store):
    topics.set("u", "w", "x", "", "")
    topics.set("other", "v", "x", "", "")
    topics.delete_user("u")
    assert [(entry.user, entry.vhost) for entry in topics] == [("other", "v")]
    store.calls.clear()
    topics.forget_vhost("v")
    assert list(topics) == []
    assert store.calls == []


def test_memory_is_bounded(topics):
    for number in range(10_000):
        topics.check("u", "v", "write", "x", f"a{number}")
    [entry] = topics
    assert len(entry._answers) <= 4096


def test_binding_asks_for_the_key_of_topic_exchanges_only():
    vhost = make_vhost()
    declare_exchange(vhost, "t", "topic")
    declare_exchange(vhost, "d", "direct")
    declare_queue(vhost, "q")
    asked = []
    for source in ("t", "d"):
        for bind in (vhost.bind, vhost.unbind):
            authority = Authority()
            bind(source, "q", "queue", "a.#", {}, None, authority)
            asked.append(authority.asked)
    both = [("write", "queue", "q"), ("read", "exchange", "t"), ("read", "topic", "t", "a.#")]
    assert asked[:2] == [both, both]
    assert all(len(each) == 2 for each in asked[2:])
