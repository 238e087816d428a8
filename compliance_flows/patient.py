"""A flow whose first step fails once, and is to be left alone for a minute then."""

from metaflow import FlowSpec, current, retry, step
from witness import witness


class MokPatient(FlowSpec):
    """start, end."""

    @retry(times=1, minutes_between_retries=1)
    @step
    def start(self):
        """Fails at the first attempt, as a service does that needs its time to come back."""
        self.seen = witness(self)
        if current.retry_count == 0:
            raise RuntimeError("not yet")
        self.next(self.end)

    @step
    def end(self):
        """Last."""
        self.seen = witness(self)


if __name__ == "__main__":
    MokPatient()
