"""Steps that go wrong under @catch: by an exception, after retries, by a process that dies."""

import os

from metaflow import FlowSpec, catch, current, retry, step
from witness import ledger_parameter, witness


def fail(why):
    """Raise; a statement of its own, because a step must end with its transition."""
    raise ValueError(why)


class MokCatching(FlowSpec):
    """A chain, so that each step shows that the one before was caught."""

    ledger = ledger_parameter()

    @step
    def start(self):
        """Nothing goes wrong yet."""
        self.seen = witness(self)
        self.next(self.raised)

    @catch(var="raised_problem", print_exception=False)
    @step
    def raised(self):
        """Raises at once."""
        self.seen = witness(self)
        fail("planned in raised")
        self.next(self.retried)

    @catch(var="retried_problem", print_exception=False)
    @retry(times=2, minutes_between_retries=0)
    @step
    def retried(self):
        """Raises in all of its three attempts."""
        self.seen = witness(self)
        fail(f"planned in attempt {current.retry_count}")
        self.next(self.killed)

    @catch(var="killed_problem", print_exception=False)
    @step
    def killed(self):
        """Dies as an out-of-memory kill does: no exception, nothing stored."""
        self.seen = witness(self)
        os._exit(9)
        self.next(self.end)

    @step
    def end(self):
        """Tells what was caught."""
        self.seen = witness(self)
        self.caught = {
            name: {"type": problem.type, "text": str(problem.exception)} if problem else None
            for name, problem in (
                ("raised", self.raised_problem),
                ("retried", self.retried_problem),
                ("killed", self.killed_problem),
            )
        }


if __name__ == "__main__":
    MokCatching()
