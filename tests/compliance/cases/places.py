"""Observations of switches and failures in harder places: right ones, and broken ones."""

from __future__ import annotations

from made import Broken, artifact, observed, of_step, overall, plus, task, with_ledger, without

from metaflow_orchestrator_kit.compliance.model import Failure, Observation

_ITEMS = [[0, "ant"], [1, "bee"], [2, "cat"]]


def _winding() -> Observation:
    plain = ("many", "parting", "fork", "left", "right", "meet")
    return with_ledger(
        observed(
            task("start", attempts=[0, 1]),
            *(task(step) for step in plain),
            *(task("each", index=[place]) for place in range(3)),
            task("gather", artifacts={"gathered": _ITEMS}),
            task("end", artifacts={"all": [_ITEMS, ["left", "right"]]}),
        )
    )


def _meeting(gap: float) -> Observation:
    return observed(
        task("start"),
        task("one", artifacts={"began": 1.0, "ended": 5.0}),
        task("other", artifacts={"began": 3.0 + gap, "ended": 5.0 + gap}),
        task("join"),
        task("end"),
    )


def _looping() -> Observation:
    turns = [f"t-loop-{turn}" for turn in range(3)]
    joined = [
        [[place, item, f"t-turn-{place}-{turn}"] for turn in range(place + 1)]
        for place, item in _ITEMS
    ]
    return observed(
        task("start"),
        *(task("loop", id=turn) for turn in turns),
        task("fan", artifacts={"counted": turns}),
        *(task("turn", id=turn, index=[place]) for each in joined for place, _, turn in each),
        *(task("settled", index=[place]) for place in range(3)),
        task("gather", artifacts={"turns": joined}),
        task("end"),
    )


def _faltering() -> Observation:
    failed = "ValueError: planned in end"
    return with_ledger(
        observed(
            task("start"), task("end", successful=False, exception=failed, ran=True), good=False
        )
    )


GOOD_PLACES: dict[str, Observation] = {
    "winding": _winding(),
    "meeting": _meeting(0.0),
    "looping": _looping(),
    "faltering": _faltering(),
}

_ONE_INDEX = [
    [[0, item, f"t-{place}-{turn}"] for turn in range(place + 1)] for place, item in _ITEMS
]
_NEVER_OVER = Failure("wait", "GaveUp", "Waited 100 s for the end; it did not happen.")

BROKEN_PLACES: tuple[Broken, ...] = (
    Broken("switch-after-retry", "nothing", without("many"), "read from attempt 0"),
    Broken("switch-after-retry", "any", plus(task("never_none")), "read from attempt 0"),
    Broken("switch-after-retry", "once", of_step("start", attempts=[0]), "attempts of task start"),
    Broken("switch-of-a-foreach", "one step", without("each"), "'each'"),
    Broken("switch-of-a-foreach", "no merge", without("parting"), "'parting'"),
    Broken(
        "switch-of-a-foreach", "mixed", artifact("gather", "gathered", _ITEMS[::-1]), "the join"
    ),
    Broken("switch-of-a-split", "one branch", without("right"), "'right'"),
    Broken("switch-of-a-split", "both cases", plus(task("never_one")), "'never_one'"),
    Broken("switch-of-a-split", "lost", artifact("end", "all", [_ITEMS, ["left"]]), "as 'end' got"),
    Broken("switch-of-a-split", "failed", overall(final_status="FAILED"), "the final status"),
    Broken("branches-overlap", "in turn", lambda _: _meeting(3.0), "seconds for which both"),
    Broken("branches-overlap", "not noted", artifact("one", "began", None), "have noted"),
    Broken("branches-overlap", "failed", overall(final_status="FAILED"), "the final status"),
    Broken("loop-tasks", "one id", without("loop"), "'loop'"),
    Broken(
        "loop-tasks", "an old turn", artifact("fan", "counted", ["t-loop-0"]), "ids of the turns"
    ),
    Broken("loop-inside-foreach", "one task", without("turn"), "'turn'"),
    Broken(
        "loop-inside-foreach", "index", artifact("gather", "turns", _ONE_INDEX), "lack the index"
    ),
    Broken("loop-inside-foreach", "ids", of_step("turn", id="t-turn"), "ids of all turns"),
    Broken("loop-inside-foreach", "failed", overall(final_status="FAILED"), "the final status"),
    Broken("failing-last-step", "green", overall(final_status="SUCCEEDED"), "the final status"),
    Broken("failing-last-step", "waits", overall(error=_NEVER_OVER), "error on the way"),
    Broken("failing-last-step", "twice", of_step("end", attempts=[0, 1]), "attempts of task end"),
    Broken("failing-last-step", "by accident", of_step("end", exception="x"), "Task.exception"),
)
