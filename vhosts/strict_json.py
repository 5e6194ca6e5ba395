"""JSON as others write it, without what Python reads beyond that.

Here: `loads`. Not here: what the values mean.
"""

import json
import re
from typing import Any

# Half of a pair in an escape; whole pairs are found, too, and are fine.
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def loads(text: str) -> Any:
    """The value; raises ValueError or RecursionError for what is no JSON.

    NaN and Infinity could not be written again. Half a pair of surrogates is no character: it
    could be stored nowhere and sent to nobody.
    """
    value = json.loads(text, parse_constant=_no_number)
    if _SURROGATE.search(text):
        json.dumps(value, ensure_ascii=False).encode()
    return value


def _no_number(name: str) -> None:
    raise ValueError(name)
