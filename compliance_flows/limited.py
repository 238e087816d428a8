"""A foreach of six, each of which takes a second: something to limit."""

import time

from metaflow import FlowSpec, step
from witness import witness


class MokLimited(FlowSpec):
    """start, work six times, join, end."""

    @step
    def start(self):
        """Fans out."""
        self.seen = witness(self)
        self.items = list(range(6))
        self.next(self.work, foreach="items")

    @step
    def work(self):
        """Notes from when to when it has worked."""
        self.seen = witness(self)
        self.began = time.time()
        time.sleep(1.0)
        self.ended = time.time()
        self.next(self.join)

    @step
    def join(self, inputs):
        """All six are there."""
        self.seen = witness(self)
        self.next(self.end)

    @step
    def end(self):
        """Last."""
        self.seen = witness(self)


if __name__ == "__main__":
    MokLimited()
