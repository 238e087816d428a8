"""Says in which interpreter its steps run, and which release of a package that one has."""

import json
import sys
from importlib.metadata import version
from pathlib import Path

from metaflow import FlowSpec, Parameter, pypi, step

PACKAGE = "inflection"


class Own(FlowSpec):
    folder = Parameter("folder", required=True)

    @pypi(disabled=True)
    @step
    def start(self):
        self.items = [0, 1]
        self.begun_in = sys.executable
        self.next(self.work, foreach="items")

    @pypi(packages={PACKAGE: "0.5.1"})
    @step
    def work(self):
        self.said = [sys.executable, version(PACKAGE), self.begun_in]
        self.next(self.join)

    @pypi(disabled=True)
    @step
    def join(self, inputs):
        said = [one.said for one in inputs]
        (Path(self.folder) / "said").write_text(json.dumps([*said, sys.executable]))
        self.next(self.end)

    @pypi(disabled=True)
    @step
    def end(self):
        pass


if __name__ == "__main__":
    Own()
