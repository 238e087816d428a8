"""Broken observations: what a case must catch, and part of what it has to say."""

from __future__ import annotations

from typing import Any

from broken_deployments import BROKEN_DEPLOYMENTS
from broken_options import BROKEN_OPTIONS
from limits import BROKEN_LIMITS
from made import (
    RUN,
    Broken,
    Change,
    artifact,
    entry,
    extra,
    of_run,
    of_step,
    overall,
    plus,
    record,
    task,
    without,
)
from places import BROKEN_PLACES

from metaflow_orchestrator_kit.compliance.model import Deployment, Failure, Observation, Residue


def _ledger_without(step: str, attempt: int) -> Change:
    def change(seen: Observation) -> Observation:
        kept = [e for e in seen.ledger if (e["step"], e["attempt"]) != (step, attempt)]
        return overall(ledger=kept)(seen)

    return change


def _ledger_twice(step: str) -> Change:
    def change(seen: Observation) -> Observation:
        return overall(ledger=[*seen.ledger, *seen.entries(step)])(seen)

    return change


def _no_switch_width(seen: Observation) -> Observation:
    return plus(task("work", index=[0]))(without("work")(seen))


def _reversed_join(seen: Observation) -> Observation:
    joined = seen.step("join")[0].artifacts["joined"]
    return artifact("join", "joined", joined[::-1])(seen)


def _compiled(stdout: str) -> dict[str, Any]:
    return {"code": 0, "stdout": stdout, "stderr": ""}


_FAILED = {"repr": "no exception here"}
_LOST = Failure("wait", "GaveUp", "Waited 100 s for the end; it did not happen.")
_FORWARDED = '{"argv": ["--with=resources:cpu=3,memory=2347,disk=5431"]}'
_PART = '{"resources": {"cpu": 3, "memory": 2347}}'

