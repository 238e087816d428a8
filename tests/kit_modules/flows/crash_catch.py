"""A step that always fails, and is caught."""

from crash_marks import mark
from metaflow import FlowSpec, Parameter, catch, retry, step


class CrashCatch(FlowSpec):
    folder = Parameter("folder", required=True)

    @retry(times=4, minutes_between_retries=0)
    @step
    def start(self):
        with mark(self.folder):
            self.items = [0, 1]
        self.next(self.hopeless, foreach="items")

    @catch(var="trouble", print_exception=False)
    @retry(times=3, minutes_between_retries=0)
    @step
    def hopeless(self):
        with mark(self.folder):
            self.result = 1 // self.input
        self.next(self.join)

    @retry(times=4, minutes_between_retries=0)
    @step
    def join(self, inputs):
        with mark(self.folder):
            self.caught = [bool(each.trouble) for each in inputs]
        self.next(self.end)

    @retry(times=4, minutes_between_retries=0)
    @step
    def end(self):
        with mark(self.folder):
            assert self.caught == [True, False]


if __name__ == "__main__":
    CrashCatch()
