"""Cases on exit hooks: after a run that succeeded, and after one that failed."""

from __future__ import annotations

from metaflow_orchestrator_kit.capabilities import Cap
from metaflow_orchestrator_kit.compliance import words
from metaflow_orchestrator_kit.compliance.case import case
from metaflow_orchestrator_kit.compliance.cases import facts
from metaflow_orchestrator_kit.compliance.expect import Blocked, Expect
from metaflow_orchestrator_kit.compliance.model import Observation, Scenario

HOOKED = Scenario(
    "hooked",
    "hooked",
    caps=(Cap.EXIT_HOOK,),
    script="run_and_await_hooks",
    timeout=120,
    expected=14,
)
HOOKED_FAILING = Scenario(
    "hooked_failing",
    "hooked",
    caps=(Cap.EXIT_HOOK,),
    trigger={"fail": True},
    script="run_and_await_hooks",
    timeout=120,
    expected=14,
)

_SUCCESS = ("told_run", "told_badly", "told_next", "told_elsewhere")
_ERROR = ("warned_run", "warned_badly", "warned_next", "warned_elsewhere")


def _called(seen: Observation, expect: Expect, hooks: tuple[str, ...]) -> None:
    """These hooks were called, once each, and no others; after the last attempt."""
    if not any("step" in entry for entry in seen.ledger):
        raise Blocked(
            "The tasks do not reach the folder in which they and the hooks leave a record."
        )
    calls = [entry for entry in seen.ledger if "hook" in entry]
    expect.equal(
        "hooks that were called",
        expected=sorted(hooks),
        observed=sorted(str(entry["hook"]) for entry in calls),
        likely=[
            "the hooks of the other outcome are called, or of both",
            "a hook that raises keeps the others from being called",
            "only one of several @exit_hook decorators is read",
        ],
    )
    last = max(entry["time"] for entry in seen.ledger if "step" in entry)
    expect.true(
        "when the hooks were called",
        all(entry["time"] >= last for entry in calls),
        expected="after the last attempt of the run",
        observed=[entry["hook"] for entry in calls if entry["time"] < last],
        likely=["the hooks are a step of the graph instead of following the end of the run"],
    )


def _run_given(seen: Observation, expect: Expect, hook: str, *, successful: bool) -> None:
    """The hook that takes `run` got this run, at its end."""
    call = next((entry for entry in seen.ledger if entry.get("hook") == hook), {})
    expect.equal(
        f"what the hook '{hook}' saw of its run",
        expected={"pathspec": seen.pathspec, "successful": successful},
        observed={key: call.get(key) for key in ("pathspec", "successful")},
        likely=["the pathspec handed to the hook is not Flow/run", "hooks run before the end"],
    )


@case("hooks-after-success", cap=Cap.EXIT_HOOK, clauses=("K7",), scenario=HOOKED)
def after_success(seen: Observation, expect: Expect) -> None:
    """After a run that succeeded every success hook is called, and no error hook."""
    _called(seen, expect, _SUCCESS)
    _run_given(seen, expect, "told_run", successful=True)


@case("hooks-keep-success", cap=Cap.EXIT_HOOK, clauses=("K7",), scenario=HOOKED)
def keep_success(seen: Observation, expect: Expect) -> None:
    """A success hook that raises does not change the outcome of the run."""
    facts.once(seen, expect, "start", "end")
    facts.ended_well(seen, expect, ["an exit hook that raises fails the run"])
    expect.equal(
        "the status once the hooks were called",
        expected=seen.final_status,
        observed=seen.extra.get("status_after_hooks"),
        likely=["an exit hook that raises fails the run"],
    )


@case("hooks-after-failure", cap=Cap.EXIT_HOOK, clauses=("K7",), scenario=HOOKED_FAILING)
def after_failure(seen: Observation, expect: Expect) -> None:
    """After a run that failed every error hook is called, no success hook; it stays failed."""
    _called(seen, expect, _ERROR)
    _run_given(seen, expect, "warned_run", successful=False)
    for when, status in (
        ("at the end", seen.final_status),
        ("once the hooks were called", seen.extra.get("status_after_hooks")),
    ):
        expect.true(
            f"the status {when}",
            words.is_bad(status),
            expected="failed, in the scheduler's word",
            observed=status,
            likely=["the outcome of the hooks replaces that of the run"],
        )
    facts.absent(seen, expect, "end")
