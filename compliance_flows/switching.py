"""Switches: as the first step, jumping straight to the merge, and inside a static branch."""

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
        """The chosen one."""
        self.seen = witness(self)
        self.trail = [*self.trail, "taken_b"]
        self.next(self.merge)

    @step
    def merge(self):
        """One input, though two steps lead here; then a switch that may skip a step."""
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
        self.next(self.end)

    @step
    def end(self):
        """Nothing left to do."""
        self.seen = witness(self)


if __name__ == "__main__":
    MokSwitching()
