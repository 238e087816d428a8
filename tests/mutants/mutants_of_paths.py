"""Mutants in the way that a run takes through its graph, and in how often it tries."""

from __future__ import annotations

from mutant import Mutant

_AFTER = "refs: tuple[TaskRef, ...] = (TaskRef(step.name, task.launch.task_id),)"
_GO_ON = "return self._enter(step.out[0], refs, task.launch.index, task.arm)"
_CHOSEN = "chosen = handout.chosen"
_INIT_AGAIN = (
    "listing = None\n"
    "        if launch.step == plan.start_step{when}:\n"
    "            import dataclasses, subprocess\n"
    "            entry = dataclasses.replace(launch, task_id={id})\n"
    "            words = command.init_command(plan, {run}, entry, site)\n"
    "            subprocess.run(words, check=False)"
)

CHAINS = (
    Mutant(
        "input-of-the-last-step-is-parameters",
        "walk_graph.py",
        _AFTER,
        f"{_AFTER}\n"
        "        if step.out[0] == self._plan.end_step:\n"
        "            entry = parameters_task_id(self._plan.start_step)\n"
        "            refs = (TaskRef(PARAMETERS_STEP, entry),)",
        kills={"linear-runs-in-order": "task end/t-end"},
        also=("linear-run-succeeds", "linear-one-pathspec"),
    ),
)

SPLITS = (
    Mutant(
        "one-branch-of-a-split",
        "walk_graph.py",
        "fan = _Fan(step.join, len(step.out), task.launch.index, task.arm)",
        "fan = _Fan(step.join, 1, task.launch.index, task.arm)",
        second=("in enumerate(step.out)", "in enumerate(step.out[:1])"),
        kills={"branches-run-once": "number of tasks of step 'ray_a'"},
        also=("branches-join-inputs", "branches-join-of-six"),
    ),
    Mutant(
        "attempts-in-input-paths",
        "command.py",
        '{ref.step}/{ref.task_id}"',
        '{ref.step}/{ref.task_id}/0"',
        kills={"branches-join-of-six": "the steps that the inputs of 'meet' come from"},
        also=("branches-run-once", "branches-join-inputs"),
    ),
    Mutant(
        "one-branch-of-a-split-in-a-foreach",
        "walk_graph.py",
        "fan = _Fan(step.join, len(step.out), task.launch.index, task.arm)",
        "ways = step.out[:1] if task.launch.index else step.out\n"
        "        fan = _Fan(step.join, len(ways), task.launch.index, task.arm)",
        second=("in enumerate(step.out)", "in enumerate(ways)"),
        kills={"nested-split": "number of tasks of step 'bark'"},
        also=("nested-joins",),
    ),
    Mutant(
        "second-body-step-dropped",
        "walk_graph.py",
        _GO_ON,
        "following = self._plan.steps[step.out[0]]\n"
        "        if task.launch.split_index is not None and not following.is_join:\n"
        "            step = following\n"
        f"        {_GO_ON}",
        kills={"foreach-whole-body": "number of tasks of step 'shape_it'"},
        also=("foreach-join-order",),
    ),
    Mutant(
        "inner-ids-lack-the-outer-index",
        "identity.py",
        "*map(str, index), *turn",
        "*map(str, index[-1:]), *turn",
        kills={"nested-index-paths": "reaches a terminal status"},
        timeout=75,
    ),
    Mutant(
        "indexes-sorted-as-text",
        "walk_graph.py",
        "for position in sorted(fan.arrived)",
        "for position in sorted(fan.arrived, key=str)",
        kills={"foreach-join-order": "in the order they came"},
    ),
    Mutant(
        "width-cut-off-at-a-limit",
        "walk_graph.py",
        "width = handout.width\n",
        "width = min(handout.width or 0, 100)\n",
        kills={"foreach-of-a-thousand": "number of tasks of step 'body'"},
    ),
    Mutant(
        "nothing-taken-for-one-item",
        "walk.py",
        "if exit_code != 0:",
        "if exit_code not in (0, 1):",
        second=(
            "self._graph.after(task, handout)",
            "self._graph.after(task, replace(handout, width=handout.width or 1))",
        ),
        kills={"foreach-of-nothing": "number of tasks of step 'body'"},
    ),
    Mutant(
        "inner-joins-reversed",
        "walk_graph.py",
        "for position in sorted(fan.arrived)",
        "for position in sorted(fan.arrived, reverse=bool(fan.index))",
        kills={"nested-joins": "what came together in the outermost join"},
        also=("nested-split",),
    ),
    Mutant(
        "width-read-at-attempt-0",
        "launch.py",
        'Handout.from_dict(json.loads(self.path("handout").read_text()))',
        "Handout.from_dict(\n"
        "                json.loads((self.scratch / "
        'f"{self.launch.task_id}.0.handout").read_text())\n'
        "            )",
        kills={"foreach-after-retry": "number of tasks of step 'work'"},
        also=(
            "retry-count",
            "retry-last-attempt-counts",
            "retry-same-task",
            "retry-after-a-late-death",
        ),
    ),
)

