"""A run that fails in one of three items, until the flow is mended: something to resume."""

from metaflow import FlowSpec, Parameter, step
from witness import ledger_parameter, witness

MENDED = False


class MokResumable(FlowSpec):
    """start, work three times, join, end."""

    ledger = ledger_parameter()
    word = Parameter("word", default="plain")

    @step
    def start(self):
        """Fans out."""
        self.seen = witness(self)
        self.items = ["ant", "bee", "cat"]
        self.next(self.work, foreach="items")

    @step
    def work(self):
        """Fails for one item."""
        self.seen = witness(self)
        if self.input == "bee" and not MENDED:
            raise ValueError("planned in work")
        self.done = [self.index, self.input, self.word]
        self.next(self.join)

    @step
    def join(self, inputs):
        """Is reached by a resumed run only."""
        self.seen = witness(self)
        self.joined = [one.done for one in inputs]
        self.next(self.end)

    @step
    def end(self):
        """Knows the parameter of the run that was started first."""
        self.seen = witness(self)
        self.got = self.word


if __name__ == "__main__":
    MokResumable()
