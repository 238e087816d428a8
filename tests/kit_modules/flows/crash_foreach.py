"""A foreach inside a foreach."""

from crash_marks import mark
from metaflow import FlowSpec, Parameter, retry, step


class CrashForeach(FlowSpec):
    folder = Parameter("folder", required=True)

    @retry(times=4, minutes_between_retries=0)
    @step
    def start(self):
        with mark(self.folder):
            self.rows = ["a", "b"]
        self.next(self.row, foreach="rows")

    @retry(times=4, minutes_between_retries=0)
    @step
    def row(self):
        with mark(self.folder):
            self.letter = self.input
            self.cells = [1, 2, 3]
        self.next(self.cell, foreach="cells")

    @retry(times=4, minutes_between_retries=0)
    @step
    def cell(self):
        with mark(self.folder):
            self.value = f"{self.letter}{self.input}"
        self.next(self.gather)

    @retry(times=4, minutes_between_retries=0)
    @step
    def gather(self, inputs):
        with mark(self.folder):
            self.values = [each.value for each in inputs]
        self.next(self.join)

    @retry(times=4, minutes_between_retries=0)
    @step
    def join(self, inputs):
        with mark(self.folder):
            self.table = [each.values for each in inputs]
        self.next(self.end)

    @retry(times=4, minutes_between_retries=0)
    @step
    def end(self):
        with mark(self.folder):
            assert self.table == [["a1", "a2", "a3"], ["b1", "b2", "b3"]]


if __name__ == "__main__":
    CrashForeach()
