"""What lists are sorted by, read from the things themselves (spec 1.6).

To sort ten thousand queues by one number, each of them need not be described as a whole: what is
cheap to read alone stands here, or in the tables of the modules in api/.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from mgmt_ui.counters import LENGTHS, OCTETS, Kind

if TYPE_CHECKING:
    from mgmt_ui.call import Call

Key = Callable[[Any], Any]
"""From a thing to the value of a member of its description."""
Path = tuple[str, ...]

_DETAILS = "_details"


def find(call: "Call", path: Path, kind: Kind | None, members: Mapping[str, Key]) -> Key | None:
    """What gives the member at this path; None where only the whole description tells.

    `members` are those of the first level that are read alone, `kind` says what is counted.
    """
    if any(name.endswith("_age") for name in call.query):
        return None  # a counter with samples is the newest of them
    if len(path) == 1 and path[0] in members:
        return members[path[0]]
    return None if kind is None else _counter(call, path, kind)


def _counter(call: "Call", path: Path, kind: Kind) -> Key | None:
    in_stats = path[0] == "message_stats"
    match path[1:] if in_stats else path:
        case (name,):
            pass
        case (details, "rate"):
            name = details.removesuffix(_DETAILS)
            if name == details:
                return None
        case _:
            return None
    # Gauges and octets are members of their own, all others of message_stats.
    if name not in kind.places or in_stats == (name in LENGTHS or name in OCTETS):
        return None
    call.details  # noqa: B018 -- has counters brought up to date
    if path[-1] == "rate":
        of = call.rates.of
        return lambda thing: of(thing)(name)
    read, place = kind.read, kind.places[name]
    return lambda thing: read(thing)[place]
