"""Steps under the interpreter of a uv project, whose lock is made beside this file."""

from metaflow import FlowSpec, current, retry, step
from witness import installed, ledger_parameter, witness

PACKAGE = "iniconfig"


def fail():
    """Raise; a statement of its own, because a step must end with its transition."""
    raise ValueError("planned in built")


class MokLocked(FlowSpec):
    """start, built, end; the middle one is tried twice."""

    ledger = ledger_parameter()

    @step
    def start(self):
        """Is of the same project."""
        self.seen = witness(self)
        self.version = installed(PACKAGE)
        self.next(self.built)

    @retry(times=1, minutes_between_retries=0)
    @step
    def built(self):
        """Tells which version its interpreter has, in both attempts."""
        self.version = installed(PACKAGE)
        self.seen = witness(self, event=self.version)
        if current.retry_count == 0:
            fail()
        self.next(self.end)

    @step
    def end(self):
        """Is of the same project."""
        self.seen = witness(self)
        self.version = installed(PACKAGE)


if __name__ == "__main__":
    MokLocked()
