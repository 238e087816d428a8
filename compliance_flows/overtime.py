"""A step that takes too long and has nothing but @timeout: the run fails there."""

import time

from metaflow import FlowSpec, step, timeout
from witness import ledger_parameter, witness


class MokOvertime(FlowSpec):
    """start, slow, end; the last never runs."""

    ledger = ledger_parameter()

    @step
    def start(self):
        """In time."""
        self.seen = witness(self)
        self.next(self.slow)

    @timeout(seconds=2)
    @step
    def slow(self):
        """Too late."""
        self.seen = witness(self)
        time.sleep(25)
        self.next(self.end)

    @step
    def end(self):
        """Must never start."""
        self.seen = witness(self)


if __name__ == "__main__":
    MokOvertime()
