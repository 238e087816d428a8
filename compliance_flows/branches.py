"""A split whose branches differ in length, each of them holding a split of its own."""

from metaflow import FlowSpec, step
from witness import witness


class MokBranches(FlowSpec):
    """The first step fans out; the outer join waits for the inner ones."""

    @step
    def start(self):
        """A first step that is itself a split."""
        self.seen = witness(self)
        self.trail = ["start"]
        self.next(self.short, self.wide)

    @step
    def short(self):
        """The branch that splits into six, in no order of their names."""
        self.seen = witness(self)
        self.trail = [*self.trail, "short"]
        self.next(self.ray_f, self.ray_b, self.ray_d, self.ray_a, self.ray_e, self.ray_c)

    @step
    def ray_a(self):
        """The fourth of six branches."""
        self.seen = witness(self)
        self.next(self.meet)

    @step
    def ray_b(self):
        """The second."""
        self.seen = witness(self)
        self.next(self.meet)

    @step
    def ray_c(self):
        """The sixth."""
        self.seen = witness(self)
        self.next(self.meet)

    @step
    def ray_d(self):
        """The third."""
        self.seen = witness(self)
        self.next(self.meet)

    @step
    def ray_e(self):
        """The fifth."""
        self.seen = witness(self)
        self.next(self.meet)

    @step
    def ray_f(self):
        """The first."""
        self.seen = witness(self)
        self.next(self.meet)

    @step
    def meet(self, inputs):
        """Joins so many that Metaflow loads them together."""
        self.seen = witness(self)
        self.met = [branch.seen["step"] for branch in inputs]
        self.trail = [*inputs.ray_a.trail, "meet"]
        self.next(self.join)

    @step
    def wide(self):
        """The branch that splits into two."""
        self.seen = witness(self)
        self.trail = [*self.trail, "wide"]
        self.next(self.upper, self.lower)

    @step
    def upper(self):
        """One half of the inner split, two steps long."""
        self.seen = witness(self)
        self.trail = [*self.trail, "upper"]
        self.next(self.upper_more)

    @step
    def upper_more(self):
        """The second step of its branch: what the join must get."""
        self.seen = witness(self)
        self.trail = [*self.trail, "upper_more"]
        self.next(self.inner_join)

    @step
    def lower(self):
        """The other half."""
        self.seen = witness(self)
        self.trail = [*self.trail, "lower"]
        self.next(self.inner_join)

    @step
    def inner_join(self, inputs):
        """Joins the inner split alone."""
        self.seen = witness(self)
        self.joined = [branch.trail for branch in inputs]
        self.trail = ["start", "wide", "inner_join"]
        self.next(self.join)

    @step
    def join(self, inputs):
        """Joins the outer split."""
        self.seen = witness(self)
        self.joined = [branch.trail for branch in inputs]
        self.next(self.end)

    @step
    def end(self):
        """Nothing left to do."""
        self.seen = witness(self)


if __name__ == "__main__":
    MokBranches()
