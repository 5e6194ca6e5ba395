"""Generated requests to every path of the management API: never an internal error.

schemathesis reads what the broker says of itself and tries what fits and what does not. Bounded:
a few requests for each operation, more with LEVERET_EXAMPLES.
"""

import os
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

from tests.support.broker import Broker
from tests.support.target import Target

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

EXAMPLES = int(os.environ.get("LEVERET_EXAMPLES", "8"))
# Streams do not end, and passwords are hashed at leisure.
UNENDING = ("/api/live", "/api/live/{stream}")


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker that may be left in any state."""
    with Broker(tmp_path_factory.mktemp("api")) as running:
        yield running


def prepare(target: Target) -> None:
    """A user who may do everything, in two virtual hosts of which one may be deleted."""
    target.api("PUT", "users/fuzz", {"password": "fuzz", "tags": "administrator"})
    for vhost in ("%2F", "v"):
        target.api("PUT", f"vhosts/{vhost}", {})
        patterns = {"configure": ".*", "write": ".*", "read": ".*"}
        assert target.api("PUT", f"permissions/{vhost}/fuzz", patterns)[0] in (201, 204)


def request_all(target: Target, examples: int, seed: int) -> tuple[int, int]:
    """So many requests to each operation: (requests made, operations there are).

    AssertionError for an internal error, and what requests raises for no answer within 20 s.
    """
    schema = schemathesis.openapi.from_url(f"http://{target.http}/api/openapi.json")
    tried = operations = 0
    for found in schema.get_all_operations():
        operation = found.ok()  # type: ignore[union-attr]  # raises where there is none
        operations += 1
        if operation.path in UNENDING:
            continue

        @hypothesis.seed(seed)
        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def attempt(case: "schemathesis.Case[Any]") -> None:
            nonlocal tried
            tried += 1
            if case.path_parameters and case.path_parameters.get("vhost"):
                # Half of what is generated is about a place that there is.
                if tried % 2:
                    case.path_parameters["vhost"] = "%2F" if case.method != "DELETE" else "v"
            response = case.call(auth=("fuzz", "fuzz"), timeout=20)
            assert response.status_code < 500 or response.status_code == 503, (
                case.method,
                response.request.url,
                response.request.body,
                response.text,
            )

        attempt()
    return tried, operations


def test_no_request_is_an_internal_error(broker: Broker):
    target = Target(broker.amqp, broker.http, "leveret")
    prepare(target)
    tried, operations = request_all(target, EXAMPLES, seed=1)
    assert tried > operations
    assert target.api("GET", "overview")[0] == 200
    assert "Traceback" not in broker.stderr_path.read_text()
