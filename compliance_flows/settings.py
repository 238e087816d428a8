"""Configs of every kind, and decorators that depend on them at import time."""

import json
import os
import sys
from pathlib import Path

from metaflow import (
    Config,
    FlowSpec,
    Parameter,
    config_expr,
    environment,
    project,
    secrets,
    step,
)
from metaflow.metaflow_config_funcs import from_conf
from witness import witness

SECRET = {"MOK_SECRET": "pass 'word' ü"}


def parse_pairs(text):
    """The user's own notation, ``a=1;b=2``: anything else is an error, JSON included."""
    pairs = [pair.split("=") for pair in text.split(";")]
    if any(len(pair) != 2 for pair in pairs):
        raise ValueError(f"not in the notation a=1;b=2: {text!r}")
    return {name: int(value) for name, value in pairs}


def beside(name):
    """A file beside the flow. A task finds another one there, as it may on another machine."""
    file = Path(__file__).with_name(name)
    in_a_task = not {"init", "step"}.isdisjoint(sys.argv)
    return str(file.with_stem(f"{file.stem}_elsewhere") if in_a_task else file)


def surroundings(context):
    """Where and with what settings the flow is deployed."""
    return json.dumps(
        {
            "directory": Path.cwd().name,
            "profile": from_conf("MOK_PROFILE"),
            "variable": os.environ.get("MOK_GIVEN"),
        }
    )


@project(name=config_expr("tuning.project"))
class MokSettings(FlowSpec):
    """Every step notes its configs, its variables and the project it believes to be in."""

    tuning = Config("tuning", default_value={"project": "mok_default", "colour": "grey"})
    pairs = Config("pairs", default_value="a=1;b=2", parser=parse_pairs)
    raw = Config("raw", default_value="[not: json", plain=True)
    filed = Config("filed", default=beside("settings_filed.json"))

    surroundings = Parameter("surroundings", type=str, default=surroundings)

    def note(self):
        """What this step sees."""
        self.seen = witness(self)
        self.got = {
            "colour": self.tuning.colour,
            "pairs": dict(self.pairs),
            "raw": self.raw,
            "filed": self.filed.place,
            "MOK_COLOUR": os.environ.get("MOK_COLOUR"),
            "MOK_QUOTED": os.environ.get("MOK_QUOTED"),
            "MOK_SECRET": os.environ.get("MOK_SECRET"),
        }

    @environment(vars={"MOK_COLOUR": config_expr("tuning.colour"), "MOK_QUOTED": "a 'b' \"c\" $d"})
    @step
    def start(self):
        """With variables."""
        self.note()
        self.deployed_in = json.loads(self.surroundings)
        self.next(self.middle)

    @environment(vars={"MOK_COLOUR": config_expr("tuning.colour + '-middle'")})
    @step
    def middle(self):
        """With other variables."""
        self.note()
        self.next(self.end)

    @secrets(sources=[{"type": "inline", "id": "mok", "options": {"env_vars": SECRET}}])
    @step
    def end(self):
        """With a secret, and without variables of its own."""
        self.note()


if __name__ == "__main__":
    MokSettings()
