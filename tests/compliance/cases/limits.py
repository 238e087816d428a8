"""Observations of limits, and of a deployment that is replaced: right ones, and broken ones."""

from __future__ import annotations

from dataclasses import replace

from made import Broken, Change, artifact, extra, observed, of_step, overall, plus, task, without

from metaflow_orchestrator_kit.compliance.model import Failure, Observation, Residue

_UNREACHABLE = "Step lost is unreachable from the start step."


def _redeployed() -> Observation:
    return observed(
        task("start"),
        task("end", artifacts={"word": "first"}),
        extra={
            "terminate": {"result": True},
            "again": {"result": "MokFlow-name"},
            "over_before": False,
            "later": {"result": "second"},
            "lost": {"error": "RuntimeError", "message": _UNREACHABLE},
        },
    )


def _limited(at_a_time: int) -> Observation:
    spans = [(float(i // at_a_time), i // at_a_time + 0.9) for i in range(6)]
    work = [
        task("work", index=[i], artifacts={"began": began, "ended": ended})
        for i, (began, ended) in enumerate(spans)
    ]
    return observed(task("start"), *work, task("join"), task("end"))


def _overdue() -> Observation:
    work = [
        task("work", index=[i], successful=False, finished=False, exception=None) for i in (0, 1)
    ]
    return observed(task("start"), *work, good=False)


def _patient(pause: float) -> Observation:
    times = [(0, 100.0, 101.0, False), (1, 101.0 + pause, 103.0 + pause, True)]
    return observed(task("start", attempts=[0, 1], attempt_times=times), task("end"))


def _in_place_of(seen: Observation) -> Change:
    return lambda _: seen


def _option(name: str) -> Change:
    return overall(error=Failure("deploy", "RuntimeError", f"no such option: {name}"), run=None)


def _times(*numbers: int) -> Change:
    def change(seen: Observation) -> Observation:
        tasks = [
            replace(one, attempt_times=[one.attempt_times[number] for number in numbers])
            if one.step == "start"
            else one
            for one in seen.tasks
        ]
        return replace(seen, tasks=tasks)

    return change


GOOD_LIMITS: dict[str, Observation] = {
    "redeployed": _redeployed(),
    "limited": _limited(2),
    "overdue": _overdue(),
    "patient": _patient(60.0),
}

NO_TIMES = _times(0)(GOOD_LIMITS["patient"])
"""Metaflow's metadata does not tell when the second attempt began."""

NEVER_SEEN = overall(
    tasks=[], run=None, error=Failure("read", "MetaflowNotFound", "Run x does not exist")
)(GOOD_LIMITS["overdue"])
"""The scheduler has ended the run before its first task."""

OVER_BEFORE = extra("over_before", True)(GOOD_LIMITS["redeployed"])
"""The first run had ended before the second deployment was there."""

_ACCEPTED = {"result": "MokFlow-name"}
_KEY_ERROR = {"error": "RuntimeError", "message": "KeyError: 'lost'"}

BROKEN_LIMITS: tuple[Broken, ...] = (
    Broken("redeploy-replaces", "old code", extra("later", {"result": "first"}), "in the code"),
    Broken("redeploy-replaces", "a second one", extra("again", {"result": "MokFlow-2"}), "name of"),
    Broken("redeploy-leaves-runs", "ended", overall(final_status="ABORTED"), "the final status"),
    Broken("redeploy-leaves-runs", "new code", artifact("end", "word", "second"), "under way"),
    Broken("terminate-this-run", "refused", extra("terminate", {"result": False}), "terminate()"),
    Broken("terminate-this-run", "all", overall(final_status="ABORTED"), "the final status"),
    Broken("unreachable-step-refused", "accepted", extra("lost", _ACCEPTED), "cannot be reached"),
    Broken("unreachable-step-refused", "by accident", extra("lost", _KEY_ERROR), "its message"),
    Broken("max-workers", "three", _in_place_of(_limited(3)), "worked at one time"),
    Broken("max-workers", "one lost", without("work"), "number of tasks"),
    Broken("max-workers", "failed", overall(final_status="FAILED"), "the final status"),
    Broken("max-workers", "no time noted", artifact("work", "seen", {}), "have noted"),
    Broken("max-workers", "no option", _option("--max-workers"), "has no option"),
    Broken("workflow-timeout", "goes on", overall(final_status="SUCCEEDED"), "may take 10 s"),
    Broken("workflow-timeout", "a later step", plus(task("join")), "step 'join'"),
    Broken("workflow-timeout", "orphan", overall(residue=Residue(processes=["9 x"])), "9 x"),
    Broken("workflow-timeout", "no option", _option("--workflow-timeout"), "has no option"),
    Broken("retry-pause", "at once", _in_place_of(_patient(0.5)), "seconds from the start"),
    Broken("retry-pause", "seconds", _in_place_of(_patient(1.0)), "taken for seconds"),
    Broken("retry-pause", "one attempt", of_step("start", attempts=[0]), "attempts of task start"),
)
