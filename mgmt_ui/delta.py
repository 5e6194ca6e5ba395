"""What changed between two JSON values, in the form that the console's lib/patch.ts applies.

A patch is an object. `r`: the value is replaced by this one. For objects `s`: members that are new
or of another shape, `d`: names of members that are gone, `p`: member -> patch. For arrays `n`: cut
to this length, `p`: index (as text) -> patch, `e`: items that follow.
"""

from typing import Any

Patch = dict[str, Any]


def delta(old: Any, new: Any) -> Patch | None:
    """The patch that makes `old` into `new`; None where there is nothing to do."""
    if isinstance(old, dict) and isinstance(new, dict):
        return _of_objects(old, new)
    if isinstance(old, list) and isinstance(new, list):
        return _of_arrays(old, new)
    # 1 and True are equal to Python, but not to anybody who reads JSON.
    if old == new and type(old) is type(new):
        return None
    return {"r": new}


def _of_objects(old: dict[str, Any], new: dict[str, Any]) -> Patch | None:
    added: dict[str, Any] = {}
    inner: dict[str, Patch] = {}
    for name, value in new.items():
        if name not in old:
            added[name] = value
        elif (patch := delta(old[name], value)) is not None:
            if "r" in patch:
                added[name] = patch["r"]
            else:
                inner[name] = patch
    gone = [name for name in old if name not in new]
    return _without_empty({"s": added, "d": gone, "p": inner})


def _of_arrays(old: list[Any], new: list[Any]) -> Patch | None:
    inner = {}
    for index, (before, now) in enumerate(zip(old, new, strict=False)):
        if (patch := delta(before, now)) is not None:
            inner[str(index)] = patch
    patch = _without_empty({"p": inner, "e": new[len(old) :]}) or {}
    if len(new) < len(old):
        patch["n"] = len(new)
    return patch or None


def _without_empty(patch: Patch) -> Patch | None:
    return {key: part for key, part in patch.items() if part} or None
