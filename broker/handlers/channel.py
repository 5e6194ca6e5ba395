"""channel.open on an open channel, flow, close (spec 3.1)."""

from pamqp import commands

from broker.amqp import cold
from broker.amqp.errors import second_channel_open, unimplemented_method
from broker.channel import Channel
from vhosts import errors


def open_again(channel: Channel, command: commands.Channel.Open) -> cold.Method:
    """The channel is open already."""
    raise second_channel_open()


def flow(channel: Channel, command: commands.Channel.Flow) -> cold.Method:
    """Only `active=true`, as in RabbitMQ."""
    if not command.active:
        raise errors.NotImplementedByBroker("active=false")
    return commands.Channel.FlowOk(active=True)


def close(channel: Channel, command: commands.Channel.Close) -> None:
    """All of the channel is released before close-ok goes out."""
    connection, number = channel.connection, channel.number
    if channel.confirms is not None:
        channel.confirms.flush()
    channel.close()
    connection.forget_channel(channel)
    connection.send(cold.method_frame(number, commands.Channel.CloseOk()))


def close_ok(channel: Channel, command: commands.Channel.CloseOk) -> None:
    """Nobody asked for it on an open channel."""
    raise unimplemented_method(commands.Channel.CloseOk.index)
