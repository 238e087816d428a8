"""Mutants in what a deployment carries along: identity, settings, parameters, code."""

from __future__ import annotations

from mutant import Mutant

_STEP = '"METAFLOW_STEP_NAME": launch.step,'
_SAVED = "self._store.save_deployment(plan, code)"
_ADDED = "self._store.add_run(name, plan, code, request)"

IDENTITY = (
    Mutant(
        "branch-on-last-step-only",
        "command.py",
        "*_top_level(plan, site),\n        *_decospecs",
        "*(word for word in _top_level(plan, site)"
        ' if launch.step == plan.end_step or word not in ("--branch", "feature_x")),\n'
        "        *_decospecs",
        kills={"branch-in-every-step": "project identity in 'start'"},
    ),
    Mutant(
        "branch-on-first-step-only",
        "command.py",
        "*_top_level(plan, site),\n        *_decospecs",
        "*(word for word in _top_level(plan, site)"
        ' if launch.step == plan.start_step or word not in ("--branch", "feature_x")),\n'
        "        *_decospecs",
        kills={"branch-in-every-step": "project identity in 'middle'"},
    ),
    Mutant(
        "branch-not-in-the-name",
        "identity.py",
        "        name = sanitise(project_flow_name)\n",
        "        name = sanitise(flow_name)\n",
        kills={"branch-in-name": "name of the deployment"},
    ),
    Mutant(
        "branch-not-kept",
        "compile_commands.py",
        "options.update(deco.get_top_level_options())",
        'options.update(one for one in deco.get_top_level_options() if one[0] != "branch")',
        kills={"found-keeps-branch": "the raw branch is not stored with the deployment"},
        also=("branch-of-production",),
    ),
    Mutant(
        "production-dropped",
        "compile_commands.py",
        "options.update(deco.get_top_level_options())",
        'options.update(one for one in deco.get_top_level_options() if one[0] != "production")',
        kills={"branch-of-production": "project identity in 'start'"},
    ),
    Mutant(
        "flow-file-run-in-place",
        "compiler.py",
        "return Path(sys.argv[0]).name",
        "return str(Path(sys.argv[0]).resolve())",
        kills={
            "found-without-flow-file": "the tasks run the deployer's own file",
            "edited-after-create": "what 'start' and 'end' have of the edit",
        },
        also=(
            "found-by-name",
            "found-keeps-branch",
            "found-keeps-parameters",
            "found-without-working-directory",
            "branch-of-production",
        ),
    ),
    Mutant(
        "working-directory-of-create-gone-to",
        "my_scheduler_engine.py",
        _SAVED,
        f"import os\n        {_SAVED}\n"
        "        (self._store.home / plan.identity.name).write_text(os.getcwd())",
        second=(
            _ADDED,
            f"import os\n        os.chdir((self._store.home / name).read_text())\n        {_ADDED}",
        ),
        kills={"found-without-working-directory": "trigger: "},
        also=(
            "found-by-name",
            "found-without-flow-file",
            "found-keeps-branch",
            "found-keeps-parameters",
            "branch-of-production",
        ),
    ),
    Mutant(
        "cards-stored-elsewhere",
        "compile_commands.py",
        '"USER": identity.owner,',
        '"USER": identity.owner,\n        "METAFLOW_CARD_LOCALROOT": "/dev/null/cards",',
        kills={"card-stored": "number of cards of 'end'"},
    ),
    Mutant(
        "another-user-in-the-last-step",
        "command.py",
        _STEP,
        f"{_STEP}\n"
        '        **(dict.fromkeys(("METAFLOW_USER", "METAFLOW_OWNER", "USER"), "worker")\n'
        "            if launch.step == plan.end_step else {}),",
        kills={"branch-of-user": "current.branch_name in 'end'"},
    ),
    Mutant(
        "resources-refused",
        "compiler.py",
        '_COMPUTE = ("kubernetes",',
        '_COMPUTE = ("resources", "kubernetes",',
        kills={"resources-run": "it is deployed"},
    ),
)

VALUES = (
    Mutant(
        "first-parameter-only",
        "trigger.py",
        "for parameter in plan.parameters:",
        "for parameter in plan.parameters[:1]:",
        kills={"params-byte-for-byte": "parameter 'text' in the task"},
        also=("params-of-every-type", "params-of-any-name", "params-included-file"),
    ),
    Mutant(
        "values-expanded-like-a-shell",
        "command.py",
        'f"--{name}={value}"',
        "f\"--{name}={__import__('os').path.expandvars(value)}\"",
        kills={"params-byte-for-byte": "parameter 'dollar' in the task"},
        also=("params-of-every-type", "params-of-any-name"),
    ),
    Mutant(
        "included-files-dropped",
        "trigger.py",
        "return value(return_str=True)",
        "return None",
        kills={"params-included-file": "included file 'doc' in the task"},
    ),
    Mutant(
        "no-value-becomes-the-text-none",
        "plan.py",
        "defaults = {p.name: p.default for p in plan.parameters if p.default is not None}",
        "defaults = {\n"
        "            p.name: str(p.default)\n"
        "            for p in plan.parameters\n"
        '            if p.default is not None or p.type == "str"\n'
        "        }",
        kills={"params-defaults": "parameter 'nothing' in the task"},
    ),
)

SEQUELS = (
    Mutant(
        "success-not-published",
        "embedded_executor.py",
        "if self._walker.state is State.SUCCEEDED:",
        "if self._walker.state is State.RUNNING:",
        kills={"finish-starts-run": "number of runs after the other flow has succeeded"},
        also=("finish-in-current",),
    ),
    Mutant(
        "resumed-with-the-old-code",
        "my_scheduler_engine.py",
        "plan = replace(plan, configs=self._origin(request.origin_run_id).plan.configs)",
        "plan, code = (origin := self._origin(request.origin_run_id)).plan, origin.code",
        kills={"resume-runs-the-rest": "work/t-work-1"},
        also=("resume-keeps-parameters",),
    ),
    Mutant(
        "hook-decides-about-the-run",
        "embedded_executor.py",
        'print(f"exit hook {hook}: exit code {exit_code}", file=sys.stderr)',
        "failed = \"UPDATE run SET state = 'failed' WHERE run_id = ?\"\n"
        "                if exit_code:\n"
        "                    with self._store.database.transaction() as database:\n"
        "                        database.execute(failed, (self._id,))",
        kills={"hooks-keep-success": "an exit hook that raises fails the run"},
    ),
)
