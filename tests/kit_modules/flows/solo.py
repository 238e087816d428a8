"""One step that talks, and then does as it is told."""

import subprocess
import sys
import time
from pathlib import Path

from metaflow import FlowSpec, Parameter, current, step


class Solo(FlowSpec):
    folder = Parameter("folder", required=True)
    hold = Parameter("hold", default=False, type=bool)
    fail = Parameter("fail", default=False, type=bool)
    child = Parameter("child", default=False, type=bool)

    @step
    def only(self):
        print("said by only")
        print("complained by only", file=sys.stderr)
        if self.child:
            subprocess.Popen(["sleep", "600"])
        folder = Path(self.folder)
        with (folder / "begun").open("a") as file:
            file.write(f"{current.retry_count}\n")
        deadline = time.time() + 200
        while self.hold and not (folder / "go").exists():
            assert time.time() < deadline, "nobody wrote go"
            time.sleep(0.05)
        if self.fail:
            raise ValueError("told to fail")


if __name__ == "__main__":
    Solo()
