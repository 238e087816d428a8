"""Two tasks that work for minutes, each with a child process: something to terminate."""

import subprocess
import sys
import time

from metaflow import FlowSpec, Parameter, step
from witness import ledger_parameter, witness


class MokTerminable(FlowSpec):
    """start, work twice, join, end; the last two never run."""

    ledger = ledger_parameter()
    seconds = Parameter("seconds", default=90.0, help="How long a task works.")

    @step
    def start(self):
        """Fans out."""
        self.seen = witness(self)
        self.items = [0, 1]
        self.next(self.work, foreach="items")

    @step
    def work(self):
        """Waits for a child, as steps do that call other programs."""
        self.seen = witness(self, event="holding")
        child = subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({self.seconds})"])
        time.sleep(self.seconds)
        child.wait()
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
    MokTerminable()
