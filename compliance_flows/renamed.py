"""A flow whose first and last steps are not called start and end."""

from metaflow import FlowSpec, step
from witness import witness


class MokRenamed(FlowSpec):
    """begin, finish."""

    @step(start=True)
    def begin(self):
        """The entry step, by its mark and not by its name."""
        self.seen = witness(self)
        self.trail = [self.seen["step"]]
        self.next(self.finish)

    @step(end=True)
    def finish(self):
        """The last step, by its mark and not by its name."""
        self.seen = witness(self)
        self.trail = [*self.trail, self.seen["step"]]


if __name__ == "__main__":
    MokRenamed()
