"""Mutants in how a run goes: order, graphs, attempts."""

from __future__ import annotations

from mutant import Mutant

LINEAR_DAG = (
    Mutant(
        "status-says-success",
        "my_scheduler_objects.py",
        "        return found.status\n",
        '        return "SUCCEEDED" if found.status == "FAILED" else found.status\n',
        kills={"failing-status": "the final status"},
    ),
    Mutant(
        "exit-code-ignored",
        "walk.py",
        "if exit_code != 0:",
        "if exit_code not in (0, 1):",
        kills={"failing-stops": "number of tasks of step 'end'"},
        also=("failing-status",),
    ),
    Mutant(
        "tags-on-steps-only",
        "command.py",
        "*_tags(plan),\n        *values",
        "*values",
        kills={"linear-tags-on-run": "user tags of the run"},
    ),
    Mutant(
        "integer-task-ids",
        "identity.py",
        'return "-".join(["t", step, *map(str, index), *turn])',
        "return str(int.from_bytes(repr((step, index, turn)).encode()[-12:], 'big'))",
        kills={"linear-ids": "the task ids are integers", "linear-visible": "step 'hold' (none)"},
        also=(
            "linear-runs-in-order",
            "linear-run-succeeds",
            "linear-one-pathspec",
            "linear-trigger-returns",
            "linear-logs",
        ),
    ),
    Mutant(
        "datastore-root-doubled",
        "compile_commands.py",
        'variables["METAFLOW_DATASTORE_SYSROOT_LOCAL"] = str(root.parent)',
        'variables["METAFLOW_DATASTORE_SYSROOT_LOCAL"] = str(root)',
        kills={"linear-visible": "error of Metaflow's client"},
    ),
    Mutant(
        "trigger-blocks",
        "embedded_runs.py",
        "stdout=log,",
        "stdout=None,",
        kills={"linear-trigger-returns": "'hold' was not released"},
        also=("linear-visible",),
    ),
    Mutant(
        "entry-step-by-name",
        "compiler.py",
        "start_step=graph.start_step",
        'start_step=graph["start"].name',
        kills={"renamed-start-and-end": "it is deployed"},
    ),
    Mutant(
        "over-when-the-entry-is-the-end",
        "walk.py",
        "if self._graph.is_last(task):",
        "alone = self._plan.start_step == self._plan.end_step\n"
        "        if self._graph.is_last(task) or (launch.is_init and alone):",
        kills={"single-step": "number of tasks of step 'only'"},
        also=("runs-at-once", "long-names"),
    ),
)

GRAPHS = (
    Mutant(
        "join-misses-an-input",
        "walk_graph.py",
        "if len(fan.arrived) < fan.width:",
        "if len(fan.arrived) < fan.width - 1:",
        kills={"branches-join-inputs": "join"},
        also=("branches-run-once", "branches-join-of-six"),
    ),
    Mutant(
        "foreach-width-one",
        "my_scheduler_decorator.py",
        'handout["width"] = flow._foreach_num_splits',
        'handout["width"] = 1',
        kills={"foreach-task-per-item": "number of tasks of step 'name_it'"},
        also=("foreach-whole-body", "foreach-join-order"),
    ),
    Mutant(
        "join-order-reversed",
        "walk_graph.py",
        "for position in sorted(fan.arrived)",
        "for position in sorted(fan.arrived, reverse=True)",
        kills={"foreach-join-order": "in the order they came"},
    ),
    Mutant(
        "inner-items-repeated",
        "walk_graph.py",
        "split_index=item,",
        "split_index=0 if task.launch.index else item,",
        kills={"nested-index-paths": "number of tasks of step"},
        also=("nested-joins", "nested-split"),
    ),
    Mutant(
        "all-cases-of-a-switch",
        "walk_graph.py",
        "return self._enter(chosen, refs, task.launch.index, task.arm)",
        "return [x for s in step.out for x in self._enter(s, refs, task.launch.index, task.arm)]",
        kills={"switch-chosen-only": "number of tasks of step 'never_a'"},
        also=(
            "switch-merge",
            "switch-inside-branch",
            "switch-inside-switch",
            "switch-inside-foreach",
        ),
    ),
    Mutant(
        "turns-share-an-id",
        "identity.py",
        'turn = [] if iteration is None else [f"r{iteration}"]',
        "turn: list[str] = []",
        kills={"loop-tasks": "number of tasks of step 'loop'"},
        also=("loop-inside-foreach",),
    ),
    Mutant(
        "nodes-that-lead-themselves",
        "my_scheduler_decorator.py",
        'facts = json.loads(os.environ.get(_FACTS, "{}"))',
        'facts = json.loads(os.environ.get(_FACTS, "{}"))\n'
        '        os.environ["MF_PARALLEL_CONTROL_TASK_ID"] = task_id',
        kills={"parallel-one-gang": "the control task that each node names"},
    ),
    Mutant(
        "gang-without-workers",
        "walk_graph.py",
        "for mapper in handout.mappers)",
        "for mapper in handout.mappers[:1])",
        kills={"parallel-nodes": "as 'join' saw them"},
    ),
)

