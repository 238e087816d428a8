"""A flow of a @project, with parameters that a found deployment must still know."""

from metaflow import FlowSpec, JSONType, Parameter, project, step
from witness import witness


@project(name="mok_brand")
class MokBranded(FlowSpec):
    """Every step notes the branch that it runs in."""

    alpha = Parameter("alpha", default=1)
    spec = Parameter("spec", type=JSONType, default={})
    my_word = Parameter("my-Word", default="dashed")

    @step
    def start(self):
        """First."""
        self.seen = witness(self)
        self.got = {"alpha": self.alpha, "spec": self.spec, "my_word": self.my_word}
        self.next(self.middle)

    @step
    def middle(self):
        """Neither first nor last."""
        self.seen = witness(self)
        self.next(self.end)

    @step
    def end(self):
        """Last."""
        self.seen = witness(self)


if __name__ == "__main__":
    MokBranded()
