"""Steps that take too long, with @catch and with @retry: @timeout must end them, every time."""

import time

from metaflow import FlowSpec, catch, current, retry, step, timeout
from witness import ledger_parameter, witness

TOO_LONG = 25


class MokTiming(FlowSpec):
    """A chain; every step would sleep far beyond its limit."""

    ledger = ledger_parameter()

    @step
    def start(self):
        """In time."""
        self.seen = witness(self)
        self.next(self.caught)

    @catch(var="caught_problem", print_exception=False)
    @timeout(seconds=2)
    @step
    def caught(self):
        """Too late, and caught."""
        self.seen = witness(self)
        time.sleep(TOO_LONG)
        self.next(self.retried)

    @catch(var="retried_problem", print_exception=False)
    @timeout(seconds=2)
    @retry(times=1, minutes_between_retries=0)
    @step
    def retried(self):
        """Too late in both attempts, then caught."""
        self.seen = witness(self)
        time.sleep(TOO_LONG)
        self.next(self.recovered)

    @timeout(seconds=2)
    @retry(times=1, minutes_between_retries=0)
    @step
    def recovered(self):
        """Too late in its first attempt only."""
        self.seen = witness(self)
        if current.retry_count == 0:
            time.sleep(TOO_LONG)
        self.next(self.end)

    @step
    def end(self):
        """Tells what was caught."""
        self.seen = witness(self)
        self.caught = {
            name: problem.type if problem else None
            for name, problem in (
                ("caught", self.caught_problem),
                ("retried", self.retried_problem),
            )
        }


if __name__ == "__main__":
    MokTiming()
