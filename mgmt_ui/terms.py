"""Parts of requests that more than one resource takes: tags, limits, names (spec 2.3, 2.4)."""

from typing import TYPE_CHECKING, Any

from mgmt_ui.errors import ApiError, bad_request
from mgmt_ui.payload import wrong_value

if TYPE_CHECKING:
    from mgmt_ui.call import Call

MAX_NAME_BYTES = 255


def tags_of(value: Any) -> tuple[str, ...]:
    """Tags as a text with commas or as an array; ApiError 400 for anything else."""
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, list) or not all(isinstance(tag, str | int) for tag in value):
        raise wrong_value("not_tags", value, "tags")
    return tuple(dict.fromkeys(str(tag).strip() for tag in value if str(tag).strip()))


def check_name(name: str) -> None:
    """ApiError 400 for the name of a virtual host or user that AMQP cannot say."""
    if len(name.encode("utf-8", "surrogateescape")) > MAX_NAME_BYTES:
        raise bad_request(f"name is longer than {MAX_NAME_BYTES} bytes")


async def limit_of(call: "Call") -> Any:
    """The value of a limit in the body; ApiError 415 unless it says that it is JSON (1.2)."""
    kind = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise ApiError(415)
    body = await call.body()
    body.require("value")
    return body.get("value")
