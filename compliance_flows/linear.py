"""A chain whose middle step is still running when trigger() must have returned."""

import sys

from metaflow import FlowSpec, Parameter, step
from witness import client_sees, ledger_parameter, wait_for_release, witness


class MokLinear(FlowSpec):
    """start, hold, end."""

    ledger = ledger_parameter()
    hold_seconds = Parameter("hold_seconds", default=20.0, help="How long hold waits at most.")

    @step
    def start(self):
        """Opens the trail that every later step extends."""
        self.seen = witness(self)
        self.trail = [self.seen["step"]]
        self.next(self.hold)

    @step
    def hold(self):
        """Prints, looks at itself through the client, waits to be released."""
        self.seen = witness(self)
        self.trail = [*self.trail, self.seen["step"]]
        print("mok-out: grün 東京")
        print("mok-err: rot", file=sys.stderr)
        self.client = client_sees()
        self.released = wait_for_release(self, self.hold_seconds)
        self.next(self.end)

    @step
    def end(self):
        """Closes the trail."""
        self.seen = witness(self)
        self.trail = [*self.trail, self.seen["step"]]


if __name__ == "__main__":
    MokLinear()
