"""basic.* but for publish and ack, which are on the way of a message (spec 5.3, 5.4, 5.6, 5.7)."""

import secrets
from base64 import urlsafe_b64encode

from pamqp import commands

from broker import ack_timeout, single_active
from broker.amqp import cold, hot
from broker.channel import Channel
from broker.consumer import Consumer
from broker.handlers.queue import queue_name
from broker.paging import Unread
from broker.publishing import REPLY_TO, REPLY_TO_PREFIX
from broker.returns import counted
from broker.transaction import Transaction
from vhosts import errors
from vhosts.arguments import validate_consumer_arguments


def _generated(prefix: str) -> str:
    return prefix + urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")


def qos(channel: Channel, command: commands.Basic.Qos) -> cold.Method:
    """Prefetch for later consumers, or the one shared by the channel."""
    if command.prefetch_size:
        raise errors.NotImplementedByBroker(f"prefetch_size!=0 ({command.prefetch_size})")
    if command.global_:
        channel.limit(command.prefetch_count)
    else:
        channel.prefetch = command.prefetch_count
        channel.limit(0)
    return commands.Basic.QosOk()


def consume(channel: Channel, command: commands.Basic.Consume) -> cold.Method | None:
    """Subscribes; deliveries begin behind consume-ok."""
    tag = command.consumer_tag or _generated("amq.ctag-")
    if tag in channel.consumers or tag == channel.reply_consumer:
        raise errors.NotAllowed(f"attempt to reuse consumer tag '{tag}'")
    present = len(channel.consumers) + (channel.reply_consumer is not None)
    channel.connection.context.vhosts.limits.check_consumers(present)
    if command.queue == REPLY_TO:
        _consume_replies(channel, command, tag)
    else:
        _subscribe(channel, command, tag)
    return None if command.nowait else cold.build(commands.Basic.ConsumeOk, consumer_tag=tag)


def _subscribe(channel: Channel, command: commands.Basic.Consume, tag: str) -> None:
    vhost, connection = channel.vhost, channel.connection
    name = queue_name(channel, command.queue)
    connection.authorise("read", "queue", name)
    queue = vhost.queue(name, connection)
    arguments = cold.table(command)
    validate_consumer_arguments(arguments, queue.settings.queue_type, name, vhost.name)
    consumer = Consumer(
        channel,
        queue,
        tag,
        no_ack=command.no_ack,
        exclusive=command.exclusive and queue.settings.queue_type == "classic",
        prefetch=channel.prefetch,
        priority=int(arguments.get("x-priority", ("I", 0))[1]),
        arguments=arguments,
    )
    queue.add_consumer(consumer)
    channel.consumers[tag] = consumer
    if not consumer.no_ack:
        ack_timeout.look_after(channel, queue, consumer)
    channel.after_reply(lambda: single_active.start(queue, consumer))


def _consume_replies(channel: Channel, command: commands.Basic.Consume, tag: str) -> None:
    # Direct reply-to (spec 7.9): nothing is queued, replies go straight to this channel.
    if not command.no_ack:
        raise errors.PreconditionFailed("reply consumer cannot acknowledge")
    if channel.reply_consumer is not None:
        raise errors.PreconditionFailed("reply consumer already set")
    channel.reply_consumer = tag
    channel.reply_name = _generated(REPLY_TO_PREFIX)
    channel.connection.context.reply_channels[channel.reply_name] = channel


def cancel(channel: Channel, command: commands.Basic.Cancel) -> cold.Method | None:
    """Ends a consumer; what it was delivered stays outstanding.  Unknown tags are fine."""
    tag = command.consumer_tag or ""
    consumer = channel.consumers.get(tag)
    if consumer is not None:
        channel.forget_consumer(consumer)
        consumer.queue.remove_consumer(consumer)
    elif tag == channel.reply_consumer:
        channel.drop_reply_consumer()
    return None if command.nowait else cold.build(commands.Basic.CancelOk, consumer_tag=tag)


def cancel_ok(channel: Channel, command: commands.Basic.CancelOk) -> None:
    """A client's answer to our basic.cancel: nothing to do."""


def get(channel: Channel, command: commands.Basic.Get) -> cold.Method | list[bytes]:
    """Takes one message, or get-empty."""
    name = queue_name(channel, command.queue)
    connection = channel.connection
    connection.authorise("read", "queue", name)
    queue = channel.vhost.queue(name, connection)
    if queue.quorum and queue.settings.single_active_consumer:
        raise errors.no_get_beside_single_active_consumer(name, channel.vhost.name)
    if queue.must_wait():
        raise Unread(queue)
    entry = queue.get(no_ack=command.no_ack)
    served = channel.pairs.served(queue)
    if entry is None:
        served.get_empty += 1
        return commands.Basic.GetEmpty()
    tag, channel.next_tag = channel.next_tag, channel.next_tag + 1
    message = counted(entry) if entry.returns and queue.counts_returns else entry.message
    method = hot.get_ok_method(
        channel.number, tag, entry.returns > 0, message.route.raw, queue.message_count
    )
    if channel.vhost.tracing:
        from broker import firehose  # only for who traces

        firehose.delivered(channel, queue, message, entry.returns > 0)
    if entry.returns:
        served.redeliver += 1
        queue.count_redelivered(1)
    if command.no_ack:
        served.get_no_ack += 1
    else:
        served.get += 1
        channel.outstanding_gets += 1
        entry.consumer, entry.tag = None, tag
        channel.unacked[tag] = entry
        if queue.settings.consumer_timeout is not None:
            ack_timeout.look_after(channel, queue, None)
        if queue.marks is not None and queue.marks.must_wait(entry):
            # A crash must not forget that it was delivered.
            connection.hold_reply(or_refusal=True)
    return [method, *channel.content_frames(message)]


def nack(channel: Channel, command: commands.Basic.Nack) -> None:
    """Requeues or dead-letters one delivery or all up to one."""
    entries = channel.take(command.delivery_tag or 0, multiple=command.multiple)
    channel.nack(entries, Transaction.REQUEUE if command.requeue else Transaction.REJECT)


def reject(channel: Channel, command: commands.Basic.Reject) -> None:
    """Requeues or dead-letters one delivery."""
    entries = channel.take(command.delivery_tag or 0, multiple=False)
    channel.nack(entries, Transaction.FAIL if command.requeue else Transaction.REJECT)


def recover(channel: Channel, command: commands.Basic.Recover) -> cold.Method:
    """Requeues all that is outstanding on the channel."""
    _recover(channel, command.requeue)
    return commands.Basic.RecoverOk()


def recover_async(channel: Channel, command: commands.Basic.RecoverAsync) -> None:
    """As recover, without a reply."""
    _recover(channel, command.requeue)


def _recover(channel: Channel, requeue: bool) -> None:
    if not requeue:
        raise errors.NotImplementedByBroker("requeue=false")
    channel.give_back(channel.unacked.take_all(), Transaction.REQUEUE)