BROKEN: tuple[Broken, ...] = (
    Broken("linear-runs-in-order", "a step twice", plus(task("hold", id="t-2")), "number of tasks"),
    Broken("linear-runs-in-order", "no input", artifact("end", "trail", ["end"]), "--input-paths"),
    Broken("linear-runs-in-order", "user code ran twice", _ledger_twice("hold"), "user's code"),
    Broken("linear-runs-in-order", "too early", of_step("end", created_at=0.5), "was registered"),
    Broken(
        "linear-runs-in-order", "a foreign parent", of_step("end", parents=["x/y/z"]), "parents"
    ),
    Broken("linear-run-succeeds", "red", overall(final_status="FAILED"), "the final status"),
    Broken("linear-run-succeeds", "not for Metaflow", of_run(successful=False), "Run.successful"),
    Broken(
        "linear-run-succeeds",
        "failed on the way",
        overall(statuses=[(0.1, "FAILED"), (1.0, "SUCCEEDED")]),
        "while it went on",
    ),
    Broken("linear-ids", "integer task id", of_step("end", id="3"), "task id of end"),
    Broken("linear-ids", "integer run id", of_run(id="17"), "run id"),
    Broken("linear-ids", "a colon", of_step("end", id="a:b"), "task id of end"),
    Broken("linear-ids", "one id for two", of_step("end", id="t-hold"), "used twice"),
    Broken("linear-ids", "integer _parameters", of_run(parameters_tasks=["1"]), "_parameters"),
    Broken("linear-ids", "init twice", of_run(parameters_tasks=["a", "b"]), "_parameters"),
    Broken("linear-one-pathspec", "another id", overall(pathspec="MokFlow/other"), "pathspec"),
    Broken("linear-one-pathspec", "in a task", record("end", "run_id", "other"), "current.run_id"),
    Broken(
        "linear-one-pathspec",
        "metadata {}",
        overall(deployment=Deployment("n", "MokFlow", "{}")),
        "metadata of the deployed flow",
    ),
    Broken(
        "linear-trigger-returns",
        "blocked",
        lambda seen: overall(seconds={"trigger": 21.0}, statuses=[(0.1, "SUCCEEDED")])(
            artifact("hold", "released", False)(seen)
        ),
        "was not released",
    ),
    Broken("linear-visible", "client fails", entry("hold", "client", "error", "E"), "client"),
    Broken("linear-visible", "not there", entry("hold", "client", "steps", []), "inside 'hold'"),
    Broken("linear-visible", "late", overall(run_visible_after=6.5), "first found"),
    Broken("linear-tags-on-run", "none", of_run(user_tags=[]), "mok-tag"),
    Broken("linear-tags-on-run", "mangled", of_run(user_tags=["mok-tag", "gr?n"]), "grün tag"),
    Broken("linear-no-files", "a file", overall(residue=Residue(files=["flow/x"])), "flow/x"),
    Broken(
        "linear-no-processes", "one", overall(residue=Residue(processes=["9 python"])), "9 python"
    ),
    Broken("linear-logs", "no stdout", of_step("hold", stdout=""), "Task.stdout"),
    Broken("linear-logs", "no stderr", of_step("hold", stderr=""), "Task.stderr"),
    Broken("renamed-start-and-end", "no end", without("finish"), "number of tasks"),
    Broken("single-step", "unfinished", of_run(successful=False), "Run.successful"),
    Broken("failing-status", "never terminal", overall(error=_LOST), "wait: Waited"),
    Broken("failing-status", "green", overall(final_status="SUCCEEDED"), "the final status"),
    Broken("failing-status", "slow", overall(terminal_after=75.0), "at most 60"),
    Broken("failing-stops", "goes on", plus(task("end")), "step 'end'"),
    Broken("failing-stops", "tried again", of_step("broken", attempts=[0, 1]), "without @retry"),
    Broken(
        "failing-logs", "no traceback", of_step("broken", stderr="mok-err: last words"), "planned"
    ),
    Broken("with-retry-at-deploy", "not retried", of_step("broken", attempts=[0]), "--with"),
    Broken("with-catch-at-deploy", "failed", overall(final_status="FAILED"), "lack --with"),
    Broken("with-catch-at-deploy", "lost", artifact("end", "caught", None), "ValueError"),
    Broken("params-byte-for-byte", "expanded", entry("start", "got", "dollar", "/root"), "dollar"),
    Broken("params-byte-for-byte", "stripped", entry("start", "got", "padded", "two"), "padded"),
    Broken("params-of-every-type", "False lost", entry("start", "got", "flag", True), "'flag'"),
    Broken("params-of-every-type", "as text", entry("start", "got", "count", "-7"), "'count'"),
    Broken("params-of-every-type", "JSON twice", entry("start", "got", "spec", "{}"), "'spec'"),
    Broken("params-of-any-name", "lost", entry("start", "got", "my_word", "dashed"), "my_word"),
    Broken("params-defaults", "None", entry("start", "got", "nothing", "None"), "'nothing'"),
    Broken("params-computed-default", "None", entry("start", "got", "stamp", None), "'stamp'"),
    Broken("params-missing", "ran", extra("missing", {"result": "F/1"}), "that is required"),
    Broken("retry-logs", "of the failure", of_step("join", stdout="mok-out: attempt 0"), "MF_ATT"),
    Broken("retry-logs", "none", of_step("join", stdout=""), "Task.stdout"),
    Broken("params-misspelt", "ran", extra("misspelt", {"result": "F/1"}), "misspelt"),
    Broken("params-mistyped", "ran", extra("mistyped", {"result": "F/1"}), "mistyped"),
    Broken("list-finds-deployment", "no", extra("listed_all", {"result": []}), "MokFlow-name"),
    Broken(
        "list-finds-deployment",
        "Argo's",
        extra("listed_all", {"error": "KubernetesClientException", "message": "x"}),
        "Kubernetes",
    ),
    Broken("list-filters-by-flow", "all", extra("listed_other", {"result": ["x"]}), "not exist"),
    Broken("list-finds-run", "none", extra("found_run", {"error": "E"}), "pathspec"),
    Broken("found-unknown-name", "accepted", extra("unknown", {"result": "x"}), "no-such"),
    Broken("branches-run-once", "a branch lost", without("lower"), "step 'lower'"),
    Broken("branches-join-inputs", "one input", artifact("join", "joined", [["start"]]), "'join'"),
    Broken("branches-join-of-six", "five", artifact("meet", "met", ["ray_a"]), "paths than"),
    Broken(
        "foreach-task-per-item", "an index twice", artifact("name_it", "got", [0, "ant"]), "index"
    ),
    Broken("foreach-whole-body", "no second step", without("shape_it"), "shape_it"),
    Broken("foreach-join-order", "reversed", _reversed_join, "order they came"),
    Broken("retry-count", "constant", of_step("start", attempts=[0, 0]), "attempts of task start"),
    Broken("retry-count", "gap", of_step("join", attempts=[0, 2]), "attempts of task join"),
    Broken("retry-count", "code not run", _ledger_without("join", 1), "user's code"),
    Broken("retry-count", "code run twice", _ledger_twice("fan"), "user's code"),
    Broken("retry-last-attempt-counts", "stale", record("join", "attempt", 0), "retry_count"),
    Broken("retry-after-a-late-death", "not tried again", without("end"), "step 'end' (none)"),
    Broken("retry-after-a-late-death", "run twice", _ledger_twice("late"), "more than once"),
    Broken("retry-after-a-late-death", "old result", artifact("end", "result_of", 0), "was given"),
    Broken("retry-after-a-late-death", "a gap", of_step("late", attempts=[0, 2]), "[0, 2]"),
    Broken("retry-same-task", "an id per attempt", plus(task("fan", id="t-fan-1")), "'fan'"),
    Broken("retry-keeps-run", "init again", of_run(parameters_tasks=["a", "b"]), "_parameters"),
    Broken("foreach-after-retry", "one item", _no_switch_width, "attempt 0"),
    Broken("catch-exception", "not kept", artifact("raised", "raised_problem", None), "raised"),
    Broken("catch-after-retries", "at once", of_step("retried", attempts=[0]), "max-user-code"),
    Broken("catch-after-retries", "fallback", _ledger_without("retried", 1), "user's code"),
    Broken("catch-dead-process", "no fallback", of_step("killed", attempts=[0]), "step_task_retry"),
    Broken("catch-dead-process", "code again", _ledger_twice("killed"), "user's code"),
    Broken("timeout-with-catch", "killed", artifact("caught", "caught_problem", _FAILED), "slack"),
    Broken("timeout-every-attempt", "off on retry", of_step("retried", attempts=[0]), "retried"),
    Broken("timeout-with-retry", "no retry", of_step("recovered", attempts=[0]), "recovered"),
    Broken("timeout-alone", "killed", of_step("slow", exception=None), "timed out"),
    Broken("timeout-alone", "slow", overall(terminal_after=75.0), "at most 60"),
    Broken("timeout-alone", "went on", plus(task("end")), "step 'end'"),
    Broken("config-values", "no run", overall(error=_LOST), "kv.<name>"),
    Broken("config-values", "default", entry("end", "got", "colour", "grey"), "configs in 'end'"),
    Broken("config-in-decorators", "default", record("end", "project", "mok_default"), "in 'end'"),
    Broken("config-in-decorators", "on init", of_run(system_tags=[]), "init"),
    Broken("config-in-environment", "absent", entry("start", "got", "MOK_COLOUR", None), "start"),
    Broken("config-in-environment", "leaks", entry("end", "got", "MOK_COLOUR", "x"), "'end'"),
    Broken("branch-of-user", "worker's", record("middle", "branch", "user.root"), "'middle'"),
    Broken("branch-in-every-step", "last", record("end", "branch", "user.tester"), "'end'"),
    Broken("branch-in-every-step", "first", record("start", "branch", "user.x"), "'start'"),
    Broken("branch-on-run", "init", of_run(system_tags=["project:mok_brand"]), "init"),
    Broken(
        "branch-in-name",
        "the flow's",
        overall(deployment=Deployment("MokFlow", "MokFlow", "local@x")),
        "name of the deployment",
    ),
    Broken(
        "found-by-name",
        "not found",
        overall(error=Failure("from_deployment", "SyntaxError", "invalid syntax")),
        "from_deployment: invalid syntax",
    ),
    Broken("found-by-name", "another flow", overall(pathspec=f"feature_y/{RUN}"), "pathspec"),
    Broken("found-keeps-branch", "lost", record("start", "branch", "user.x"), "'start'"),
    Broken("found-keeps-parameters", "lost", entry("start", "got", "alpha", 1), "parameters in"),
    Broken("nested-index-paths", "overwritten", without("twig"), "'twig'"),
    Broken("nested-joins", "mixed up", artifact("join", "paths", []), "outermost join"),
    Broken("nested-split", "one half", without("bark"), "'bark'"),
    Broken("nested-split", "mixed up", artifact("branch_join", "halves", []), "each task of"),
    Broken("switch-inside-switch", "both", plus(task("never_flat")), "never_flat"),
    Broken("switch-inside-switch", "lost", artifact("taken_deep", "trail", []), "taken_deep"),
    Broken("switch-inside-foreach", "one way", without("even_one"), "even_one"),
    Broken("switch-inside-foreach", "one item", artifact("gather", "ways", []), "'gather'"),
    Broken("switch-chosen-only", "both", plus(task("never_a")), "never_a"),
    Broken("switch-merge", "both inputs", artifact("merge", "trail", ["start"]), "led to 'merge'"),
    Broken("switch-inside-branch", "one input", artifact("join", "joined", []), "'join'"),
    Broken("parallel-nodes", "control only", artifact("join", "nodes", [[0, 3]]), "nodes"),
    Broken("parallel-one-gang", "alone", artifact("train", "node", [0, 1]), "node 0 of three"),
    Broken(
        "parallel-one-gang", "not told", artifact("train", "control", [None, "h"]), "CONTROL_TASK"
    ),
    Broken("parallel-one-gang", "no host", artifact("train", "control", ["c0", ""]), "addresses"),
    Broken("resources-run", "failed", overall(final_status="FAILED"), "the final status"),
    Broken("resources-compiled", "not there", extra("compiled", _compiled("{}")), "requests"),
    Broken("resources-compiled", "as --with", extra("compiled", _compiled(_FORWARDED)), "--with"),
    Broken("resources-compiled", "a part", extra("compiled", _compiled(_PART)), "'disk': False"),
    Broken("terminate-status", "refused", extra("terminate", {"result": False}), "terminate()"),
    Broken("terminate-status", "green", overall(final_status="SUCCEEDED"), "the final status"),
    Broken(
        "terminate-processes", "orphan", overall(residue=Residue(processes=["9 sleep"])), "9 sleep"
    ),
    Broken("terminate-stops", "goes on", plus(task("join")), "'join'"),
    Broken("terminate-stops", "retried", of_step("work", attempts=[0, 1]), "attempts of task work"),
    Broken("terminate-stops", "later", extra("entries_after", 4), "before and after"),
    *BROKEN_OPTIONS,
    *BROKEN_DEPLOYMENTS,
    *BROKEN_LIMITS,
    *BROKEN_PLACES,
)
