"""A foreach over nothing, which Metaflow calls an error of the step that fans out."""

from metaflow import FlowSpec, step
from witness import ledger_parameter, witness


class MokNothing(FlowSpec):
    """start, body, join, end; only the first runs."""

    ledger = ledger_parameter()

    @step
    def start(self):
        """Fans out over an empty list."""
        self.seen = witness(self)
        self.items = []
        self.next(self.body, foreach="items")

    @step
    def body(self):
        """Must never start."""
        self.seen = witness(self)
        self.next(self.join)

    @step
    def join(self, inputs):
        """Must never start."""
        self.seen = witness(self)
        self.next(self.end)

    @step
    def end(self):
        """Must never start."""
        self.seen = witness(self)


if __name__ == "__main__":
    MokNothing()
