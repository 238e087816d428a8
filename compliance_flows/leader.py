"""The flow that another one waits for; told apart from others of its name by its branch."""

from metaflow import FlowSpec, Parameter, project, step
from witness import witness


@project(name="mok_chain")
class MokLeader(FlowSpec):
    """start, end; fails in start when it is told to."""

    fail = Parameter("fail", type=bool, default=False)

    @step
    def start(self):
        """Fails, or not."""
        self.seen = witness(self)
        if self.fail:
            raise ValueError("planned in start")
        self.next(self.end)

    @step
    def end(self):
        """Last; its success is what the other flow waits for."""
        self.seen = witness(self)


if __name__ == "__main__":
    MokLeader()
