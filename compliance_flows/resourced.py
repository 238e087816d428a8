"""A step that asks for resources, in numbers that occur nowhere else."""

from metaflow import FlowSpec, card, resources, step
from witness import witness


class MokResourced(FlowSpec):
    """start asks for nothing, end for much."""

    @step
    def start(self):
        """Asks for nothing."""
        self.seen = witness(self)
        self.next(self.end)

    @card(type="blank")
    @resources(cpu=3, memory=2347, disk=5431)
    @step
    def end(self):
        """Asks for much; the work itself is small, and leaves a card."""
        self.seen = witness(self)
        self.answer = 42


if __name__ == "__main__":
    MokResourced()
