"""A run that fails in its middle step."""

import sys

from metaflow import FlowSpec, step
from witness import ledger_parameter, witness


def fail():
    """Raise; a statement of its own, because a step must end with its transition."""
    raise ValueError("planned in broken")


class MokFailing(FlowSpec):
    """start, broken, end; the last never runs, unless decorators given at deploy help."""

    ledger = ledger_parameter()

    @step
    def start(self):
        """Nothing goes wrong yet."""
        self.seen = witness(self)
        self.next(self.broken)

    @step
    def broken(self):
        """Prints, then raises, in every attempt."""
        self.seen = witness(self)
        print("mok-out: last words")
        print("mok-err: last words", file=sys.stderr)
        fail()
        self.next(self.end)

    @step
    def end(self):
        """Runs only when something caught the failure."""
        self.seen = witness(self)
        problem = getattr(self, "problem", None)
        self.caught = problem.type if problem else None


if __name__ == "__main__":
    MokFailing()
