"""A switch that chooses itself before it goes on: in a chain, and for each item of a foreach."""

from metaflow import FlowSpec, step
from witness import witness


class MokLooping(FlowSpec):
    """loop runs three times; turn once for the first item, twice for the second, and so on."""

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
        self.next({"again": self.loop, "done": self.fan}, condition="case")

    @step
    def fan(self):
        """Gets the last turn, and fans out."""
        self.seen = witness(self)
        self.counted = self.turns
        self.turns = []
        self.items = ["ant", "bee", "cat"]
        self.next(self.turn, foreach="items")

    @step
    def turn(self):
        """As many turns as the item has places before it, and one."""
        self.seen = witness(self)
        self.turns = [*self.turns, [self.index, self.input, self.seen["task_id"]]]
        self.case = "again" if len(self.turns) <= self.index else "done"
        self.next({"again": self.turn, "done": self.settled}, condition="case")

    @step
    def settled(self):
        """The last turn of its item."""
        self.seen = witness(self)
        self.next(self.gather)

    @step
    def gather(self, inputs):
        """One input per item, however many turns it took."""
        self.seen = witness(self)
        self.turns = [one.turns for one in inputs]
        self.next(self.end)

    @step
    def end(self):
        """Last."""
        self.seen = witness(self)


if __name__ == "__main__":
    MokLooping()
