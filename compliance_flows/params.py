"""Parameters of every type, with defaults of every kind; start copies what it got."""

import sys
from pathlib import Path

from metaflow import FlowSpec, IncludeFile, JSONType, Parameter, step
from witness import witness


def deploy_stamp(context):
    """A default that says for which flow, and in which command, it was computed."""
    command = "create" if "create" in sys.argv else "another command"
    return f"{context.flow_name} in {command}"


class MokParams(FlowSpec):
    """start, end."""

    text = Parameter("text", default="plain")
    quotes = Parameter("quotes", default="")
    dollar = Parameter("dollar", default="$HOME")
    backtick = Parameter("backtick", default="")
    lines = Parameter("lines", default="")
    foreign = Parameter("foreign", default="ß")
    braces = Parameter("braces", default="{{x}} ${y} \"q'")
    json_text = Parameter("json_text", default="")
    padded = Parameter("padded", default="")
    my_word = Parameter("my-Word", default="dashed")
    LOUD = Parameter("LOUD", default="quiet")
    count = Parameter("count", default=3)
    ratio = Parameter("ratio", default=0.5)
    flag = Parameter("flag", type=bool, default=True)
    off = Parameter("off", type=bool, default=False)
    nothing = Parameter("nothing", type=str, default=None)
    spec = Parameter("spec", type=JSONType, default={"a": [1, None, "b"]})
    parts = Parameter("parts", separator=",", default="x,y")
    stamp = Parameter("stamp", type=str, default=deploy_stamp)
    doc = IncludeFile("doc", default=str(Path(__file__).with_name("params_doc.txt")))
    absent = IncludeFile("absent", required=False)

    @step
    def start(self):
        """Copies the values: artifacts of the task that used them."""
        self.seen = witness(self)
        names = (
            "text quotes dollar backtick lines foreign braces json_text padded my_word LOUD count "
            "ratio flag off nothing spec parts stamp doc absent"
        )
        self.got = {name: getattr(self, name) for name in names.split()}
        self.next(self.end)

    @step
    def end(self):
        """Sees the same values as start did."""
        self.seen = witness(self)
        self.same = {name: getattr(self, name) for name in self.got} == self.got


if __name__ == "__main__":
    MokParams()