SWITCHES = (
    Mutant(
        "merge-taken-for-a-join",
        "compile_steps.py",
        "type=node.type,",
        'type="join" if len(node.in_funcs) > 1 else node.type,',
        kills={"switch-merge": "number of tasks of step 'merge'"},
        also=(
            "switch-chosen-only",
            "switch-inside-branch",
            "switch-inside-switch",
            "switch-inside-foreach",
        ),
    ),
    Mutant(
        "merge-given-both",
        "walk_graph.py",
        _GO_ON,
        "others = [\n"
        "            TaskRef(other.name, task_id(other.name, task.launch.index, None))\n"
        "            for other in self._plan.steps.values()\n"
        "            if step.out[0] in other.out and other.name != step.name\n"
        "        ]\n"
        "        if not self._plan.steps[step.out[0]].is_join:\n"
        "            refs = (*refs, *others)\n"
        f"        {_GO_ON}",
        kills={"switch-merge": "'merge'"},
        also=(
            "switch-chosen-only",
            "switch-inside-branch",
            "switch-inside-switch",
            "switch-inside-foreach",
        ),
    ),
    Mutant(
        "choice-within-a-case-not-read",
        "walk_graph.py",
        _CHOSEN,
        f"{_CHOSEN}\n"
        "        all_of_them = self._plan.steps.values()\n"
        "        cases = {s for one in all_of_them if one.is_switch for s in one.out}\n"
        "        if step.name in cases and not task.launch.index:\n"
        "            chosen = step.out[-1]",
        kills={"switch-inside-switch": "number of tasks of step 'never_flat'"},
        also=("switch-merge", "switch-inside-branch"),
    ),
    Mutant(
        "choice-kept-by-step",
        "walk_graph.py",
        _CHOSEN,
        "chosen = self.__dict__.setdefault(step.name, handout.chosen)",
        kills={"switch-inside-foreach": "number of tasks of step 'odd_one'"},
    ),
    Mutant(
        "place-lost-after-a-switch",
        "walk_graph.py",
        "return self._enter(chosen, refs, task.launch.index, task.arm)",
        "return self._enter(chosen, refs, task.launch.index, None)",
        kills={"switch-inside-branch": "number of tasks of step 'join'"},
        also=("switch-inside-foreach",),
    ),
)

