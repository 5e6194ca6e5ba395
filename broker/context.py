"""What every connection of one broker shares.

Here: references only.  Not here: anything that acts; server.py puts it together.
"""

from typing import TYPE_CHECKING

from broker.alarms import Alarms
from broker.clock import Clock
from broker.logins import Logins
from broker.roster import Roster
from broker.tally import Tally
from broker.turn import Turn

if TYPE_CHECKING:
    from broker.access import Gatekeeper
    from broker.channel import Channel
    from broker.connection import Connection
    from broker.handshake import Limits, ServerIdentity
    from broker.queue import Queue
    from vhosts.registry import VirtualHosts


class Context:
    """The clock, the turn, the virtual hosts, the alarms, and who is connected."""

    __slots__ = (
        "alarms",
        "clock",
        "connections",
        "handshake_timeout",
        "identity",
        "keeper",
        "limits",
        "logins",
        "max_message_size",
        "reply_channels",
        "roster",
        "tally",
        "turn",
        "vhosts",
    )

    def __init__(
        self,
        clock: Clock,
        turn: Turn,
        vhosts: "VirtualHosts[Queue]",
        identity: "ServerIdentity",
        limits: "Limits",
        *,
        max_message_size: int,
        handshake_timeout: float,
    ) -> None:
        self.clock = clock
        self.turn = turn
        self.vhosts = vhosts
        self.identity = identity
        # Where others than the broker know users, too.
        self.keeper: Gatekeeper | None = None
        self.limits = limits
        self.max_message_size = max_message_size
        self.handshake_timeout = handshake_timeout
        self.connections: set[Connection] = set()
        self.logins = Logins(clock)
        self.tally = Tally()
        self.roster = vhosts.presence = Roster(clock)
        self.alarms = Alarms(clock, self.connections)
        # Direct reply-to: generated queue name -> the channel that waits for replies.
        self.reply_channels: dict[str, Channel] = {}
