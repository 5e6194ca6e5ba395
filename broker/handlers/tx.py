"""tx.select, commit, rollback (spec 5.8)."""

from pamqp import commands

from broker.amqp import cold
from broker.channel import Channel
from broker.transaction import Transaction
from vhosts import errors


def select(channel: Channel, command: commands.Tx.Select) -> cold.Method:
    """The channel is transactional from now on; repeatable."""
    if channel.confirms is not None:
        raise errors.PreconditionFailed("cannot switch from confirm to tx mode")
    if channel.transaction is None:
        channel.transaction = Transaction(channel)
    return commands.Tx.SelectOk()


def commit(channel: Channel, command: commands.Tx.Commit) -> cold.Method:
    """Applies what was held back; commit-ok once the disk has it."""
    if _transaction(channel).commit():
        channel.connection.hold_reply()
    return commands.Tx.CommitOk()


def rollback(channel: Channel, command: commands.Tx.Rollback) -> cold.Method:
    """Forgets what was held back."""
    _transaction(channel).rollback()
    return commands.Tx.RollbackOk()


def _transaction(channel: Channel) -> Transaction:
    if channel.transaction is None:
        raise errors.PreconditionFailed("channel is not transactional")
    return channel.transaction
