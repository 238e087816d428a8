"""Every kind of step fails before it succeeds: entry, foreach, each item by its index, join.

One more fails after it has succeeded: its process dies once the result is stored.
"""

import atexit
import os
import signal

from metaflow import FlowSpec, current, retry, step
from witness import ledger_parameter, witness


def die(flow):
    """End this process as the machine under it would."""
    try:
        witness(flow, "dying")
    finally:
        os.kill(os.getpid(), signal.SIGKILL)


class MokRetrying(FlowSpec):
    """A step raises until the attempt it waits for."""

    ledger = ledger_parameter()

    def fail_before(self, attempt):
        """Raise in every attempt before that one."""
        if current.retry_count < attempt:
            raise RuntimeError(f"planned failure of attempt {current.retry_count}")

    @retry(times=1, minutes_between_retries=0)
    @step
    def start(self):
        """The entry step: its retry must not set the run up again."""
        self.seen = witness(self)
        self.fail_before(1)
        self.next(self.fan)

    @retry(times=1, minutes_between_retries=0)
    @step
    def fan(self):
        """Fails once before there is any width to read."""
        self.seen = witness(self)
        self.fail_before(1)
        self.items = [0, 1, 2]
        self.next(self.work, foreach="items")

    @retry(times=2, minutes_between_retries=0)
    @step
    def work(self):
        """Item n succeeds in attempt n: attempts are counted per task."""
        self.seen = witness(self)
        self.fail_before(self.input)
        self.done = [self.input, current.retry_count]
        self.next(self.join)

    @retry(times=1, minutes_between_retries=0)
    @step
    def join(self, inputs):
        """Fails once with all its inputs there."""
        self.seen = witness(self)
        print(f"mok-out: attempt {current.retry_count}")
        self.fail_before(1)
        self.joined = [branch.done for branch in inputs]
        self.next(self.late)

    @retry(times=1, minutes_between_retries=0)
    @step
    def late(self):
        """Dies while its process ends: Metaflow has stored the result, nobody has heard of it."""
        self.seen = witness(self)
        self.result_of = current.retry_count
        if current.retry_count == 0:
            atexit.register(die, self)
        self.next(self.end)

    @step
    def end(self):
        """No @retry here: one attempt."""
        self.seen = witness(self)


if __name__ == "__main__":
    MokRetrying()
