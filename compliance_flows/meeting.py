"""Two branches, each of which waits for the other one to be at work."""

import time

from metaflow import FlowSpec, step
from witness import ledger_parameter, wait_for_record, witness


class MokMeeting(FlowSpec):
    """start, one and other, join, end."""

    ledger = ledger_parameter()

    def work_until_joined(self, partner):
        """Work until the other branch does, at most 20 s, and note from when to when.

        Where no record can be read the whole time is taken, and the spans tell.
        """
        self.began = time.time()
        wait_for_record(self, f"{partner}-*", 20)
        self.ended = time.time()

    @step
    def start(self):
        """Splits."""
        self.seen = witness(self)
        self.next(self.one, self.other)

    @step
    def one(self):
        """The one branch."""
        self.seen = witness(self)
        self.work_until_joined("other")
        self.next(self.join)

    @step
    def other(self):
        """The other branch."""
        self.seen = witness(self)
        self.work_until_joined("one")
        self.next(self.join)

    @step
    def join(self, inputs):
        """Both are done."""
        self.seen = witness(self)
        self.next(self.end)

    @step
    def end(self):
        """Last."""
        self.seen = witness(self)


if __name__ == "__main__":
    MokMeeting()
