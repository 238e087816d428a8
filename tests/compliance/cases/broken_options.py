"""Broken observations of what an orchestrator need not be able to do."""

from __future__ import annotations

from made import (
    RUN,
    Broken,
    Change,
    artifact,
    extra,
    of_run,
    of_step,
    overall,
    plus,
    record,
    task,
)
from packages import BROKEN_PACKAGES

from metaflow_orchestrator_kit.compliance.model import Failure, Observation


def _hooks(**changes: object) -> Change:
    """Change what the hooks left in the ledger; None takes the entry of that hook away."""

    def change(seen: Observation) -> Observation:
        ledger = []
        for entry in seen.ledger:
            if entry.get("hook") in changes:
                new = changes[entry["hook"]]
                if isinstance(new, dict):
                    ledger.append({**entry, **new})
            else:
                ledger.append(entry)
        return overall(ledger=ledger)(seen)

    return change


def _also_hook(hook: str) -> Change:
    def change(seen: Observation) -> Observation:
        return overall(ledger=[*seen.ledger, {**seen.ledger[-1], "hook": hook}])(seen)

    return change


_OTHER = {"error": "CalledProcessError", "message": "SyntaxError in flow.py"}

_TOKENS = (
    Broken("token-refuses-redeploy", "accepted", extra("redeploy", {"result": "n"}), "another"),
    Broken("token-refuses-redeploy", "by accident", extra("redeploy", _OTHER), "the refusal says"),
    Broken("token-lets-in", "refused", extra("authorized", _OTHER), "create(authorize="),
    Broken("token-lets-in", "no property", extra("token", _OTHER), "production_token"),
    Broken("token-lets-in", "a new one", extra("token_after_redeploy", {"result": ""}), "after"),
    Broken("token-on-run", "user's", of_run(system_tags=["user:x"]), "METAFLOW_PRODUCTION_TOKEN"),
    Broken("token-on-run", "last", artifact("end", "client_namespace", "user:x"), "inside 'end'"),
    Broken("token-guards-operations", "ends", extra("terminate", {"result": True}), "terminate()"),
    Broken("token-guards-operations", "deletes", extra("delete", {"result": True}), "delete()"),
    Broken(
        "token-guards-operations",
        "says no, and deletes",
        extra("token_after_refusals", _OTHER),
        "still found by its name",
    ),
    Broken("token-guards-operations", "ends it", overall(final_status="ABORTED"), "final status"),
)

_HOOKS = (
    Broken("hooks-after-success", "the others kept", _hooks(told_next=None), "that raises keeps"),
    Broken("hooks-after-success", "one decorator", _hooks(told_elsewhere=None), "told_elsewhere"),
    Broken("hooks-after-success", "both outcomes", _also_hook("warned_next"), "warned_next"),
    Broken("hooks-after-success", "too early", _hooks(told_next={"time": 0.5}), "last attempt"),
    Broken("hooks-after-success", "no run", _hooks(told_run={"pathspec": "None"}), "its run"),
    Broken("hooks-keep-success", "failed", overall(final_status="FAILED"), "fails the run"),
    Broken("hooks-keep-success", "later", extra("status_after_hooks", "FAILED"), "were called"),
    Broken("hooks-after-failure", "none", _hooks(warned_run=None), "hooks that were called"),
    Broken("hooks-after-failure", "green", extra("status_after_hooks", "SUCCEEDED"), "replaces"),
    Broken("hooks-after-failure", "goes on", plus(task("end")), "step 'end'"),
)


def _again(step: str, run: str) -> Change:
    """One more record of a step's code in the ledger."""

    def change(seen: Observation) -> Observation:
        found = seen.entries(step)[0]
        return overall(ledger=[*seen.ledger, {**found, "run_id": run}])(seen)

    return change


def _twin(**fields: object) -> Change:
    """Change what is known of the run that was resumed at the same time."""

    def change(seen: Observation) -> Observation:
        found = seen.extra["resumed_again"]["result"]
        return extra("resumed_again", {"result": {**found, **fields}})(seen)

    return change


_NO_METHOD = {"error": "AttributeError", "message": "no attribute 'resume'"}

_RESUME = (
    Broken("resume-clones", "cannot", extra("resumed", _NO_METHOD), "no method resume"),
    Broken("resume-clones", "ran again", record("start", "run_id", RUN), "cloned from"),
    Broken("resume-clones", "no origin", of_step("start", metadata={}), "cloned from"),
    Broken("resume-clones", "side effects", _again("start", RUN), "how often"),
    Broken("resume-runs-the-rest", "cannot", extra("resumed", _NO_METHOD), "no method resume"),
    Broken("resume-runs-the-rest", "cached", record("join", "run_id", "other"), "of join"),
    Broken("resume-runs-the-rest", "twice", _again("join", RUN), "how often"),
    Broken("resume-runs-the-rest", "an item lost", artifact("join", "joined", []), "three items"),
    Broken("resume-runs-the-rest", "failed", overall(final_status="FAILED"), "final status"),
    Broken("resume-keeps-parameters", "default", artifact("end", "got", "changed"), "in 'end'"),
    Broken(
        "resume-keeps-parameters", "of init", extra("parameters", {"result": "changed"}), "defaults"
    ),
    Broken("resume-unknown-step", "accepted", extra("unknown_step", {"result": "x"}), "no_such"),
    Broken("resume-unknown-step", "no method", extra("unknown_step", _NO_METHOD), "no_such"),
    Broken("resume-twice", "once", extra("resumed_again", _NO_METHOD), "two runs"),
    Broken("resume-twice", "one id", _twin(pathspec=f"MokFlow/{RUN}"), "follows from the id"),
    Broken("resume-twice", "a number", _twin(pathspec="MokFlow/17"), "no integers"),
    Broken("resume-twice", "all again", _twin(ran=["start []"]), "what ran in it"),
    Broken("resume-locally", "not found", extra("resumed", {"error": "exit code"}), "resuming"),
    Broken("resume-locally", "runs again", record("start", "run_id", RUN), "cloned from"),
    Broken("resume-locally", "an item lost", artifact("join", "joined", []), "three items"),
)

