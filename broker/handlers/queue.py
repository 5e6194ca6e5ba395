"""queue.declare, bind, unbind, purge, delete (spec 4.3, 5.1, 5.2)."""

from pamqp import commands

from broker.amqp import cold
from broker.channel import Channel
from broker.publishing import REPLY_TO, REPLY_TO_PREFIX
from vhosts import errors, naming


def declare(channel: Channel, command: commands.Queue.Declare) -> cold.Method | None:
    """Declares, or checks that it is there; either makes it the channel's last queue."""
    vhost, connection = channel.vhost, channel.connection
    if command.queue == REPLY_TO or command.queue.startswith(REPLY_TO_PREFIX):
        return _declare_reply_queue(channel, command)
    if command.passive:
        queue = vhost.passive_declare_queue(command.queue, connection, connection.authorise)
    else:
        queue = vhost.declare_queue(
            command.queue,
            durable=command.durable,
            owner=connection if command.exclusive else None,
            auto_delete=command.auto_delete,
            arguments=cold.table(command),
            authorise=connection.authorise,
        )
    queue.catch_up()
    queue.expiry.renew()
    channel.last_queue = queue.name
    if command.nowait:
        return None
    return _declare_ok(queue.name, queue.message_count, queue.consumer_count)


def _declare_reply_queue(channel: Channel, command: commands.Queue.Declare) -> cold.Method | None:
    # The pseudo queue of direct reply-to: there while somebody waits for replies (spec 7.9).
    replies = channel.connection.context.reply_channels
    if command.queue != REPLY_TO and command.queue not in replies:
        raise errors.no_queue(command.queue, channel.vhost.name)
    return None if command.nowait else _declare_ok(command.queue, 0, 1)


def _declare_ok(name: str, messages: int, consumers: int) -> cold.Method:
    return cold.build(
        commands.Queue.DeclareOk, queue=name, message_count=messages, consumer_count=consumers
    )


def queue_name(channel: Channel, name: str) -> str:
    """`name`, or the most recently declared queue for an empty one; raises NotFound (spec 3.2)."""
    if name:
        return name
    if channel.last_queue is None:
        raise errors.no_previously_declared_queue()
    return channel.last_queue


def _binding_ends(
    channel: Channel, command: commands.Queue.Bind | commands.Queue.Unbind
) -> tuple[str, str]:
    name = queue_name(channel, command.queue)
    key = command.routing_key
    return name, name if not command.queue and not key else key


def bind(channel: Channel, command: commands.Queue.Bind) -> cold.Method | None:
    """Binds a queue to an exchange."""
    name, key = _binding_ends(channel, command)
    connection = channel.connection
    channel.vhost.bind(
        command.exchange,
        name,
        "queue",
        key,
        cold.table(command),
        owner=connection,
        authorise=connection.authorise,
    )
    return None if command.nowait else commands.Queue.BindOk()


def unbind(channel: Channel, command: commands.Queue.Unbind) -> cold.Method:
    """Unbinds; fine where there is nothing to unbind."""
    name, key = _binding_ends(channel, command)
    connection = channel.connection
    channel.vhost.unbind(
        command.exchange,
        name,
        "queue",
        key,
        cold.table(command),
        owner=connection,
        authorise=connection.authorise,
    )
    return commands.Queue.UnbindOk()


def purge(channel: Channel, command: commands.Queue.Purge) -> cold.Method | None:
    """Drops the ready messages, without dead-lettering."""
    name = queue_name(channel, command.queue)
    channel.connection.authorise("read", "queue", name)
    queue = channel.vhost.queue(name, channel.connection)
    queue.catch_up()
    count = queue.purge()
    return None if command.nowait else commands.Queue.PurgeOk(count)


def delete(channel: Channel, command: commands.Queue.Delete) -> cold.Method | None:
    """Idempotent."""
    name = naming.clean(queue_name(channel, command.queue))
    connection = channel.connection
    if name in channel.vhost.queues:
        channel.vhost.queues[name].catch_up()
    count = channel.vhost.delete_queue_checked(
        name, connection, command.if_unused, command.if_empty, connection.authorise
    )
    return None if command.nowait else commands.Queue.DeleteOk(count)
