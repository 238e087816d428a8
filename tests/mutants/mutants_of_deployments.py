"""Mutants in what a deployment carries into its runs, and in what one does with it."""

from __future__ import annotations

from mutant import Mutant

_SPLIT = "*_top_level(plan, site),\n        *_decospecs"
_INIT = '*_top_level(plan, site),\n        "init"'
_ALL_FOUND = (
    "found-keeps-parameters",
    "found-keeps-branch",
    "found-without-flow-file",
    "found-without-working-directory",
)
_NO_BRANCH = 'word not in ("--branch", "feature_x")'

SETTINGS = (
    Mutant(
        "resources-ignored",
        "compile_steps.py",
        'resources=_resources(decorators.get("resources"))',
        "resources={}",
        kills={"resources-compiled": "requests for cpu=3"},
    ),
    Mutant(
        "branch-missing-on-init",
        "command.py",
        _INIT,
        f'*(word for word in _top_level(plan, site) if {_NO_BRANCH}),\n        "init"',
        kills={"branch-on-run": "project_branch:test.feature_x"},
    ),
    Mutant(
        "branch-missing-on-last-step",
        "command.py",
        _SPLIT,
        "*(word for word in _top_level(plan, site)"
        f" if launch.step != plan.end_step or {_NO_BRANCH}),\n        *_decospecs",
        kills={"branch-in-every-step": "project identity in 'end'"},
    ),
    Mutant(
        "config-missing-in-last-step",
        "command.py",
        '"METAFLOW_STEP_NAME": launch.step,',
        '"METAFLOW_STEP_NAME": launch.step,\n'
        '        **({"METAFLOW_FLOW_CONFIG_VALUE": "{}"} if launch.step == plan.end_step else {}),',
        kills={"config-in-decorators": "is missing in the commands of some steps"},
        also=("config-values", "config-in-environment", "branch-of-user"),
    ),
    Mutant(
        "configs-handed-on-where-one-was-given",
        "compile_commands.py",
        "    if configs:",
        '    if "mok_default" not in json.dumps(configs):',
        kills={"config-defaults": "before Metaflow had seen it"},
    ),
    Mutant(
        "configs-as-raw-values",
        "compile_commands.py",
        "{name: ConfigInput.make_key_name(name) for name in sorted(configs)}",
        "{name: configs[name][0] for name in sorted(configs)}",
        kills={"config-values": "raw values instead of kv.<name>"},
        also=("config-in-decorators", "config-in-environment", "branch-of-user"),
    ),
    Mutant(
        "environment-not-set",
        "command.py",
        "own = step.environment if step else {}",
        "own: dict[str, str] = {}",
        kills={"config-in-environment": "variables in 'start'"},
    ),
)

PARAMETERS = (
    Mutant(
        "parameters-stripped",
        "command.py",
        'f"--{name}={value}"',
        'f"--{name}={value.strip()}"',
        kills={"params-byte-for-byte": "parameter 'lines' in the task"},
    ),
    Mutant(
        "parameters-dropped",
        "plan.py",
        "return {**defaults, **self.parameters}",
        "return {**self.parameters, **defaults}",
        kills={
            "params-byte-for-byte": "parameter 'text' in the task",
            "params-of-every-type": "parameter 'count' in the task",
            "params-of-any-name": "parameter with the attribute 'my_word'",
        },
        also=("params-included-file",),
    ),
    Mutant(
        "false-taken-for-nothing",
        "trigger.py",
        "_evaluated(options.get(parameter.keyword))",
        "_evaluated(options.get(parameter.keyword) or None)",
        kills={"params-of-every-type": "parameter 'flag' in the task"},
    ),
    Mutant(
        "looked-up-by-own-name",
        "trigger.py",
        "options.get(parameter.keyword)",
        "options.get(parameter.name)",
        kills={"params-of-any-name": "parameter with the attribute 'my_word'"},
    ),
    Mutant(
        "json-values-lost",
        "trigger.py",
        "_evaluated(options.get(parameter.keyword))",
        '_evaluated(None if parameter.type == "JSON" else options.get(parameter.keyword))',
        kills={"found-keeps-parameters": "parameters in 'start'"},
    ),
    Mutant(
        "function-defaults-lost",
        "compile_parameters.py",
        'default=encode(deploy_time_eval(parameter.kwargs.get("default")), type_name)',
        'default=encode(None if hasattr(d := parameter.kwargs.get("default"), "fun")'
        " else deploy_time_eval(d), type_name)",
        kills={"params-computed-default": "parameter 'stamp'"},
        also=("params-defaults",),
    ),
    Mutant(
        "found-parameters-untyped",
        "stub.py",
        'kind = _TYPES.get(parameter.type, "str")',
        'kind = "str"',
        kills={"found-by-name": "the stub flow lacks @project or the parameters"},
        also=_ALL_FOUND,
    ),
    Mutant(
        "found-by-class-name",
        "my_scheduler_objects.py",
        "plan = Engine().deployment(identifier)",
        'plan = Engine().deployment(identifier.split(".")[-1])',
        kills={"found-by-name": "the flow's name is cut out of the identifier"},
        also=_ALL_FOUND,
    ),
)

OPERATIONS = (
    Mutant(
        "listing-not-filtered",
        "my_scheduler_objects.py",
        "if flow_name is None or plan.identity.flow_name == flow_name:",
        "if flow_name is None or plan.identity.flow_name:",
        kills={"list-filters-by-flow": "deployments of a flow that does not exist"},
        also=("list-finds-deployment",),
    ),
    Mutant(
        "listing-by-the-beginning-of-a-name",
        "my_scheduler_objects.py",
        "plan.identity.flow_name == flow_name",
        "plan.identity.flow_name.startswith(flow_name)",
        kills={"list-filters-by-flow": "deployments of a flow that does not exist"},
    ),
    Mutant(
        "children-of-tasks-live-on",
        "process.py",
        "os.killpg(pid, number)",
        "os.kill(pid, number)",
        kills={"terminate-processes": "processes that still run"},
        second=("found.append(int(pid))", "found.clear()"),
    ),
    Mutant(
        "logs-not-stored",
        "launch.py",
        "store.save_logs(TASK_LOG_SOURCE, streams)",
        "str(streams)",
        kills={"linear-logs": "Task.stdout", "failing-logs": "Task.stdout"},
    ),
    Mutant(
        "logs-of-attempt-0",
        "launch.py",
        'launch.task_id, launch.attempt, mode="w"',
        'launch.task_id, 0, mode="w"',
        kills={"retry-logs": "Task.stdout of 'join'"},
    ),
)

PACKAGE = (
    Mutant(
        "deployers-file-in-place",
        "package.py",
        "script=script_name(),",
        'script=os.path.realpath(__import__("sys").argv[0]),',
        kills={
            "package-runs-what-was-deployed": "the flow that 'start' ran",
            "package-brings-modules": "the helper that 'start' ran",
        },
        also=("package-for-client",),
    ),
    Mutant(
        "module-beside-the-flow-left-behind",
        "package.py",
        "suffixes=obj.package_suffixes,",
        'user_code_filter=lambda name: not name.endswith("_words.py"),',
        kills={"package-brings-modules": "error on the way to the end of the run"},
        also=("package-runs-what-was-deployed", "package-for-client"),
    ),
    Mutant(
        "code-unknown-to-the-client",
        "compile_commands.py",
        '"METAFLOW_CODE_SHA": code.sha,',
        "",
        kills={"package-for-client": "Run.code"},
    ),
)
