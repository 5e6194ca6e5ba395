"""What a queue ought to hold: a plain model, to be compared with the real one.

Everything is a list or a dictionary and is gone through from the start each time. It knows TTL,
length limits, priorities, dead-lettering, delivery limits, and what a crash leaves behind: the
state at the last commit.
"""

from copy import deepcopy
from dataclasses import dataclass, field


@dataclass
class Item:
    """One message. `redelivered` None: it may be flagged or not."""

    body: bytes
    position: int
    priority: int
    deadline: int | None
    redelivered: bool | None = False
    failures: int = 0
    delivered: bool = False
    transient: bool = False


@dataclass(frozen=True)
class Rules:
    """The arguments of the queue; `weighted`: a quorum queue gets messages of high priority."""

    quorum: bool = False
    weighted: bool = False
    max_priority: int | None = None
    ttl: int | None = None
    max_length: int | None = None
    refuses: bool = False
    dead_letters: bool = False
    delivery_limit: int | None = None


@dataclass
class Model:
    """A queue and what was dead-lettered from it. Times are milliseconds."""

    rules: Rules
    ready: list[Item] = field(default_factory=list)
    unacked: dict[int, Item] = field(default_factory=dict)
    dead: list[bytes] = field(default_factory=list)
    # The bodies of all that was published as transient, dead or alive.
    transient: set[bytes] = field(default_factory=set)
    published: int = 0
    # Of a quorum queue: how many of high priority went since the last of normal priority.
    run: int = 0

    def copy(self) -> "Model":
        """As it is now, whatever becomes of this one."""
        return deepcopy(self)

    # -- in ------------------------------------------------------------------------------

    def publish(
        self, body: bytes, priority: int, ttl: int | None, now: int, *, transient: bool = False
    ) -> bool:
        """Whether the queue takes it."""
        rules = self.rules
        if rules.refuses and rules.max_length is not None and len(self.ready) >= rules.max_length:
            return False
        times = [each for each in (ttl, rules.ttl) if each is not None]
        level = int(priority > 4) if rules.quorum else min(priority, rules.max_priority or 0)
        deadline = now + min(times) if times else None
        item = Item(body, self.published, level, deadline)
        if transient:
            # A quorum queue keeps it, but the queue of its dead letter does not.
            self.transient.add(body)
            item.transient = not rules.quorum
        self.ready.append(item)
        self.published += 1
        self._order()
        self._shorten()
        return True

    def _order(self) -> None:
        # Returned messages of a quorum queue stand before all others, in the order of return.
        if not self.rules.quorum:
            self.ready.sort(key=lambda item: (-item.priority, item.position))

    def _shorten(self) -> None:
        rules = self.rules
        if rules.max_length is not None and not rules.refuses:
            while len(self.ready) > rules.max_length:
                self._die(self._take())

    def _take(self) -> Item:
        if not self.rules.quorum or self.ready[0].delivered:
            self.run = 0
            return self.ready.pop(0)
        # Two of high priority, then one of normal priority, while there are both.
        firsts = {item.priority: item for item in reversed(self.ready)}
        level = min(firsts) if self.run == 2 else max(firsts)
        self.run = self.run + 1 if level else 0
        item = firsts[level]
        self.ready.remove(item)
        return item

    def _die(self, item: Item) -> None:
        if self.rules.dead_letters:
            self.dead.append(item.body)

    # -- out -----------------------------------------------------------------------------

    def get(self, tag: int | None) -> Item | None:
        """The next message; with a tag it waits for its settlement."""
        if not self.ready:
            return None
        item = self._take()
        if tag is not None:
            item.delivered = True
            self.unacked[tag] = item
        return item

    def ack(self, tag: int) -> None:
        """It is done with."""
        del self.unacked[tag]

    def reject(self, tag: int) -> None:
        """It dies."""
        self._die(self.unacked.pop(tag))

    def requeue(self, tag: int, now: int, *, failed: bool) -> None:
        """It goes back to its place, unless it failed too often or its time was over meanwhile."""
        item = self.unacked.pop(tag)
        item.redelivered = True
        limit = self.rules.delivery_limit
        if failed:
            item.failures += 1
            if limit is not None and item.failures > limit:
                self._die(item)
                return
        self._put_back(item)
        self.expire(now)
        self._shorten()

    def _put_back(self, item: Item) -> None:
        if self.rules.quorum:
            behind = sum(each.delivered for each in self.ready)
            self.ready.insert(behind, item)
        else:
            self.ready.append(item)
            self._order()

    def purge(self) -> int:
        """Nothing is ready any more."""
        count = len(self.ready)
        self.ready.clear()
        self.run = 0
        return count

    def expire(self, now: int) -> None:
        """What is ready and past its time dies."""
        over = [i for i in self.ready if i.deadline is not None and i.deadline < now]
        self.ready = [item for item in self.ready if item not in over]
        for item in over:
            self._die(item)

    # -- the end -------------------------------------------------------------------------

    def stop(self, now: int) -> None:
        """What was delivered comes back, each counting as a failure; what is transient goes."""
        for tag in sorted(self.unacked):
            self.requeue(tag, now, failed=True)
        self._lose_transient()

    def _lose_transient(self) -> None:
        self.ready = [item for item in self.ready if not item.transient]
        self.dead = [body for body in self.dead if body not in self.transient]

    def restart(self, now: int) -> None:
        """All whose time is not over comes back in its old order."""
        self.run = 0
        self.expire(now)
        if self.rules.quorum:
            self.ready.sort(key=lambda item: (not item.delivered, item.position))
        self._order()
        self._shorten()  # what was unacked counts again

    def crash(self, died: "Model", now: int) -> None:
        """This is what the disk had; `died` is what was there when it happened."""
        handed_out = {
            item.position for item in (*died.ready, *died.unacked.values()) if item.delivered
        }
        self.ready += self.unacked.values()
        self.unacked.clear()
        self._lose_transient()
        for item in self.ready:
            item.delivered |= item.position in handed_out
            item.redelivered = True if item.delivered else None
        self.published = died.published
        self.restart(now)
