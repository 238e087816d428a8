"""Broken observations of what deployments answer, and of runs beside each other."""

from __future__ import annotations

from dataclasses import replace

from made import (
    Broken,
    Change,
    artifact,
    entry,
    extra,
    of_run,
    overall,
    plus,
    record,
    task,
    without,
)

from metaflow_orchestrator_kit.compliance.model import Failure, Observation

_OTHER = {"error": "AttributeError", "message": "'NoneType' object has no attribute 'id'"}
_OBSCURE = {"error": "RuntimeError", "message": "Deadline exceeded."}
_CUT = {"result": {"name": "mok-long", "flow_name": "MokLong"}}
_SAME = {"result": {"pathspec": "MokFlow/sched-7f", "successful": True, "tasks": ["only 1"]}}


def _answered(which: str, key: str, value: object) -> Change:
    def change(seen: Observation) -> Observation:
        assert seen.deployment is not None
        given = {**getattr(seen.deployment, which), key: value}
        return replace(seen, deployment=replace(seen.deployment, **{which: given}))

    return change


def _of_runs(number: int, **fields: object) -> Change:
    def change(seen: Observation) -> Observation:
        runs = list(seen.extra["runs"])
        runs[number] = {"result": {**runs[number]["result"], **fields}}
        return extra("runs", runs)(seen)

    return change


BROKEN_DEPLOYMENTS: tuple[Broken, ...] = (
    Broken("linear-attribute-files", "no name", _answered("attributes", "name", None), "of create"),
    Broken(
        "linear-attribute-files",
        "no pathspec",
        _answered("trigger_attributes", "pathspec", None),
        "of trigger",
    ),
    Broken(
        "linear-attribute-files",
        "metadata {}",
        _answered("trigger_attributes", "metadata", "{}"),
        "metadata in the attribute file of trigger",
    ),
    Broken("branch-of-production", "a test", record("end", "production", False), "in 'end'"),
    Broken("branch-of-production", "dropped", record("start", "branch", "test.feature_y"), "start"),
    Broken("found-without-flow-file", "in place", without("middle"), "own file"),
    Broken("found-without-flow-file", "still there", extra("flow_folder", True), "folder of the"),
    Broken(
        "found-without-working-directory",
        "gone to",
        overall(error=Failure("trigger", "FileNotFoundError", "No such directory: /x/cwd")),
        "trigger: No such directory",
    ),
    Broken(
        "found-without-working-directory", "there", extra("working_directory", True), "was there"
    ),
    Broken("edited-after-create", "edited", artifact("end", "edited", [False, True]), "own file"),
    Broken("params-included-file", "its path", entry("start", "got", "doc", "/x/y.txt"), "'doc'"),
    Broken("params-included-file", "None", entry("start", "got", "absent", "None"), "'absent'"),
    Broken("card-stored", "none", extra("cards", {"result": 0}), "number of cards"),
    Broken("terminate-twice", "breaks", extra("terminate_again", _OTHER), "terminate() once more"),
    Broken("terminate-twice", "another end", extra("status_after", "FAILED"), "the second one"),
    Broken(
        "init-fails",
        "waits for ever",
        overall(error=Failure("wait", "GaveUp", "Waited 100 s.")),
        "wait: Waited",
    ),
    Broken("init-fails", "green", overall(final_status="SUCCEEDED"), "the final status"),
    Broken("init-fails", "slow", overall(terminal_after=75.0), "at most 60"),
    Broken("foreach-of-nothing", "goes on", plus(task("body", index=[0])), "step 'body'"),
    Broken("foreach-of-nothing", "green", overall(final_status="SUCCEEDED"), "final status"),
    Broken("two-deployments", "one name", extra("other", {"name": "MokFlow-name"}), "second"),
    Broken("two-deployments", "mixed up", _of_runs(0, pathspec="MokFlow/sched-01"), "flows of"),
    Broken(
        "two-deployments",
        "a variable",
        extra("changed", {"variables": ["X"], "working directory": []}),
        "os.environ",
    ),
    Broken("long-names", "cut off", extra("twins", [_CUT] * 2), "a hash"),
    Broken("long-names", "refused", extra("twins", [_CUT, _OBSCURE]), "create() of the second"),
    Broken("long-names", "replaced", _of_runs(2, pathspec="MokLong-b/sched-03"), "of the first"),
    Broken("cut-off-at-create", "accepted", extra("create", {"result": "x"}), "an exception"),
    Broken("cut-off-at-create", "a guess", extra("create", _OBSCURE), "what create() says"),
    Broken("cut-off-at-trigger", "accepted", extra("trigger", {"result": "x"}), "an exception"),
    Broken("cut-off-at-trigger", "a guess", extra("trigger", _OBSCURE), "what trigger() says"),
    Broken("fifty-runs-at-once", "one id", extra("runs", ["MokFlow/1"] * 50), "different runs"),
    Broken("fifty-runs-at-once", "dropped", extra("runs", ["MokFlow/1"]), "different runs"),
    Broken("foreach-of-a-thousand", "a limit", without("body"), "on the width"),
    Broken("foreach-of-a-thousand", "cut off", artifact("join", "joined", [0]), "'join' got"),
    Broken("runs-at-once", "one id", _of_runs(1, **_SAME["result"]), "different run ids"),
    Broken("runs-at-once", "another's task", _of_runs(0, tasks=["begin 1"]), "tasks of each step"),
    Broken("deploy-with-cwd", "elsewhere", entry("start", "deployed_in", "directory", "cwd"), "of"),
    Broken("deploy-with-env", "lost", entry("start", "deployed_in", "variable", None), "variable"),
    Broken("deploy-with-profile", "lost", entry("start", "deployed_in", "profile", None), "hand"),
    Broken("config-defaults", "other file", entry("end", "got", "filed", "a file"), "in 'end'"),
    Broken("config-defaults", "none", entry("start", "got", "colour", None), "handed on"),
    Broken("config-values", "no file", entry("end", "got", "filed", None), "configs in 'end'"),
    Broken("config-in-environment", "secret", entry("end", "got", "MOK_SECRET", None), "'end'"),
    Broken("params-defaults", "no file", entry("start", "got", "doc", None), "'doc'"),
    Broken("runtime-on-run", "a laptop", of_run(system_tags=["runtime:dev"]), "runtime:dev"),
    Broken("runtime-on-run", "nothing", of_run(system_tags=[]), "what it runs on"),
    Broken("single-step", "no answer", artifact("only", "answer", None), "answer"),
)
