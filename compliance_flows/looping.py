"""A switch that chooses itself twice before it goes on."""

from metaflow import FlowSpec, step
from witness import witness


class MokLooping(FlowSpec):
    """loop runs three times."""

    @step
    def start(self):
        """Nothing counted yet."""
        self.seen = witness(self)
        self.turns = []
        self.next(self.loop)

    @step
    def loop(self):
        """Each turn is a task of its own that gets the task before as its input."""
        self.seen = witness(self)
        self.turns = [*self.turns, self.seen["task_id"]]
        self.case = "again" if len(self.turns) < 3 else "done"
        self.next({"again": self.loop, "done": self.end}, condition="case")

    @step
    def end(self):
        """Gets the last turn."""
        self.seen = witness(self)


if __name__ == "__main__":
    MokLooping()
