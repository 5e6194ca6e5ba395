import pytest

from tests.unit.vhosts.fakes import RecordingStore, declare_queue, make_vhost, refusal
from vhosts.errors import InvalidValue, NotAllowed, PreconditionFailed
from vhosts.limits import Limits


@pytest.fixture
def store():
    return RecordingStore()


@pytest.fixture
def limits(store):
    rows = [
        ("v", "vhost-limits", "limits", {"max-connections": 2, "max-queues": 0}),
        ("", "user-limits", "u", {"max-channels": 1}),
        ("v", "policy", "p", {}),
    ]
    return Limits(store, rows)


def test_what_was_stored(limits):
    assert limits.of_vhost("v") == {"max-connections": 2, "max-queues": 0}
    assert limits.of_user("u") == {"max-channels": 1}
    assert (limits.of_vhost("other"), limits.of_user("other")) == ({}, {})
    assert (limits.max_queues("v"), limits.max_queues("other")) == (0, None)
    assert (limits.max_channels("u"), limits.max_channels("other")) == (1, None)


def test_setting_and_clearing(limits, store):
    limits.set_vhost("v", {"max-queues": 5})
    limits.set_vhost("v", {})
    limits.set_user("u", {"max-connections": 3})
    limits.set_user("u", {})
    limits.set_user("u", {})
    assert store.calls == [
        ("save_parameter", "v", "vhost-limits", "limits", {"max-queues": 5}),
        ("delete_parameter", "v", "vhost-limits", "limits"),
        ("save_parameter", "", "user-limits", "u", {"max-connections": 3}),
        ("delete_parameter", "", "user-limits", "u"),
    ]
    assert (limits.of_vhost("v"), limits.of_user("u")) == ({}, {})


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"max-queues": "x"}, 'max-queues should be a number, actually was <<"x">>'),
        ({"max-queues": 1.5}, "max-queues should be a number, actually was 1.5"),
        ({"max-queues": True}, "max-queues should be a number, actually was true"),
        ({"max-queues": None}, "max-queues should be a number, actually was null"),
        ({"bogus": 1}, 'Unrecognised terms [{<<"bogus">>,1}] in limits'),
    ],
)
def test_bad_values_change_nothing(limits, store, values, text):
    assert refusal(InvalidValue, limits.set_vhost, "v", values) == text
    assert (limits.max_queues("v"), store.calls) == (0, [])


def test_connections(limits):
    limits.check_vhost_connections("v", "u", 1)
    text = "access to vhost 'v' refused for user 'u': connection limit (2) is reached"
    assert refusal(NotAllowed, limits.check_vhost_connections, "v", "u", 2) == text
    limits.check_user_connections("u", 1000)
    limits.set_user("u", {"max-connections": 0})
    text = "connection refused for user 'u': user connection limit (0) is reached"
    assert refusal(NotAllowed, limits.check_user_connections, "u", 0) == text


def test_negative_is_no_limit(limits):
    limits.set_vhost("v", {"max-connections": -1, "max-queues": -1})
    limits.check_vhost_connections("v", "u", 1000)
    assert limits.max_queues("v") is None


def test_a_vhost_that_goes_takes_its_limits(limits, store):
    limits.forget_vhost("v")
    assert (limits.of_vhost("v"), store.calls) == ({}, [])


def test_queues():
    vhost = make_vhost()
    vhost.max_queues = 1
    declare_queue(vhost, "a")
    declare_queue(vhost, "a")
    text = "cannot declare queue 'b': queue limit in vhost '/' (1) is reached"
    dead = {"x-dead-letter-exchange": ("S", "x")}
    assert refusal(PreconditionFailed, declare_queue, vhost, "b", arguments=dead) == text


def test_limits_of_what_is_published(limits):
    assert (limits.max_stored_bytes("v"), limits.max_publish_rate("v")) == (None, None)
    limits.set_vhost("v", {"max-stored-bytes": 1 << 40, "max-publish-rate": -1})
    assert (limits.max_stored_bytes("v"), limits.max_publish_rate("v")) == (1 << 40, None)
    text = refusal(InvalidValue, limits.set_vhost, "v", {"max-publish-rate": 0.5})
    assert text == "max-publish-rate should be a number, actually was 0.5"
