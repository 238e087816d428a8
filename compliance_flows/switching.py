"""Switches: as the first step, within a case, skipping steps, inside a branch, inside a foreach."""

from metaflow import FlowSpec, step
from witness import witness


class MokSwitching(FlowSpec):
    """The steps called never_* are the cases that were not chosen."""

    @step
    def start(self):
        """A first step that is a switch."""
        self.seen = witness(self)
        self.trail = ["start"]
        self.case = "b"
        self.next({"a": self.never_a, "b": self.taken_b}, condition="case")

    @step
    def never_a(self):
        """Must not run."""
        self.trail = [*self.trail, "never_a"]
        self.next(self.merge)

    @step
    def taken_b(self):
        """The chosen one, which is a switch itself."""
        self.seen = witness(self)
        self.trail = [*self.trail, "taken_b"]
        self.case = "deep"
        self.next({"deep": self.taken_deep, "flat": self.never_flat}, condition="case")

    @step
    def taken_deep(self):
        """The one that the inner switch has chosen."""
        self.seen = witness(self)
        self.trail = [*self.trail, "taken_deep"]
        self.next(self.merge)

    @step
    def never_flat(self):
        """Must not run."""
        self.trail = [*self.trail, "never_flat"]
        self.next(self.merge)

    @step
    def merge(self):
        """One input, though three steps lead here; then a switch that may skip a step."""
        self.seen = witness(self)
        self.trail = [*self.trail, "merge"]
        self.case = "skip"
        self.next({"long": self.never_long, "skip": self.parting}, condition="case")

    @step
    def never_long(self):
        """Must not run: the switch jumped over it."""
        self.trail = [*self.trail, "never_long"]
        self.next(self.parting)

    @step
    def parting(self):
        """Splits: one branch holds a switch."""
        self.seen = witness(self)
        self.trail = [*self.trail, "parting"]
        self.case = "q"
        self.next(self.choosing, self.plain)

    @step
    def choosing(self):
        """The switch inside the branch."""
        self.seen = witness(self)
        self.trail = [*self.trail, "choosing"]
        self.next({"p": self.never_p, "q": self.taken_q}, condition="case")

    @step
    def never_p(self):
        """Must not run."""
        self.trail = [*self.trail, "never_p"]
        self.next(self.chosen)

    @step
    def taken_q(self):
        """The chosen one."""
        self.seen = witness(self)
        self.trail = [*self.trail, "taken_q"]
        self.next(self.chosen)

    @step
    def chosen(self):
        """Merges the branch again before the join."""
        self.seen = witness(self)
        self.trail = [*self.trail, "chosen"]
        self.next(self.join)

    @step
    def plain(self):
        """The branch without a switch."""
        self.seen = witness(self)
        self.trail = [*self.trail, "plain"]
        self.next(self.join)

    @step
    def join(self, inputs):
        """One input per branch of the split, not per step that leads here."""
        self.seen = witness(self)
        self.joined = [branch.trail for branch in inputs]
        self.next(self.sorting)

    @step
    def sorting(self):
        """Fans out."""
        self.seen = witness(self)
        self.items = ["odd", "even", "odd"]
        self.next(self.sort_it, foreach="items")

    @step
    def sort_it(self):
        """The switch inside a foreach: not all items choose the same."""
        self.seen = witness(self)
        self.case = self.input
        self.next({"odd": self.odd_one, "even": self.even_one}, condition="case")

    @step
    def odd_one(self):
        """Of the first and the last item."""
        self.seen = witness(self)
        self.way = [self.index, "odd_one"]
        self.next(self.sorted_it)

    @step
    def even_one(self):
        """Of the item in the middle."""
        self.seen = witness(self)
        self.way = [self.index, "even_one"]
        self.next(self.sorted_it)

    @step
    def sorted_it(self):
        """Merges, for each item by itself."""
        self.seen = witness(self)
        self.way = [*self.way, self.index]
        self.next(self.gather)

    @step
    def gather(self, inputs):
        """One input per item, whichever way it took."""
        self.seen = witness(self)
        self.ways = [item.way for item in inputs]
        self.next(self.end)

    @step
    def end(self):
        """Nothing left to do."""
        self.seen = witness(self)


if __name__ == "__main__":
    MokSwitching()
