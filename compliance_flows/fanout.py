"""A foreach of eleven items, more than one digit counts, with a body of two steps."""

from metaflow import FlowSpec, step
from witness import witness

ITEMS = ["ant", "bee", "cat", "dog", "eel", "fox", "gnu", "hen", "ibis", "jay", "koi"]


class MokFanout(FlowSpec):
    """The first step is the foreach itself."""

    @step
    def start(self):
        """Fans out."""
        self.seen = witness(self)
        self.items = ITEMS
        self.next(self.name_it, foreach="items")

    @step
    def name_it(self):
        """The first step of the body: gets the item by its index."""
        self.seen = witness(self)
        self.got = [self.index, self.input]
        self.next(self.shape_it)

    @step
    def shape_it(self):
        """The second step of the body: what the join must get."""
        self.seen = witness(self)
        self.shaped = [self.index, self.input.upper(), self.got]
        self.next(self.join)

    @step
    def join(self, inputs):
        """Keeps the order in which the inputs came."""
        self.seen = witness(self)
        self.joined = [branch.shaped for branch in inputs]
        self.next(self.end)

    @step
    def end(self):
        """Nothing left to do."""
        self.seen = witness(self)


if __name__ == "__main__":
    MokFanout()
