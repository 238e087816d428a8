"""A foreach of a thousand items whose body does next to nothing."""

from metaflow import FlowSpec, step
from witness import witness

WIDTH = 1000


class MokWide(FlowSpec):
    """start, body a thousand times, join, end."""

    @step
    def start(self):
        """Fans out."""
        self.seen = witness(self)
        self.items = list(range(WIDTH))
        self.next(self.body, foreach="items")

    @step
    def body(self):
        """Notes the item."""
        self.got = self.input
        self.next(self.join)

    @step
    def join(self, inputs):
        """More inputs than one command line may hold."""
        self.seen = witness(self)
        self.joined = [item.got for item in inputs]
        self.next(self.end)

    @step
    def end(self):
        """Nothing left to do."""
        self.seen = witness(self)


if __name__ == "__main__":
    MokWide()
