"""A step whose own child process leaves its group, and would outlive it."""

import os
import subprocess
import sys
import time
from pathlib import Path

from metaflow import FlowSpec, Parameter, step

CHILD = "import time; time.sleep(200)"


class Parent(FlowSpec):
    folder = Parameter("folder", required=True)
    hold = Parameter("hold", default=False, type=bool)

    @step
    def start(self):
        child = subprocess.Popen([sys.executable, "-c", CHILD], start_new_session=True)
        with Path(self.folder, "children").open("a") as file:
            file.write(f"{child.pid}\n")
        Path(self.folder, "begun").touch()
        deadline = time.time() + 200
        while self.hold and not Path(self.folder, "go").exists():
            assert time.time() < deadline, "nobody wrote go"
            time.sleep(0.05)
        self.pid = os.getpid()
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    Parent()
