"""confirm.select (spec 5.5)."""

from pamqp import commands

from broker.amqp import cold
from broker.channel import Channel
from broker.confirms import Confirms
from vhosts import errors


def select(channel: Channel, command: commands.Confirm.Select) -> cold.Method | None:
    """Publishes are counted and confirmed from now on; repeatable."""
    if channel.transaction is not None:
        raise errors.PreconditionFailed("cannot switch from tx to confirm mode")
    if channel.confirms is None:
        channel.tally.share_out()  # what was published so far was not to be confirmed
        channel.confirms = Confirms(channel)
    return None if command.nowait else commands.Confirm.SelectOk()
