"""What scripts of other origins may do with the API (spec 1.8).

Imported when there are origins that may do anything at all.
"""

from collections.abc import Collection, Mapping

ANY = "*"
# Seconds for which a browser need not ask again.
MAX_AGE = "1800"


def headers(origins: Collection[str], asked: Mapping[str, str], allow: str = "") -> dict[str, str]:
    """The headers of an answer to a request with the headers `asked`.

    `allow` are the methods of what it is about, where the request only asks for them. Whoever may
    be anybody gets no credentials of the user's browser.
    """
    origin = asked.get("origin")
    if origin is None or (origin not in origins and ANY not in origins):
        return {}
    if origin in origins:
        found = {
            "access-control-allow-origin": origin,
            "access-control-allow-credentials": "true",
        }
    else:
        found = {"access-control-allow-origin": ANY}
    if allow:
        found |= {"access-control-allow-methods": allow, "access-control-max-age": MAX_AGE}
        if wanted := asked.get("access-control-request-headers"):
            found["access-control-allow-headers"] = wanted
    return found
