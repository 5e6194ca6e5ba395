import json
import re

from mgmt_ui import openapi
from mgmt_ui.openapi_bodies import BODIES
from mgmt_ui.routes import ROUTES
from tests.unit.mgmt_ui.conftest import Ask


def test_every_route_is_described():
    described = openapi.document()
    for route in ROUTES:
        operation = described["paths"][route.path][route.method.lower()]
        assert operation["summary"], route
        named = {each["name"] for each in operation["parameters"] if each["in"] == "path"}
        assert named == set(re.findall(r"{(\w+)}", route.path))


def test_every_operation_has_an_id_of_its_own():
    ids = [
        operation["operationId"]
        for operations in openapi.document()["paths"].values()
        for operation in operations.values()
    ]
    assert len(ids) == len(set(ids)) == len(ROUTES)


def test_every_body_belongs_to_a_route():
    assert set(BODIES) <= {route.handler for route in ROUTES}


async def test_it_can_be_had_without_a_login(ask: Ask):
    response = await ask("/api/openapi.json", user=None)
    assert response.status == 200
    assert (await response.json())["openapi"] == "3.1.0"
    response = await ask("/api/index.html", user=None, headers={"accept": "text/html,*/*"})
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    text = await response.text()
    assert "/api/queues/{vhost}/{name}" in text


def test_it_is_json():
    json.dumps(openapi.document(), allow_nan=False)
