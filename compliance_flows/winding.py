"""Switches in harder places: one that fails before it chooses, cases that fan out."""

from metaflow import FlowSpec, current, retry, step
from witness import ledger_parameter, witness


class MokWinding(FlowSpec):
    """start, then a foreach as a case, then a split as a case; the other cases never run."""

    ledger = ledger_parameter()

    @retry(times=1, minutes_between_retries=0)
    @step
    def start(self):
        """Fails before it has chosen anything, and chooses in its second attempt."""
        self.seen = witness(self)
        if current.retry_count == 0:
            raise RuntimeError("planned failure of attempt 0")
        self.case = "many"
        self.next({"none": self.never_none, "many": self.many}, condition="case")

    @step
    def never_none(self):
        """Must not run."""
        self.next(self.parting)

    @step
    def many(self):
        """A case that is a foreach."""
        self.seen = witness(self)
        self.items = ["ant", "bee", "cat"]
        self.next(self.each, foreach="items")

    @step
    def each(self):
        """Once per item."""
        self.seen = witness(self)
        self.got = [self.index, self.input]
        self.next(self.gather)

    @step
    def gather(self, inputs):
        """Where the case ends."""
        self.seen = witness(self)
        self.gathered = [one.got for one in inputs]
        self.next(self.parting)

    @step
    def parting(self):
        """Merges, and is a switch again."""
        self.seen = witness(self)
        self.case = "two"
        self.next({"two": self.fork, "none": self.never_one}, condition="case")

    @step
    def never_one(self):
        """Must not run."""
        self.next(self.end)

    @step
    def fork(self):
        """A case that is a split."""
        self.seen = witness(self)
        self.next(self.left, self.right)

    @step
    def left(self):
        """One half."""
        self.seen = witness(self)
        self.next(self.meet)

    @step
    def right(self):
        """The other half."""
        self.seen = witness(self)
        self.next(self.meet)

    @step
    def meet(self, inputs):
        """Both halves, and the items from before."""
        self.seen = witness(self)
        self.met = sorted(half.seen["step"] for half in inputs)
        self.gathered = inputs[0].gathered
        self.next(self.end)

    @step
    def end(self):
        """Merges the cases of the second switch."""
        self.seen = witness(self)
        self.all = [self.gathered, self.met]


if __name__ == "__main__":
    MokWinding()
