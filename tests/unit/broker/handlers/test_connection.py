import pytest

from broker.handlers import HANDLERS
from broker.handlers import connection as on_connection
from tests.support.wire import METHODS


def test_update_secret(client):
    client.call(0, "connection.update-secret", new_secret=b"s", reason="r")
    client.call(1, "basic.qos")


def test_close(client):
    client.call(0, "connection.close", reply_code=200, reply_text="bye")
    assert client.connection.state == "closed"


# Sent by the broker alone, or answers to what it never asks for.
NOT_FOR_CLIENTS = {"channel.flow-ok", "basic.deliver", "basic.return", "basic.get-empty"}
HOT = {"basic.publish", "basic.ack"}
ON_CHANNEL_ZERO = {"connection.close", "connection.update-secret"}


@pytest.mark.parametrize("name", METHODS)
def test_the_table_knows_every_method_that_a_client_may_send(name):
    class_id, method_id, _ = METHODS[name]
    number = class_id << 16 | method_id
    assert (number in on_connection.HANDLERS) is (name in ON_CHANNEL_ZERO)
    expected = (
        class_id != 10
        and name not in NOT_FOR_CLIENTS | HOT
        and (not name.endswith("-ok") or name in ("channel.close-ok", "basic.cancel-ok"))
    )
    assert (number in HANDLERS) is expected
