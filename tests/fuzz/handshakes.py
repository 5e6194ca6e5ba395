"""Handshakes as Hypothesis thinks of them, for a real broker.

Here: which frames are sent.  Not here: what is well formed but odd in a single step
(test_handshake.py), nor noise of all kinds (streams.py).
"""

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.fuzz.streams import Stream
from tests.fuzz.test_handshake import MECHANISMS, RESPONSES, TABLES, TUNED, VHOSTS
from tests.support.wire import CAPABLE, PROTOCOL_HEADER, method_frame

STEPS = st.tuples(
    MECHANISMS, RESPONSES, TABLES, TUNED, VHOSTS, st.binary(max_size=8), st.booleans()
)


def handshakes(count: int, seed: int) -> list[Stream]:
    """So many of them; the same for the same seed."""
    made: list[Stream] = []

    @hypothesis.seed(seed)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(STEPS)
    def make(steps: tuple) -> None:  # type: ignore[type-arg]
        mechanism, response, properties, tuned, vhost, behind, right = steps
        start_ok = method_frame(
            0,
            "connection.start-ok",
            client_properties=CAPABLE | properties,
            mechanism="PLAIN" if right else mechanism,
            response=b"\0guest\0guest" if right else response,
            locale="en_US",
        )
        tune_ok = method_frame(0, "connection.tune-ok", **tuned)
        opened = method_frame(0, "connection.open", virtual_host=vhost)
        pieces = [PROTOCOL_HEADER, start_ok, tune_ok, opened, behind]
        made.append(Stream(seed * count + len(made), "handshake", pieces))

    make()
    return made
