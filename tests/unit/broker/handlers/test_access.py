def test_everything_is_granted_with_ticket_1(client):
    ok = client.call(1, "access.request", realm="/data", write=True)
    assert ok.arguments == {"ticket": 1}
