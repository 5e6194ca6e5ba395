"""What a 404 was about, as far as its path tells."""

import io
import json
from email.message import Message
from urllib.error import HTTPError

import pytest

from mgmt_ui.cli.client import Api
from mgmt_ui.cli.settings import Settings

NOT_FOUND = json.dumps({"error": "Object Not Found", "reason": "Not Found"}).encode()


@pytest.mark.parametrize(
    ("where", "code", "text"),
    [
        ("/users/ann", 67, "no user 'ann'"),
        ("/users/ann/permissions", 67, "no user 'ann'"),
        # RabbitMQ 3 has no such path, whatever users it has.
        ("/users/ann/queues", 65, "this broker does not know /api/users/ann/queues"),
        ("/vhosts/a%2Fb", 65, "no vhost 'a/b'; see brokerctl vhost list, or --vhost"),
        ("/nosuch", 65, "this broker does not know /api/nosuch"),
    ],
)
def test_what_was_not_found(where: str, code: int, text: str):
    error = HTTPError(f"http://broker/api{where}", 404, "", Message(), io.BytesIO(NOT_FOUND))
    failure = Api(Settings(environment={})).failed("GET", where, error)
    assert (failure.code, failure.text) == (code, text)
