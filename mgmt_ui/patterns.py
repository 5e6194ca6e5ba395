"""Regular expressions that anybody may send, searched for in names at a bounded cost.

What a pattern may take for one name is said in vhosts/patterns.py; here, what it may take for all
of a list, and when others have their turn. What may be filtered is said in paging.py.
"""

from collections.abc import Sequence

from mgmt_ui.errors import bad_request
from mgmt_ui.turns import next_turn
from vhosts.patterns import InvalidPattern, Pattern

INVALID = "Pagination parameters are invalid"
TOO_SLOW = "the pattern takes too long to match"

# How many names are looked at before others have their turn: 2 ms of ordinary patterns, and of
# those of which nobody can tell how long they take.
SLICE, DEMANDING_SLICE = 500, 4
# So many names may take longer than all may.
MOST_OVERRUNS = 50


async def search(pattern: str, names: Sequence[str]) -> list[bool]:
    """Whether each name has a match, anywhere and whatever the case.

    ApiError 400 for what is no pattern and for what takes too long.
    """
    try:
        compiled = Pattern(pattern, ignore_case=True, longest=max(map(len, names), default=0))
    except InvalidPattern:
        raise bad_request(INVALID) from None
    flags: list[bool] = []
    step = DEMANDING_SLICE if compiled.demanding else SLICE
    for start in range(0, len(names), step):
        for name in names[start : start + step]:
            found = compiled.find(name)
            if found is None or compiled.overruns > MOST_OVERRUNS:
                raise bad_request(TOO_SLOW)
            flags.append(found)
        await next_turn()
    return flags
