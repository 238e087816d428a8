"""A step with packages of its own, by @pypi, between two without."""

from metaflow import FlowSpec, current, pypi, retry, step
from witness import installed, ledger_parameter, witness

PACKAGE = "iniconfig"


def fail():
    """Raise; a statement of its own, because a step must end with its transition."""
    raise ValueError("planned in built")


class MokIsolated(FlowSpec):
    """start, built, end; the middle one is tried twice."""

    ledger = ledger_parameter()

    @pypi(disabled=True)
    @step
    def start(self):
        """Has the worker's interpreter."""
        self.seen = witness(self)
        self.version = installed(PACKAGE)
        self.next(self.built)

    @pypi(packages={PACKAGE: "1.1.1"})
    @retry(times=1, minutes_between_retries=0)
    @step
    def built(self):
        """Tells which version its interpreter has, in both attempts."""
        self.version = installed(PACKAGE)
        self.seen = witness(self, event=self.version)
        if current.retry_count == 0:
            fail()
        self.next(self.end)

    @pypi(disabled=True)
    @step
    def end(self):
        """Has the worker's interpreter."""
        self.seen = witness(self)
        self.version = installed(PACKAGE)


if __name__ == "__main__":
    MokIsolated()
