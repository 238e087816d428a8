"""A flow of one step, which is its first and its last."""

from metaflow import FlowSpec, step
from witness import witness


class MokSingle(FlowSpec):
    """only."""

    @step(start=True, end=True)
    def only(self):
        """The whole flow."""
        self.seen = witness(self)
        self.answer = 42


if __name__ == "__main__":
    MokSingle()
