"""Branches of different length."""

from crash_marks import mark
from metaflow import FlowSpec, Parameter, retry, step


class CrashSplit(FlowSpec):
    folder = Parameter("folder", required=True)

    @retry(times=4, minutes_between_retries=0)
    @step
    def start(self):
        with mark(self.folder):
            self.base = 1
        self.next(self.short, self.long)

    @retry(times=4, minutes_between_retries=0)
    @step
    def short(self):
        with mark(self.folder):
            self.way = self.base + 1
        self.next(self.join)

    @retry(times=4, minutes_between_retries=0)
    @step
    def long(self):
        with mark(self.folder):
            self.half = self.base + 2
        self.next(self.longer)

    @retry(times=4, minutes_between_retries=0)
    @step
    def longer(self):
        with mark(self.folder):
            self.way = self.half * 10
        self.next(self.join)

    @retry(times=4, minutes_between_retries=0)
    @step
    def join(self, inputs):
        with mark(self.folder):
            self.ways = [each.way for each in inputs]
        self.next(self.end)

    @retry(times=4, minutes_between_retries=0)
    @step
    def end(self):
        with mark(self.folder):
            assert sorted(self.ways) == [2, 30]


if __name__ == "__main__":
    CrashSplit()
