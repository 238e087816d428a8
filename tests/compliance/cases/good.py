"""One right observation per scenario."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from good_deployments import GOOD_DEPLOYMENTS
from good_options import GOOD_OPTIONS
from limits import GOOD_LIMITS
from made import RUN, observed, task, with_ledger
from places import GOOD_PLACES

from metaflow_orchestrator_kit.compliance.cases import fanout, params, settings
from metaflow_orchestrator_kit.compliance.model import Deployment, Observation


def _problem(text: str) -> dict[str, str]:
    return {"repr": f"Traceback\n{text}"}


def _linear() -> Observation:
    client = {"error": None, "steps": ["hold", "start"], "task": "t", "finished": False}
    times = {"start": (1.0, 2.0), "hold": (2.1, 3.0), "end": (3.1, 4.0)}
    parents = {"start": [], "hold": [f"{RUN}/start/t-start"], "end": [f"{RUN}/hold/t-hold"]}
    special: dict[str, dict[str, Any]] = {
        "start": {},
        "hold": {"artifacts": {"client": client, "released": True}, "stdout": "mok-out: grün 東京"},
        "end": {"artifacts": {"trail": ["start", "hold", "end"]}},
    }
    special["hold"]["stderr"] = "mok-err: rot"
    tasks = [
        task(
            step,
            created_at=times[step][0],
            finished_at=times[step][1],
            parents=parents[step],
            **special[step],
        )
        for step in times
    ]
    answer = {"name": "MokFlow-name", "metadata": "local@/root"}
    deployment = Deployment(
        "MokFlow-name",
        "MokFlow",
        "local@/root",
        attributes={**answer, "flow_name": "MokFlow"},
        trigger_attributes={**answer, "pathspec": f"MokFlow/{RUN}"},
    )
    tags = ["mok-tag", "grün tag"]
    seen = observed(*tasks, user_tags=tags, system_tags=["runtime:sched"], deployment=deployment)
    return with_ledger(seen)


def _params(*, given: bool) -> Observation:
    defaults = {**params.DEFAULTS, "backtick": "", "lines": "", "json_text": "", "padded": ""}
    got = {**defaults, "stamp": "MokFlow in create"}
    if given:
        got |= {**params.HOSTILE, **params.TYPED, "parts": ["p", "q", "r"]}
        got |= {"my_word": "given-word", "LOUD": "GIVEN LOUD", "doc": params.GIVEN_DOC}
    extra: dict[str, Any] = {
        "missing": {"error": "ValueError", "message": "Missing argument 'text'"},
        "misspelt": {"error": "ValueError", "message": "Unknown argument: cuont"},
        "mistyped": {"error": "TypeError", "message": "Invalid type"},
    }
    return observed(
        task("start", artifacts={"got": got}), task("end", artifacts={"same": True}), extra=extra
    )


def _branches() -> Observation:
    inner = [["start", "wide", "lower"], ["start", "wide", "upper", "upper_more"]]
    outer = [["start", "wide", "inner_join"], ["start", "short", "meet"]]
    rays = [f"ray_{letter}" for letter in "fbdaec"]
    steps = ("start", "short", "wide", "upper", "upper_more", "lower", "end", *rays)
    plain = [task(step) for step in steps]
    joins = [
        task("inner_join", artifacts={"joined": inner}),
        task("meet", artifacts={"met": rays}),
        task("join", artifacts={"joined": outer}),
    ]
    return observed(*plain, *joins)


def _fanout() -> Observation:
    items = list(enumerate(fanout.ITEMS))
    shaped = [[index, item.upper(), [index, item]] for index, item in items]
    return observed(
        task("start"),
        *(task("name_it", index=[i], artifacts={"got": [i, item]}) for i, item in items),
        *(task("shape_it", index=[i], artifacts={"shaped": shaped[i]}) for i, _ in items),
        task("join", artifacts={"joined": shaped}),
        task("end"),
    )


def _retrying() -> Observation:
    seen = with_ledger(
        observed(
            task("start", attempts=[0, 1]),
            task("fan", attempts=[0, 1]),
            *(task("work", index=[i], attempts=range(i + 1)) for i in range(3)),
            task(
                "join",
                attempts=[0, 1],
                artifacts={"joined": [[0, 0], [1, 1], [2, 2]]},
                stdout="mok-out: attempt 1\n",
            ),
            task("late", attempts=[0, 1], artifacts={"result_of": 1}),
            task("end", artifacts={"result_of": 1}),
        )
    )
    dying = {"step": "late", "task_id": "t-late", "attempt": 0, "event": "dying"}
    return replace(seen, ledger=[*seen.ledger, dying])


def _catching() -> Observation:
    problems = {
        "raised": "ValueError: planned in raised",
        "retried": "ValueError: planned in attempt 2",
        "killed": "FailureHandledByCatch: kept failing",
    }
    attempts = {"raised": [0], "retried": [0, 1, 2], "killed": [0, 1]}
    caught = [
        task(
            step,
            attempts=attempts[step],
            successful=False,
            artifacts={f"{step}_problem": _problem(text)},
        )
        for step, text in problems.items()
    ]
    return with_ledger(observed(task("start"), *caught, task("end")), {"killed": [0]})


def _timing() -> Observation:
    late = _problem("TimeoutException: Step timed out")
    return with_ledger(
        observed(
            task("start"),
            task("caught", successful=False, artifacts={"caught_problem": late}),
            task("retried", attempts=[0, 1], successful=False, artifacts={"retried_problem": late}),
            task("recovered", attempts=[0, 1]),
            task("end"),
        )
    )


def _failed(step: str, exception: str, **fields: Any) -> Observation:
    broken = task(step, successful=False, finished=False, exception=exception, **fields)
    return with_ledger(observed(task("start"), broken, good=False))


def _settings(configs: dict[str, Any] = settings.CONFIGS) -> Observation:
    nothing = {"MOK_COLOUR": None, "MOK_QUOTED": None, "MOK_SECRET": None}
    variables = {
        "start": {**nothing, "MOK_COLOUR": "tür kis", "MOK_QUOTED": "a 'b' \"c\" $d"},
        "middle": {**nothing, "MOK_COLOUR": "tür kis-middle"},
        "end": {**nothing, "MOK_SECRET": "pass 'word' ü"},
    }
    seen = {"project": "mok_tuned", "branch": "user.tester"}
    tasks = [
        task(
            step,
            seen=seen,
            artifacts={"got": {**configs, **own}, "deployed_in": settings.GIVEN},
        )
        for step, own in variables.items()
    ]
    return observed(*tasks, system_tags=["project:mok_tuned", "project_branch:user.tester"])


def _branded(branch: str) -> Observation:
    seen = {
        "project": "mok_brand",
        "branch": branch,
        "production": branch.startswith("prod."),
        "project_flow": f"mok_brand.{branch}.MokFlow",
    }
    got = {"alpha": 41, "spec": {"a": [1, "ü", None]}, "my_word": "it's $HOME"}
    own = {"got": got, "edited": [False, False]}
    tasks = [task(step, seen=seen, artifacts=own) for step in ("start", "middle", "end")]
    return observed(
        *tasks,
        system_tags=["project:mok_brand", f"project_branch:{branch}"],
        deployment=Deployment(seen["project_flow"], "MokFlow", "local@/root"),  # type: ignore[arg-type]
        extra={"flow_folder": False, "working_directory": False},
    )


def _nested() -> Observation:
    leaves = {
        (0, 0, 0): ["a", "x", 1],
        (0, 0, 1): ["a", "x", 2],
        (1, 0, 0): ["b", "y", 3],
        (1, 1, 0): ["b", "z", 4],
        (1, 1, 1): ["b", "z", 5],
    }
    paths = [[[["a", "x", 1], ["a", "x", 2]]], [[["b", "y", 3]], [["b", "z", 4], ["b", "z", 5]]]]
    twigs = [(0, 0), (1, 0), (1, 1)]
    halves = [[0, paths[0], [0, "a"]], [1, paths[1], [1, "b"]]]
    return observed(
        task("start"),
        *(task("branch", index=[i]) for i in range(2)),
        *(task("twig", index=path) for path in twigs),
        *(task("leaf", index=path, artifacts={"path": own}) for path, own in leaves.items()),
        *(task("twig_join", index=path) for path in twigs),
        *(task(step, index=[i]) for i in range(2) for step in ("limb", "bark", "limb_join")),
        *(task("branch_join", index=[i], artifacts={"halves": halves[i]}) for i in range(2)),
        task("join", artifacts={"paths": paths}),
        task("end"),
    )


def _switching() -> Observation:
    to_deep = ["start", "taken_b", "taken_deep"]
    to_merge = [*to_deep, "merge"]
    to_parting = [*to_merge, "parting"]
    joined = [[*to_parting, "choosing", "taken_q", "chosen"], [*to_parting, "plain"]]
    plain = ("start", "taken_b", "choosing", "taken_q", "chosen", "plain", "sorting", "end")
    ways = [[0, "odd_one", 0], [1, "even_one", 1], [2, "odd_one", 2]]
    return observed(
        *(task(step) for step in plain),
        *(task(step, index=[i]) for i in range(3) for step in ("sort_it", "sorted_it")),
        *(task(str(step), index=[i]) for i, step, _ in ways),
        task("gather", artifacts={"ways": ways}),
        task("taken_deep", artifacts={"trail": to_deep}),
        task("merge", artifacts={"trail": to_merge}),
        task("parting", artifacts={"trail": to_parting}),
        task("join", artifacts={"joined": joined}),
    )


def _resourced() -> Observation:
    plan = {"steps": {"end": {"resources": {"cpu": 3.0, "memory": "2347M", "disk": 5431}}}}
    compiled = {"code": 0, "stdout": json.dumps(plan), "stderr": ""}
    extra = {"compiled": compiled, "cards": {"result": 1}}
    return observed(task("start"), task("end"), extra=extra)


def _terminated() -> Observation:
    extra = {"terminate": {"result": True}, "entries_before": 3, "entries_after": 3}
    extra |= {"terminate_again": {"result": True}, "status_after": "ABORTED"}
    works = [task("work", index=[i], successful=False, finished=False) for i in range(2)]
    seen = observed(task("start"), *works, good=False, final_status="ABORTED", extra=extra)
    return with_ledger(seen)


_LAST_WORDS = {
    "stdout": "mok-out: last words",
    "stderr": "mok-err: last words\nValueError: planned in broken",
}

GOOD: dict[str, Observation] = {
    "linear": _linear(),
    "failing": _failed("broken", "ValueError: planned in broken", **_LAST_WORDS),
    "failing_helped": with_ledger(
        observed(
            task("start"),
            task("broken", attempts=[0, 1], successful=False),
            task("end", artifacts={"caught": "builtins.ValueError"}),
        )
    ),
    "params_given": _params(given=True),
    "params_defaults": _params(given=False),
    "branches": _branches(),
    "fanout": _fanout(),
    "retrying": _retrying(),
    "catching": _catching(),
    "timing": _timing(),
    "overtime": _failed("slow", "TimeoutException: Step slow timed out after 2 seconds"),
    "settings": _settings(),
    "settings_placed": _settings(settings.DEFAULTS),
    "branded": _branded("test.feature_x"),
    "branded_found": _branded("prod.feature_y"),
    "nested": _nested(),
    "switching": _switching(),
    "gang": observed(
        task("start"),
        *(
            task("train", id=f"c{n}", artifacts={"node": [n, 3], "control": ["c0", "10.0.0.1"]})
            for n in range(3)
        ),
        task("join", artifacts={"nodes": [[0, 3], [1, 3], [2, 3]]}),
        task("end"),
    ),
    "resourced": _resourced(),
    "terminated": _terminated(),
    **GOOD_OPTIONS,
    **GOOD_DEPLOYMENTS,
    **GOOD_LIMITS,
    **GOOD_PLACES,
}
