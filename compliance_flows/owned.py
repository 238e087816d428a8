"""A flow whose deployment belongs to somebody; it runs until others have tried to take it."""

from metaflow import FlowSpec, Parameter, get_namespace, step
from witness import ledger_parameter, wait_for_release, witness


class MokOwned(FlowSpec):
    """start, hold, end; each notes the namespace that the client uses inside it."""

    ledger = ledger_parameter()
    hold_seconds = Parameter("hold_seconds", default=40.0, help="How long hold waits at most.")

    @step
    def start(self):
        """First."""
        self.seen = witness(self)
        self.client_namespace = get_namespace()
        self.next(self.hold)

    @step
    def hold(self):
        """Goes on until nobody tries to end the run any more."""
        self.seen = witness(self)
        self.client_namespace = get_namespace()
        wait_for_release(self, self.hold_seconds)
        self.next(self.end)

    @step
    def end(self):
        """Last."""
        self.seen = witness(self)
        self.client_namespace = get_namespace()


if __name__ == "__main__":
    MokOwned()
