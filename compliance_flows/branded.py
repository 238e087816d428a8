"""A flow of a @project, with parameters that a found deployment must still know."""

from metaflow import FlowSpec, JSONType, Parameter, project, step
from witness import witness

EDITED = False


@project(name="mok_brand")
class MokBranded(FlowSpec):
    """Every step notes the branch that it runs in."""

    alpha = Parameter("alpha", default=1)
    spec = Parameter("spec", type=JSONType, default={})
    # A plain name: hyphens are the flow 'params' business, and would fail every case here as well.
    my_word = Parameter("my_word", default="plain")

    @step
    def start(self):
        """First."""
        self.seen = witness(self)
        self.edited = EDITED
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
        self.edited = [self.edited, EDITED]


if __name__ == "__main__":
    MokBranded()
