import pytest


def test_select_is_repeatable(client):
    client.call(1, "tx.select")
    client.publish("", "q", b"m")
    client.call(1, "tx.select")
    client.call(1, "tx.commit")
    client.call(1, "tx.rollback")


@pytest.mark.parametrize(("method", "at"), [("tx.commit", (90, 20)), ("tx.rollback", (90, 30))])
def test_end_without_begin(client, method, at):
    client.send_method(1, method)
    text = "PRECONDITION_FAILED - channel is not transactional"
    client.expect_close(406, text, at, channel=1)


def test_not_on_a_confirming_channel(client):
    client.call(1, "confirm.select")
    client.send_method(1, "tx.select")
    text = "PRECONDITION_FAILED - cannot switch from confirm to tx mode"
    client.expect_close(406, text, (90, 10), channel=1)
