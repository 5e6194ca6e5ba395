"""exchange.declare, delete, bind, unbind (spec 4)."""

from pamqp import commands

from broker.amqp import cold
from broker.channel import Channel


def declare(channel: Channel, command: commands.Exchange.Declare) -> cold.Method | None:
    """Declares, or checks that it is there."""
    vhost, authorise = channel.vhost, channel.connection.authorise
    if command.passive:
        vhost.passive_declare_exchange(command.exchange, authorise)
    else:
        vhost.declare_exchange(
            command.exchange,
            command.exchange_type,
            durable=command.durable,
            auto_delete=command.auto_delete,
            internal=command.internal,
            arguments=cold.table(command),
            authorise=authorise,
        )
    return None if command.nowait else commands.Exchange.DeclareOk()


def delete(channel: Channel, command: commands.Exchange.Delete) -> cold.Method | None:
    """Idempotent."""
    authorise = channel.connection.authorise
    channel.vhost.delete_exchange(command.exchange, command.if_unused, authorise)
    return None if command.nowait else commands.Exchange.DeleteOk()


def bind(channel: Channel, command: commands.Exchange.Bind) -> cold.Method | None:
    """Binds an exchange to an exchange."""
    channel.vhost.bind(
        command.source,
        command.destination,
        "exchange",
        command.routing_key,
        cold.table(command),
        owner=None,
        authorise=channel.connection.authorise,
    )
    return None if command.nowait else commands.Exchange.BindOk()


def unbind(channel: Channel, command: commands.Exchange.Unbind) -> cold.Method | None:
    """Unbinds; fine where there is nothing to unbind."""
    channel.vhost.unbind(
        command.source,
        command.destination,
        "exchange",
        command.routing_key,
        cold.table(command),
        owner=None,
        authorise=channel.connection.authorise,
    )
    return None if command.nowait else commands.Exchange.UnbindOk()
