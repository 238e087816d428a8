"""A run whose last step fails: everything before it has succeeded."""

from metaflow import FlowSpec, step
from witness import ledger_parameter, witness


class MokFaltering(FlowSpec):
    """start, end."""

    ledger = ledger_parameter()

    @step
    def start(self):
        """Nothing goes wrong yet."""
        self.seen = witness(self)
        self.next(self.end)

    @step
    def end(self):
        """Fails where nothing comes after it that could be missed."""
        self.seen = witness(self)
        raise ValueError("planned in end")


if __name__ == "__main__":
    MokFaltering()
