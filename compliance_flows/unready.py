"""A run that fails before its first step: the code cannot be imported by ``init``."""

import sys

from metaflow import FlowSpec, step
from witness import witness

if "init" in sys.argv:
    raise RuntimeError("planned in init")


class MokUnready(FlowSpec):
    """start, end; neither ever runs."""

    @step
    def start(self):
        """Must never start."""
        self.seen = witness(self)
        self.next(self.end)

    @step
    def end(self):
        """Must never start."""
        self.seen = witness(self)


if __name__ == "__main__":
    MokUnready()
