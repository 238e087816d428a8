"""A foreach whose tasks say when they begin and end, wait to be let go, and fail when told."""

import json
import os
import time
from pathlib import Path

from metaflow import FlowSpec, Parameter, current, step


class Work(FlowSpec):
    folder = Parameter("folder", required=True)
    width = Parameter("width", default=1, type=int)
    hold = Parameter("hold", default=False, type=bool)

    def mark(self, event, item=None):
        line = {
            "step": current.step_name,
            "item": item,
            "attempt": current.retry_count,
            "event": event,
            "at": time.time(),
        }
        file = os.open(f"{self.folder}/marks", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(file, json.dumps(line).encode() + b"\n")
        os.close(file)

    def wait_for(self, name):
        deadline = time.time() + 200
        while self.hold and not Path(self.folder, name).exists():
            assert time.time() < deadline, f"nobody wrote {name}"
            time.sleep(0.05)

    @step
    def start(self):
        self.mark("begin")
        self.items = list(range(self.width))
        self.next(self.body, foreach="items")

    @step
    def body(self):
        self.mark("begin", self.input)
        self.wait_for(f"go{self.input}")
        if Path(self.folder, f"fail{self.input}").exists():
            raise ValueError("told to fail")
        self.item = self.input
        self.mark("end", self.input)
        self.next(self.join)

    @step
    def join(self, inputs):
        assert [one.item for one in inputs] == list(range(self.width))
        self.next(self.end)

    @step
    def end(self):
        self.mark("begin")


if __name__ == "__main__":
    Work()
