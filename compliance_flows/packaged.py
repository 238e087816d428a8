"""Every step notes which code it runs, after the deployer has changed all of it."""

from pathlib import Path

import packaged_words
from metaflow import FlowSpec, step
from witness import witness

WORD = "as deployed"


class MokPackaged(FlowSpec):
    """start, two branches, join, end."""

    def note(self):
        """What this step is made of, and from where."""
        self.seen = witness(self)
        self.code = {"flow": WORD, "helper": packaged_words.WORD}
        self.files = {
            "flow": str(Path(__file__).resolve()),
            "helper": str(Path(packaged_words.__file__).resolve()),
        }

    @step
    def start(self):
        """The first."""
        self.note()
        self.next(self.left, self.right)

    @step
    def left(self):
        """May run on another host."""
        self.note()
        self.next(self.join)

    @step
    def right(self):
        """May run on another host."""
        self.note()
        self.next(self.join)

    @step
    def join(self, inputs):
        """After both."""
        self.note()
        self.next(self.end)

    @step
    def end(self):
        """The last."""
        self.note()


if __name__ == "__main__":
    MokPackaged()
