"""A step that dies in every one of the five attempts it may have; the sixth is @catch's."""

import os

from metaflow import FlowSpec, catch, retry, step
from witness import ledger_parameter, witness


class MokStubborn(FlowSpec):
    """start, end."""

    ledger = ledger_parameter()

    @catch(var="problem", print_exception=False)
    @retry(times=4, minutes_between_retries=0)
    @step
    def start(self):
        """Dies as an out-of-memory kill does."""
        self.seen = witness(self)
        os._exit(9)
        self.next(self.end)

    @step
    def end(self):
        """Is reached all the same."""
        self.seen = witness(self)
        self.caught = type(self.problem.exception).__name__ if self.problem else None


if __name__ == "__main__":
    MokStubborn()
