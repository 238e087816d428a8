"""A flow with exit hooks: one takes the run, one raises, others come after; for both outcomes."""

import json
import os
import sys
import time
from pathlib import Path

from metaflow import FlowSpec, Parameter, Run, exit_hook, namespace, step
from witness import ledger_parameter, witness


def record(hook, **facts):
    """Note a call in the ledger of the run, whose pathspec is the hook script's last argument."""
    namespace(None)
    run = Run(sys.argv[-1])
    folder = Path(run["_parameters"].task["ledger"].data or "/nowhere")
    if folder.is_dir():
        entry = {"hook": hook, "time": time.time(), "successful": run.successful, **facts}
        with (folder / f"hook-{hook}-{os.getpid()}.jsonl").open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(entry) + "\n")


def told_run(run):
    """Success, with the run."""
    record("told_run", pathspec=getattr(run, "pathspec", repr(run)))


def told_badly():
    """Success; raises, which is nobody's concern."""
    record("told_badly")
    raise ValueError("planned in told_badly")


def told_next():
    """Success; comes after the one that raises."""
    record("told_next")


def told_elsewhere():
    """Success; of another decorator."""
    record("told_elsewhere")


def warned_run(run):
    """Failure, with the run."""
    record("warned_run", pathspec=getattr(run, "pathspec", repr(run)))


def warned_badly():
    """Failure; raises, which is nobody's concern."""
    record("warned_badly")
    raise ValueError("planned in warned_badly")


def warned_next():
    """Failure; comes after the one that raises."""
    record("warned_next")


def warned_elsewhere():
    """Failure; of another decorator."""
    record("warned_elsewhere")


@exit_hook(on_success=[told_elsewhere], on_error=[warned_elsewhere])
@exit_hook(
    on_success=[told_run, told_badly, told_next],
    on_error=[warned_run, warned_badly, warned_next],
)
class MokHooked(FlowSpec):
    """start, end; fails in start when it is told to."""

    ledger = ledger_parameter()
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
        """Last."""
        self.seen = witness(self)


if __name__ == "__main__":
    MokHooked()
