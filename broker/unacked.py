"""The unacked ledger of one channel: delivery tag -> message.

Here: finding deliveries by tag, singly or all up to one (spec 5.7).  Not
here: what settling does.
"""

from broker.message import QueuedMessage


class Unacked(dict[int, QueuedMessage]):
    """Deliveries and gets that await their settlement, in the order of their tags."""

    __slots__ = ("_first",)

    def __init__(self) -> None:
        super().__init__()
        self._first = 1

    def take_through(self, tag: int) -> list[QueuedMessage]:
        """Removes and returns all with a tag of at most `tag`, in order of tags.

        Costs at most a few steps for each that is returned, wherever the gaps
        are: it counts through the tags unless far fewer are outstanding.
        """
        first, self._first = self._first, tag + 1
        if tag - first > 4 * len(self):
            tags = [number for number in self if number <= tag]
            return [self.pop(number) for number in tags]
        pop = self.pop
        taken = [pop(number, None) for number in range(first, tag + 1)]
        return [entry for entry in taken if entry is not None]

    def put_back(self, entries: list[tuple[int, QueuedMessage]]) -> None:
        """Rolled back settlements: the deliveries are outstanding again under their tags."""
        merged = sorted([*self.items(), *entries], key=lambda item: item[0])
        self.clear()
        self.update(merged)
        if merged:
            self._first = min(self._first, merged[0][0])

    def take_all(self) -> list[QueuedMessage]:
        """Removes and returns all, in order of tags."""
        entries = list(self.values())
        self.clear()
        return entries
