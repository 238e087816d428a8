"""Three foreach levels of uneven width, a split between them, and work between the joins."""

from metaflow import FlowSpec, step
from witness import witness

TREE = {"a": {"x": [1, 2]}, "b": {"y": [3], "z": [4, 5]}}


class MokNested(FlowSpec):
    """Every leaf carries the path of items that leads to it."""

    @step
    def start(self):
        """Two branches."""
        self.seen = witness(self)
        self.branches = sorted(TREE)
        self.next(self.branch, foreach="branches")

    @step
    def branch(self):
        """A split inside the foreach, with another foreach in one of its halves."""
        self.seen = witness(self)
        self.at_branch = self.input
        self.next(self.limb, self.bark)

    @step
    def bark(self):
        """The half of the split that has no foreach."""
        self.seen = witness(self)
        self.bark_of = [self.index, self.at_branch]
        self.next(self.branch_join)

    @step
    def limb(self):
        """One or two twigs each."""
        self.seen = witness(self)
        self.twigs = sorted(TREE[self.at_branch])
        self.next(self.twig, foreach="twigs")

    @step
    def twig(self):
        """One or two leaves each."""
        self.seen = witness(self)
        self.at_twig = self.input
        self.leaves = TREE[self.at_branch][self.at_twig]
        self.next(self.leaf, foreach="leaves")

    @step
    def leaf(self):
        """The innermost body."""
        self.seen = witness(self)
        self.path = [self.at_branch, self.at_twig, self.input]
        self.next(self.twig_join)

    @step
    def twig_join(self, inputs):
        """Once per twig, with that twig's leaves."""
        self.seen = witness(self)
        self.paths = [leaf.path for leaf in inputs]
        self.next(self.limb_join)

    @step
    def limb_join(self, inputs):
        """Once per branch, with that branch's twigs."""
        self.seen = witness(self)
        self.paths = [twig.paths for twig in inputs]
        self.next(self.branch_join)

    @step
    def branch_join(self, inputs):
        """Joins the split, once per branch, with both halves of that branch."""
        self.seen = witness(self)
        self.halves = [self.index, inputs.limb_join.paths, inputs.bark.bark_of]
        self.paths = inputs.limb_join.paths
        self.next(self.join)

    @step
    def join(self, inputs):
        """Once."""
        self.seen = witness(self)
        self.paths = [branch.paths for branch in inputs]
        self.next(self.end)

    @step
    def end(self):
        """Nothing left to do."""
        self.seen = witness(self)


if __name__ == "__main__":
    MokNested()
