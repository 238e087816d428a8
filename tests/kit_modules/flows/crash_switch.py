"""A loop that is left after three rounds, by a switch."""

from crash_marks import mark
from metaflow import FlowSpec, Parameter, retry, step


class CrashSwitch(FlowSpec):
    folder = Parameter("folder", required=True)

    @retry(times=4, minutes_between_retries=0)
    @step
    def start(self):
        with mark(self.folder):
            self.rounds = 0
        self.next(self.again)

    @retry(times=4, minutes_between_retries=0)
    @step
    def again(self):
        with mark(self.folder):
            self.rounds += 1
            self.way = "on" if self.rounds < 3 else "out"
        self.next({"on": self.again, "out": self.out}, condition="way")

    @retry(times=4, minutes_between_retries=0)
    @step
    def out(self):
        with mark(self.folder):
            self.left_after = self.rounds
        self.next(self.end)

    @retry(times=4, minutes_between_retries=0)
    @step
    def end(self):
        with mark(self.folder):
            assert self.left_after == 3


if __name__ == "__main__":
    CrashSwitch()
