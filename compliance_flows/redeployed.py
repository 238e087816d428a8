"""A chain that is deployed anew, with another word in it, while a run of it goes on."""

from metaflow import FlowSpec, step
from witness import ledger_parameter, wait_for_release, witness

WORD = "first"


class MokRedeployed(FlowSpec):
    """start, end; the first one waits to be released."""

    ledger = ledger_parameter()

    @step
    def start(self):
        """Waits while the flow is deployed anew."""
        self.seen = witness(self)
        self.released = wait_for_release(self, 60.0)
        self.next(self.end)

    @step
    def end(self):
        """Notes the word of the code that it is."""
        self.seen = witness(self)
        self.word = WORD


if __name__ == "__main__":
    MokRedeployed()