TRIES = (
    Mutant(
        "retry-count-from-one",
        "command.py",
        '*("--retry-count", str(launch.attempt)),',
        '*("--retry-count", str(launch.attempt + 1)),',
        kills={
            "retry-count": "as Metaflow registered them",
            "retry-last-attempt-counts": "item and successful attempt of each input of 'join'",
        },
        also=("retry-keeps-run", "retry-after-a-late-death"),
    ),
    Mutant(
        "killed-attempts-not-retried",
        "walk.py",
        "or exit_code == DO_NOT_RETRY:",
        "or exit_code == DO_NOT_RETRY or exit_code < 0:",
        kills={"retry-after-a-late-death": "number of tasks of step 'end' (none)"},
        also=("retry-count", "retry-last-attempt-counts"),
    ),
    Mutant(
        "attempt-in-the-task-id",
        "command.py",
        '*("--task-id", launch.task_id),\n        *_inputs(',
        '*("--task-id", "-".join([launch.task_id, *["again"] * launch.attempt])),\n'
        "        *_inputs(",
        kills={"retry-same-task": "number of tasks of step 'start'"},
        also=(
            "retry-count",
            "retry-last-attempt-counts",
            "retry-keeps-run",
            "retry-after-a-late-death",
            "foreach-after-retry",
        ),
    ),
    Mutant(
        "retried-entry-sets-the-run-up-again",
        "launch.py",
        "listing = None",
        _INIT_AGAIN.format(
            when=" and launch.attempt", id='f"{launch.task_id}-params-again"', run="run"
        ),
        kills={"retry-keeps-run": "number of tasks of _parameters"},
    ),
    Mutant(
        "entry-overwrites-parameters-with-defaults",
        "launch.py",
        "listing = None",
        _INIT_AGAIN.format(
            when="",
            id='f"{launch.task_id}-params"',
            run="dataclasses.replace(run, parameters={})",
        ),
        kills={
            "resume-locally": "what 'join' got from all three items",
            "params-byte-for-byte": "parameter 'text' in the task",
        },
        also=("params-of-every-type", "params-of-any-name", "params-included-file"),
    ),
    Mutant(
        "one-user-retry-too-many-announced",
        "command.py",
        "str(step.user_retries)",
        "str(step.user_retries + 1)",
        kills={"catch-exception": "attempts of task raised"},
        also=("catch-after-retries", "catch-dead-process"),
    ),
    Mutant(
        "user-retries-left-out",
        "command.py",
        '*("--max-user-code-retries", str(step.user_retries)),',
        "",
        kills={"timeout-every-attempt": "--max-user-code-retries is missing"},
        also=("timeout-with-retry",),
    ),
    Mutant(
        "timed-out-attempts-not-retried",
        "walk.py",
        "or exit_code == DO_NOT_RETRY:",
        "or exit_code == DO_NOT_RETRY or (\n"
        "            step.timeout and step.attempts <= 1 + step.user_retries\n"
        "        ):",
        kills={"timeout-with-retry": "attempts of task recovered"},
    ),
)

_CHOSEN = '{obj.graph[name].type for name in node.in_funcs} == {"split-switch"}'

PLACES = (
    Mutant(
        "choice-of-the-first-attempt",
        "launch.py",
        'Handout.from_dict(json.loads(self.path("handout").read_text()))',
        "Handout.from_dict(\n"
        "                {\n"
        "                    name: value if name != 'chosen' or not self.launch.attempt else None\n"
        "                    for name, value in json.loads(\n"
        '                        self.path("handout").read_text()\n'
        "                    ).items()\n"
        "                }\n"
        "            )",
        kills={"switch-after-retry": "number of tasks of step 'many'"},
        also=("switch-of-a-foreach", "switch-of-a-split"),
    ),
    Mutant(
        "chosen-foreach-taken-for-one-step",
        "compile_steps.py",
        "type=node.type,",
        f'type="linear" if node.type == "foreach" and {_CHOSEN} else node.type,',
        kills={"switch-of-a-foreach": "number of tasks of step 'each'"},
        also=("switch-of-a-split",),
    ),
    Mutant(
        "chosen-split-taken-for-one-step",
        "compile_steps.py",
        "out=tuple(node.out_funcs),",
        f'out=tuple(node.out_funcs)[: 1 if node.type == "split" and {_CHOSEN} else None],',
        kills={"switch-of-a-split": "number of tasks of step 'right'"},
    ),
    Mutant(
        "later-turns-of-an-item-share-an-id",
        "walk_graph.py",
        "iteration=(task.iteration or 0) + 1,",
        "iteration=1 if task.launch.index else (task.iteration or 0) + 1,",
        kills={"loop-inside-foreach": "number of tasks of step 'turn'"},
    ),
    Mutant(
        "one-task-at-a-time",
        "embedded_executor.py",
        "self._room = Room(run.plan.max_workers)",
        "self._room = Room(1)",
        kills={"branches-overlap": "seconds for which both branches worked"},
    ),
    Mutant(
        "failed-last-step-ends-the-run-well",
        "walk.py",
        '            what = "init" if launch.is_init else',
        "            if step is not None and not step.out:\n"
        "                self._verdict = State.SUCCEEDED\n"
        "                return []\n"
        '            what = "init" if launch.is_init else',
        kills={"failing-last-step": "the final status"},
    ),
)
