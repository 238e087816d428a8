"""A flow that the clock starts, every minute."""

from metaflow import FlowSpec, Parameter, schedule, step
from witness import witness


@schedule(cron="* * * * *")
class MokScheduled(FlowSpec):
    """start, end."""

    limit = Parameter("limit", default=3)

    @step
    def start(self):
        """First."""
        self.seen = witness(self)
        self.next(self.end)

    @step
    def end(self):
        """Last."""
        self.seen = witness(self)
        self.got = self.limit


if __name__ == "__main__":
    MokScheduled()
