import logging

import pytest

from tests.unit.mgmt_ui.conftest import Ask
from tests.unit.mgmt_ui.fakes import FakeServer, basic

NOT_FOUND = {"error": "Object Not Found", "reason": "Not Found"}


async def test_a_success_has_the_headers_of_the_spec(ask: Ask):
    response = await ask("/api/overview")
    assert response.status == 200
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-cache"
    assert response.headers["vary"] == "accept, accept-encoding, origin"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "date" in response.headers


async def test_long_bodies_are_compressed_for_those_who_ask(ask: Ask):
    response = await ask("/api/overview", headers={"accept-encoding": "gzip"})
    assert response.headers["content-encoding"] == "gzip"
    assert (await response.json())["node"]
    response = await ask("/api/overview", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in response.headers


async def test_short_bodies_are_not_compressed(ask: Ask):
    response = await ask("/api/health/checks/alarms", headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in response.headers


async def test_no_credentials(ask: Ask):
    response = await ask("/api/overview", user=None)
    assert response.status == 401
    assert await response.read() == b""
    assert response.headers["www-authenticate"] == 'Basic realm="RabbitMQ Management"'


async def test_bad_credentials(ask: Ask):
    headers = basic("guest", "wrong")
    response = await ask("/api/overview", user=None, headers=headers)
    assert response.status == 401
    assert await response.json() == {"error": "not_authorized", "reason": "Login failed"}
    assert "www-authenticate" in response.headers
    response = await ask(
        "/api/overview", user=None, headers=headers | {"x-requested-with": "XMLHttpRequest"}
    )
    assert "www-authenticate" not in response.headers


async def test_a_user_without_tags(ask: Ask, server: FakeServer):
    server.add_user("ann")
    response = await ask("/api/overview", user="ann")
    assert response.status == 401
    assert await response.json() == {"error": "not_authorised", "reason": "Not management user"}
    assert "www-authenticate" not in response.headers


@pytest.mark.parametrize("user", ["guest", None])
async def test_an_unknown_path(ask: Ask, user: str | None):
    response = await ask("/api/nosuch", user=user)
    assert response.status == 404
    assert await response.json() == NOT_FOUND


@pytest.mark.parametrize("method", ["PUT", "POST"])
async def test_writing_to_an_unknown_path(ask: Ask, method: str):
    assert (await ask("/api/nosuch", method=method)).status == 405


async def test_a_wrong_method(ask: Ask):
    response = await ask("/api/overview", user=None, method="DELETE")
    assert response.status == 405
    assert await response.read() == b""
    assert response.headers["allow"] == "HEAD, GET, OPTIONS"


async def test_options_needs_no_credentials(ask: Ask):
    response = await ask("/api/overview", user=None, method="OPTIONS")
    assert response.status == 200
    assert response.headers["allow"] == "HEAD, GET, OPTIONS"


async def test_head(ask: Ask):
    response = await ask("/api/overview", method="HEAD")
    assert response.status == 200
    assert int(response.headers["content-length"]) > 2
    assert await response.read() == b""


async def test_only_json_is_served(ask: Ask):
    assert (await ask("/api/overview", headers={"accept": "text/html"})).status == 406
    browser = "text/html,application/xhtml+xml,*/*;q=0.8"
    assert (await ask("/api/overview", headers={"accept": browser})).status == 200
    response = await ask("/api/overview", headers={"accept": "application/json;q=0.9"})
    assert response.status == 200


async def test_a_malformed_escape(ask: Ask):
    response = await ask("/api/queues/%zz")
    assert response.status == 400
    assert await response.read() == b""


async def test_a_bad_page(ask: Ask):
    response = await ask("/api/queues?page=99")
    assert response.status == 400
    assert (await response.json())["error"] == "page_out_of_range"


async def test_a_vhost_that_is_not_there(ask: Ask):
    response = await ask("/api/queues/nosuch")
    assert response.status == 404
    assert await response.json() == NOT_FOUND


async def test_a_vhost_that_is_closed_to_an_administrator(ask: Ask, server: FakeServer):
    server.add_vhost("other")
    response = await ask("/api/queues/other")
    assert response.status == 401
    reason = "User not authorised to access virtual host"
    assert await response.json() == {"error": "not_authorised", "reason": reason}


async def test_a_fault_is_logged_and_not_shown(
    ask: Ask, server: FakeServer, caplog: pytest.LogCaptureFixture
):
    del server.node_name
    response = await ask("/api/overview")
    assert response.status == 500
    assert "node_name" not in await response.text()
    (record,) = [r for r in caplog.records if r.levelno >= logging.ERROR]
    assert record.name == "leveret.http"
    assert record.exc_info


async def test_names_that_are_no_utf_8_do_not_break_a_list(ask: Ask, server: FakeServer):
    server.add_queue("bad\udcff")
    response = await ask("/api/queues")
    assert [row["name"] for row in await response.json()] == ["bad?"]


async def test_old_paths_lead_to_the_new_ones(ask: Ask):
    response = await ask("/api/", user=None, allow_redirects=False)
    assert response.status == 301
    assert response.headers["location"] == "/api/index.html"


async def test_a_name_may_have_line_breaks(ask: Ask, server: FakeServer):
    server.add_queue("a\nb")
    response = await ask("/api/queues/%2F/a%0Ab/bindings", method="DELETE")
    assert response.status == 405