ATTEMPTS = (
    Mutant(
        "retry-count-constant",
        "command.py",
        '*("--retry-count", str(launch.attempt)),',
        '*("--retry-count", str(launch.attempt * 0)),',
        kills={"retry-count": "as Metaflow registered them"},
        also=(
            "retry-last-attempt-counts",
            "retry-same-task",
            "retry-keeps-run",
            "retry-after-a-late-death",
        ),
    ),
    Mutant(
        "retry-count-gap",
        "command.py",
        '*("--retry-count", str(launch.attempt)),',
        '*("--retry-count", str(launch.attempt and launch.attempt + 1)),',
        kills={"with-retry-at-deploy": "as Metaflow registered them"},
        also=("with-catch-at-deploy",),
    ),
    Mutant(
        "user-retries-not-passed",
        "command.py",
        "str(step.user_retries)",
        '"0"',
        kills={"catch-after-retries": "--max-user-code-retries"},
    ),
    Mutant(
        "error-retries-ignored",
        "compile_steps.py",
        "return min(1 + user + error, MAX_ATTEMPTS)",
        "return min(1 + user, MAX_ATTEMPTS)",
        kills={"catch-dead-process": "step_task_retry_count()"},
    ),
    Mutant(
        "with-not-forwarded",
        "command.py",
        "(*step.decospecs, internal_decorator)",
        "(internal_decorator,)",
        kills={"with-catch-at-deploy": "the step commands lack --with"},
        also=("with-retry-at-deploy",),
    ),
    Mutant(
        "scheduler-times-out-first",
        "launch.py",
        "TIMEOUT_SLACK = 120.0",
        "TIMEOUT_SLACK = 0.0",
        kills={
            "timeout-with-catch": "the scheduler kills the step first",
            "timeout-alone": "timed out",
        },
        also=("timeout-every-attempt", "timeout-with-retry"),
    ),
)

_SAVED = "        self._store.save_deployment(plan, code)\n"
_ENDS = 'self._store.ask_to_stop(run_id, "terminated by request")'

REDEPLOYS = (
    Mutant(
        "deployment-kept-as-it-was",
        "my_scheduler_engine.py",
        _SAVED,
        f"        if self.deployment(plan.identity.name) is None:\n    {_SAVED}",
        kills={"redeploy-replaces": "the word in the code of the run"},
    ),
    Mutant(
        "runs-ended-by-a-deployment",
        "my_scheduler_engine.py",
        _SAVED,
        "        for one in self._store.runs(plan.identity.name):\n"
        f"            {_ENDS.replace('run_id', 'one.request.run_id')}\n{_SAVED}",
        kills={"redeploy-leaves-runs": "the final status of the run"},
        also=("terminate-this-run",),
    ),
    Mutant(
        "all-runs-of-the-deployment-terminated",
        "my_scheduler_engine.py",
        f"        {_ENDS}\n",
        "        record = self._store.run(run_id)\n"
        "        for one in self._store.runs(record and record.deployment):\n"
        f"            {_ENDS.replace('run_id', 'one.request.run_id')}\n",
        kills={"terminate-this-run": "the final status of the run"},
        also=("redeploy-leaves-runs",),
    ),
    Mutant(
        "graph-not-checked",
        "my_scheduler_cli.py",
        "    obj.check(obj.graph, obj.flow, obj.environment, pylint=obj.pylint)\n",
        "",
        kills={"unreachable-step-refused": "create() of a flow whose step 'lost'"},
    ),
    Mutant(
        "runtime-left-out",
        "compile_commands.py",
        "        **obj.metadata.get_runtime_environment(scheduler),\n",
        "",
        kills={"runtime-on-run": "system tags of the run that name what it runs on"},
    ),
)
