"""A flow that an event starts; the name of the event has the name of the flow in it."""

from metaflow import FlowSpec, Parameter, current, step, trigger
from witness import witness


@trigger(event={"name": "mok.MokEvented", "parameters": {"word": "said"}})
class MokEvented(FlowSpec):
    """start, middle, end; the middle one notes what started the run."""

    word = Parameter("word", default="plain")

    @step
    def start(self):
        """First."""
        self.seen = witness(self)
        self.got = self.word
        self.next(self.middle)

    @step
    def middle(self):
        """Neither first nor last."""
        self.seen = witness(self)
        started = current.get("trigger")
        self.started = [[one.name, one.type] for one in started.events] if started else []
        self.next(self.end)

    @step
    def end(self):
        """Last."""
        self.seen = witness(self)


if __name__ == "__main__":
    MokEvented()