_STARTS = (
    Broken("schedule-starts-run", "never", extra("runs", []), "at least one"),
    Broken("schedule-starts-run", "failed", of_step("end", successful=False), "task end"),
    Broken("schedule-starts-run", "no default", artifact("end", "got", None), "'limit'"),
    Broken("schedule-needs-defaults", "accepted", extra("required", {"result": "x"}), "create()"),
    Broken("schedule-needs-defaults", "by accident", extra("required", _OTHER), "its message"),
    Broken("schedule-taken-away", "still fires", extra("runs_after", ["F/1"]), "never deletes"),
    Broken("schedule-taken-away", "refused", extra("unscheduled", _OTHER), "without @schedule"),
    Broken("schedule-in-its-zone", "hours away", extra("zoned_runs", []), "by the clock of"),
    Broken("schedule-in-its-zone", "refused", extra("zoned", _OTHER), "not supported"),
    Broken("event-starts-run", "nothing", extra("runs", []), "not registered"),
    Broken("event-starts-run", "two", extra("runs", ["F/1", "F/2"]), "number of runs"),
    Broken("event-starts-run", "no payload", artifact("start", "got", "plain"), "payload"),
    Broken("event-waits-for-all", "either", extra("after_one", 1), "each event starts"),
    Broken("event-waits-for-all", "never", extra("after_both", 0), "after both"),
    Broken("event-in-current", "nothing", artifact("middle", "started", []), "_update_env"),
    Broken("event-in-current", "not stored", of_step("start", metadata={}), "execution-triggers"),
    Broken("finish-starts-run", "nothing", extra("runs", []), "number of runs"),
    Broken("finish-of-another-branch", "any", extra("too_early", ["F/1"]), "flow's name only"),
    Broken("finish-in-current", "nothing", artifact("middle", "kinds", []), "current.trigger"),
    Broken("finish-in-current", "no run", artifact("middle", "leader", None), "trigger.run"),
)

_LIMITS = (
    Broken("six-attempts", "too few", of_step("start", attempts=range(5)), "min(1 + user"),
    Broken("six-attempts", "code in the sixth", _again("start", RUN), "user's code"),
    Broken("six-attempts", "failed", overall(final_status="FAILED"), "final status"),
    Broken(
        "branch-of-an-address",
        "not deployed",
        overall(error=Failure("deploy", "RuntimeError", "invalid name")),
        "deploy: invalid name",
    ),
    Broken("branch-of-an-address", "cut", record("end", "branch", "user.a-b"), "branch in 'end'"),
    Broken("foreign-run-refused", "ended", extra("foreign_run", {"result": True}), "prefix"),
    Broken("delete-once-and-twice", "refused", extra("delete", {"result": False}), "delete()"),
    Broken(
        "delete-once-and-twice",
        "still there",
        extra("found_after_delete", {"result": "n"}),
        "afterwards",
    ),
    Broken("delete-once-and-twice", "twice", extra("delete_again", {"result": True}), "once more"),
)


def _first_attempt_finds(version: str) -> Change:
    """Change what the first attempt of the step in the middle has told."""

    def change(seen: Observation) -> Observation:
        told = [
            {**one, "event": version} if (one["step"], one["attempt"]) == ("built", 0) else one
            for one in seen.ledger
        ]
        return overall(ledger=told)(seen)

    return change


def _interpreters(case: str) -> tuple[Broken, ...]:
    return (
        Broken(case, "the worker's", artifact("built", "version", "none"), "that 'built' finds"),
        Broken(case, "later only", _first_attempt_finds("2.1.0"), "the attempts of 'built' find"),
        Broken(case, "one attempt", of_step("built", attempts=[0]), "attempts of task built"),
        Broken(case, "failed", overall(final_status="FAILED"), "the final status"),
    )


_INTERPRETERS = (
    *_interpreters("pypi-step-has-its-packages"),
    *_interpreters("uv-step-has-its-packages"),
    Broken(
        "pypi-step-has-its-packages",
        "for all steps",
        artifact("end", "version", "1.1.1"),
        "that 'end' finds",
    ),
    Broken("uv-step-has-its-packages", "not at the end", artifact("end", "version", "0"), "'end'"),
)

BROKEN_OPTIONS: tuple[Broken, ...] = (
    *(*_TOKENS, *_HOOKS, *_RESUME, *_STARTS, *_LIMITS, *_INTERPRETERS),
    *BROKEN_PACKAGES,
)
