"""What the user is told of themselves."""

from tests.unit.mgmt_ui.live import Http, LiveServer


async def test_everybody_sees_their_own_permissions(http: Http, live: LiveServer):
    live.add_user("reader", "management", permissions=("^$", "", "^orders"))
    await http("PUT", "vhosts/other", {}, 201)
    assert await http("GET", "whoami/permissions", user="reader") == [
        {"vhost": "/", "configure": "^$", "write": "", "read": "^orders"}
    ]
    own = await http("GET", "whoami/permissions")
    assert [row["vhost"] for row in own] == ["/", "other"]
