"""Generated definitions files: taken or refused, never an internal error, and nothing breaks.

Most are good files with something wrong in one place. Bounded; more with LEVERET_EXAMPLES.
"""

import json
import os
from typing import Any

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.support.broker import Broker
from tests.support.target import Target

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

EXAMPLES = int(os.environ.get("LEVERET_EXAMPLES", "300"))
ODD_NAMES = ["", "/", "q", "v", "amq.direct", "n" * 256, "ü", "a\0b", "\ud800", "{}%s", "[", "*"]
NAMES = st.sampled_from(["q", "e", "v", "u", "p", "/"]) | st.sampled_from(ODD_NAMES)
NUMBERS = st.sampled_from([0, 1, -1, 255, 1 << 31, 1 << 63, 1 << 70, 10**400, 0.5, 1e308])
SCALARS = st.none() | st.booleans() | NUMBERS | NAMES | st.text(max_size=5)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
ARGUMENTS = st.dictionaries(
    st.sampled_from(
        [
            *("x-message-ttl", "x-max-length", "x-overflow", "x-queue-type", "x-max-priority"),
            *("x-dead-letter-exchange", "x-expires", "x-delayed-type", "alternate-exchange"),
        ]
    ),
    VALUES | st.sampled_from(["classic", "quorum", "stream", "drop-head", "fanout"]),
    max_size=3,
)
LIMITS = st.dictionaries(
    st.sampled_from(["max-queues", "max-connections", "max-stored-bytes", "max-publish-rate"]),
    VALUES,
    max_size=2,
)
PATTERNS = st.sampled_from(["", ".*", "^q", "(", "[", "\\", "(?P<n>"])
TYPES = st.sampled_from(["direct", "topic", "headers", "x-delayed-message", "nosuch"])
COMPONENTS = st.sampled_from(["vhost-limits", "user-limits", "operator_policy", "shovel", "x"])


def item(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An object with these members, of which one may be missing, or be anything."""
    good = st.fixed_dictionaries(members)
    names = st.sampled_from(sorted(members))
    spoilt = st.builds(lambda whole, name, value: whole | {name: value}, good, names, VALUES)
    short = st.builds(
        lambda whole, name: {key: value for key, value in whole.items() if key != name}, good, names
    )
    return good | good | spoilt | short


VHOST = st.sampled_from(["/", "v"])
ITEMS = {
    "users": item(
        name=NAMES.filter(lambda name: name != "guest"),
        password_hash=st.sampled_from(
            ["", "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR", "%"]
        ),
        hashing_algorithm=st.sampled_from(["rabbit_password_hashing_sha256", "none"]),
        tags=st.sampled_from(["", "administrator", [], ["management", "x"]]),
        limits=LIMITS,
    ),
    "vhosts": item(name=NAMES, description=SCALARS, tags=VALUES, metadata=VALUES),
    "permissions": item(user=NAMES, vhost=VHOST, configure=PATTERNS, write=PATTERNS, read=PATTERNS),
    "topic_permissions": item(
        user=NAMES, vhost=VHOST, exchange=NAMES, write=PATTERNS, read=PATTERNS
    ),
    "parameters": item(component=COMPONENTS, vhost=VHOST, name=NAMES, value=LIMITS | VALUES),
    "global_parameters": item(name=NAMES, value=VALUES),
    "policies": item(
        vhost=VHOST,
        name=NAMES,
        pattern=PATTERNS,
        priority=NUMBERS,
        **{"apply-to": st.sampled_from(["all", "queues", "x"])},
        definition=st.dictionaries(
            st.sampled_from(["max-length", "message-ttl", "dead-letter-exchange", "ha-mode"]),
            VALUES,
            max_size=2,
        ),
    ),
    "queues": item(
        vhost=VHOST,
        name=NAMES,
        durable=st.booleans(),
        auto_delete=st.booleans(),
        arguments=ARGUMENTS,
    ),
    "exchanges": item(
        vhost=VHOST, name=NAMES, type=TYPES, durable=st.booleans(), arguments=ARGUMENTS
    ),
    "bindings": item(
        vhost=VHOST,
        source=NAMES,
        destination=NAMES,
        destination_type=st.sampled_from(["queue", "exchange", "door"]),
        routing_key=NAMES,
        arguments=ARGUMENTS,
    ),
}
DOCUMENTS = st.fixed_dictionaries(
    {}, optional={kind: st.lists(items, max_size=3) | VALUES for kind, items in ITEMS.items()}
)


def import_any(target: Target, examples: int, seed: int) -> dict[int, int]:
    """Imports so many generated files; how often each status was the answer.

    AssertionError for an undocumented answer, and what urllib raises for none within 10 s.
    """
    statuses: dict[int, int] = {}

    @hypothesis.seed(seed)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(DOCUMENTS | VALUES, st.sampled_from(["definitions", "definitions/v"]))
    def attempt(document: Any, path: str) -> None:
        data = json.dumps(document).encode()
        status, answer = target.send("POST", path, data, "application/json")
        statuses[status] = statuses.get(status, 0) + 1
        assert status in (204, 400, 401, 404), (status, answer)
        assert status == 204 or answer["reason"]

    attempt()
    return statuses


def test_no_file_is_an_internal_error(broker: Broker):
    target = Target(broker.amqp, broker.http, "leveret")
    target.api("PUT", "vhosts/v", {})
    statuses = import_any(target, EXAMPLES, seed=1)
    print(statuses)
    assert min(statuses.get(204, 0), statuses.get(400, 0)) > EXAMPLES // 20
    # What is there now is whole: it can be taken again, and survives.
    before = target.api("GET", "definitions")[1]
    assert target.api("POST", "definitions", before)[0] == 204
    broker.restart()
    after = target.api("GET", "definitions")[1]
    for kind in ITEMS:
        assert _sorted(after[kind]) == _sorted(
            [each for each in before[kind] if each.get("durable", True)]
        )


def _sorted(items: list[Any]) -> list[str]:
    return sorted(json.dumps(each, sort_keys=True) for each in items)
