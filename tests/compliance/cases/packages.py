"""Observations of a flow that was edited after it was deployed: right ones, and broken ones."""

from __future__ import annotations

from made import Broken, artifact, extra, observed, overall, task, without

from metaflow_orchestrator_kit.compliance.model import Failure, Observation

_FOLDER = "/home/me/flow"
_CODE = {"flow": "as deployed", "helper": "as deployed"}
_FILES = {"flow": "/worker/code/packaged.py", "helper": "/worker/code/packaged_words.py"}
_EDITED = {"flow": "as edited", "helper": "as edited"}
_IN_PLACE = {"flow": f"{_FOLDER}/packaged.py", "helper": f"{_FOLDER}/packaged_words.py"}


def packaged() -> Observation:
    """A right one."""
    tasks = [
        task(step, artifacts={"code": _CODE, "files": _FILES})
        for step in ("start", "left", "right", "join", "end")
    ]
    files = ["packaged.py", "packaged_words.py"]
    code = {"result": {"flow": "as deployed", "files": files}}
    return observed(*tasks, extra={"folder": _FOLDER, "code": code})


_RUNS, _MODULES, _CLIENT = (
    "package-runs-what-was-deployed",
    "package-brings-modules",
    "package-for-client",
)

BROKEN_PACKAGES: tuple[Broken, ...] = (
    Broken(_RUNS, "edited", artifact("join", "code", _EDITED), "the flow that 'join' ran"),
    Broken(_RUNS, "in place", artifact("left", "files", _IN_PLACE), "in the deployer's folder"),
    Broken(_RUNS, "a step is missing", without("right"), "number of tasks of step 'right'"),
    Broken(_RUNS, "red", overall(final_status="FAILED"), "final status"),
    Broken(_MODULES, "edited", artifact("end", "code", _EDITED), "the helper that 'end' ran"),
    Broken(_MODULES, "in place", artifact("end", "files", _IN_PLACE), "in the deployer's folder"),
    Broken(
        _MODULES,
        "not there",
        overall(error=Failure("read", "MetaflowNotFound", "the run does not exist")),
        "read: the run does not exist",
    ),
    Broken(_CLIENT, "none", extra("code", {"result": {"flow": None, "files": []}}), "Run.code"),
    Broken(_CLIENT, "an error", extra("code", {"error": "KeyError"}), "KeyError"),
    Broken(
        _CLIENT,
        "the flow alone",
        extra("code", {"result": {"flow": "as deployed", "files": ["packaged.py"]}}),
        "packaged_words.py",
    ),
)
