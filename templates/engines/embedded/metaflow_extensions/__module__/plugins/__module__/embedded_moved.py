"""What a run needs that another machine has driven, or deployed, before (clauses I3, L6).

The machines share Metaflow's datastore, and no folder besides.
"""

from __future__ import annotations

from pathlib import Path

from .embedded_records import RunRecord
from .plan import Plan, RunRequest
from .walk import Finished, Launch

# Imported inside: the datastore brings Metaflow along, and most runs never move.


def code_of(run: RunRecord, home: Path) -> Path:
    """The code of a run on this machine: where it was deployed, or fetched from the datastore.

    Args:
        run: the run.
        home: the folder of the scheduler on this machine.
    """
    if run.code.is_dir():
        return run.code
    from .depot import lay_out

    return lay_out(run.plan, home / "code")


def finished_elsewhere(plan: Plan, run: RunRequest, launch: Launch) -> Finished | None:
    """The end of an attempt that had come to it on a machine that could not take note of it.

    Returns:
        None when it has to be made again.
    """
    from .depot import finished_before

    return finished_before(plan, run, launch)
