"""A flow that starts when another one of its project and branch has succeeded."""

from metaflow import FlowSpec, current, project, step, trigger_on_finish
from witness import witness


@trigger_on_finish(flow="MokLeader")
@project(name="mok_chain")
class MokFollowing(FlowSpec):
    """start, middle, end; the middle one notes what started the run."""

    @step
    def start(self):
        """First."""
        self.seen = witness(self)
        self.next(self.middle)

    @step
    def middle(self):
        """Neither first nor last."""
        self.seen = witness(self)
        started = current.get("trigger")
        self.kinds = sorted({one.type for one in started.events}) if started else []
        self.leader = started.run.pathspec if started and started.run else None
        self.next(self.end)

    @step
    def end(self):
        """Last."""
        self.seen = witness(self)


if __name__ == "__main__":
    MokFollowing()
