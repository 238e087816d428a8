"""A flow with a config that may be large."""

from pathlib import Path

from metaflow import Config, FlowSpec, Parameter, step


class Large(FlowSpec):
    folder = Parameter("folder", required=True)
    blob = Config("blob", default="blob.json")

    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        Path(self.folder, "length").write_text(str(len(self.blob.text)))


if __name__ == "__main__":
    Large()
