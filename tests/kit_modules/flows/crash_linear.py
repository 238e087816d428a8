"""Steps in a row, one of which fails the first time."""

from crash_marks import mark
from metaflow import FlowSpec, Parameter, current, retry, step


class CrashLinear(FlowSpec):
    folder = Parameter("folder", required=True)

    @retry(times=4, minutes_between_retries=0)
    @step
    def start(self):
        with mark(self.folder):
            self.trail = ["start"]
        self.next(self.flaky)

    @retry(times=4, minutes_between_retries=0)
    @step
    def flaky(self):
        with mark(self.folder):
            assert current.retry_count >= 1, "the first time fails"
            self.trail = [*self.trail, "flaky"]
        self.next(self.end)

    @retry(times=4, minutes_between_retries=0)
    @step
    def end(self):
        with mark(self.folder):
            self.trail = [*self.trail, "end"]


if __name__ == "__main__":
    CrashLinear()
