"""Mutants in what an orchestrator need not be able to do: tokens, hooks, resume, triggers."""

from __future__ import annotations

from mutant import CONTROL, Mutant

TOKENS = (
    Mutant(
        "token-not-asked-for",
        "identity.py",
        "if existing is None or existing.owner == user:",
        "if existing is None or user:",
        kills=("token-refuses-redeploy", "token-guards-operations"),
        says="create() by another user",
        also=("token-on-run",),
    ),
    Mutant(
        "token-not-asked-for-when-ending",
        "my_scheduler_support.py",
        "authorise_or_raise(obj.deployment, get_username(), existing, authorize)",
        "str(existing)",
        kills=("token-guards-operations",),
        says="terminate() by another user",
        also=("token-on-run",),
        spares=("token-refuses-redeploy", CONTROL),
    ),
    Mutant(
        "token-renewed-at-each-deploy",
        "identity.py",
        "elif previous is None or generate_new_token:",
        "elif True:",
        kills=("token-lets-in",),
        says="production_token of the deployment after the redeploy",
        spares=("token-refuses-redeploy", "token-on-run", CONTROL),
    ),
    Mutant(
        "token-not-in-the-environment",
        "compiler.py",
        '"METAFLOW_PRODUCTION_TOKEN": identity.production_token,',
        "",
        kills=("token-on-run",),
        says="system tags of the run",
        spares=("token-refuses-redeploy", "token-lets-in", CONTROL),
    ),
)

HOOKS = (
    Mutant(
        "hooks-of-success-only",
        "embedded_executor.py",
        "plan.success_hooks if succeeded else plan.error_hooks",
        "plan.success_hooks",
        kills=("hooks-after-failure",),
        says="hooks that were called",
        spares=("hooks-after-success", "hooks-keep-success", CONTROL),
    ),
    Mutant(
        "hooks-of-one-decorator",
        "compiler.py",
        "return tuple(hook for deco in decorators for hook in getattr(deco, which))",
        "return tuple(getattr(decorators[0], which)) if decorators else ()",
        kills=("hooks-after-success", "hooks-after-failure"),
        says="only one of several @exit_hook decorators is read",
        spares=("hooks-keep-success", CONTROL),
    ),
    Mutant(
        "hooks-stop-at-the-first-that-fails",
        "embedded_executor.py",
        'print(f"exit hook {hook}: exit code {exit_code}", file=sys.stderr)',
        "if exit_code:\n                    break",
        kills=("hooks-after-success", "hooks-after-failure"),
        says="a hook that raises keeps the others from being called",
        spares=("hooks-keep-success", CONTROL),
    ),
)

RESUME = (
    Mutant(
        "finished-tasks-run-again",
        "command.py",
        "if launch.clone_of is not None:",
        "if False:",
        kills=("resume-clones",),
        says="--clone-run-id is taken for a way to skip a task",
        spares=("resume-unknown-step", CONTROL),
    ),
    Mutant(
        "items-of-a-foreach-run-again",
        "walk.py",
        "if identifier in self._origin and inherited and not parallel:",
        "if identifier in self._origin and inherited and not parallel and not index:",
        kills=("resume-clones",),
        says="where work/",
        spares=("resume-keeps-parameters", "resume-unknown-step", CONTROL),
    ),
    Mutant(
        "resumed-run-takes-defaults",
        "my_scheduler_engine.py",
        "values = origin.request.values(origin.plan)",
        "values = {}",
        kills=("resume-keeps-parameters",),
        says="in the _parameters task of the resumed run",
        spares=("resume-clones", "resume-unknown-step", CONTROL),
    ),
    Mutant(
        "any-step-to-resume-from",
        "my_scheduler_cli.py",
        "if step_to_rerun is not None and step_to_rerun not in plan.steps:",
        "if False:",
        kills=("resume-unknown-step",),
        says="resume(step_to_rerun='no_such_step')",
        spares=("resume-clones", CONTROL),
    ),
)

STARTS = (
    Mutant(
        "schedule-ignored",
        "compile_starts.py",
        'if deco.name == "schedule" and deco.schedule:',
        'if deco.name == "schedule" and not deco.schedule:',
        kills=("schedule-starts-run",),
        says="at least one",
        also=("schedule-needs-defaults", "schedule-taken-away"),
    ),
    Mutant(
        "required-parameters-not-looked-at",
        "compile_starts.py",
        "if parameter.required and parameter.default is None and parameter.name not in mapped:",
        "if False:",
        kills=("schedule-needs-defaults",),
        says="Parameter('limit', required=True)",
        also=("schedule-starts-run", "schedule-taken-away"),
    ),
    Mutant(
        "schedule-stays-behind",
        "my_scheduler_engine.py",
        "        self._store.save_deployment(plan, code)",
        "        old = self.deployment(plan.identity.name)\n"
        "        if plan.schedule is None and old is not None:\n"
        "            plan = replace(plan, schedule=old.schedule)\n"
        "        self._store.save_deployment(plan, code)",
        kills=("schedule-taken-away",),
        says="create only adds and updates schedules",
        spares=("schedule-starts-run", "schedule-needs-defaults", CONTROL),
    ),
    Mutant(
        "payload-dropped",
        "starts.py",
        "if key in event.payload",
        "if parameter in event.payload",
        kills=("event-starts-run",),
        says="from the key 'said' of the payload",
        also=("event-in-current",),
    ),
    Mutant(
        "trigger-not-in-current",
        "my_scheduler_decorator.py",
        'current._update_env({"trigger": Trigger(triggers)})',
        "str(Trigger)",
        kills=("event-in-current", "finish-in-current"),
        says="current.trigger in 'middle'",
        spares=("event-starts-run", "finish-starts-run", CONTROL),
    ),
    Mutant(
        "triggers-not-stored",
        "my_scheduler_decorator.py",
        'facts["execution-triggers"]',
        'facts["triggers"]',
        kills=("event-in-current",),
        says="does not register the metadata execution-triggers",
        spares=("event-starts-run", CONTROL),
    ),
    Mutant(
        "finish-of-any-branch",
        "starts.py",
        'return ".".join(["metaflow", *filter(None, (project, branch)), flow_name, "end"])',
        'return ".".join(["metaflow", *filter(None, (project,)), flow_name, "end"])',
        kills=("finish-of-another-branch",),
        says="the filter has the flow's name only",
        also=("finish-starts-run", "finish-in-current"),
    ),
)

LIMITS = (
    Mutant(
        "five-attempts-at-most",
        "plan.py",
        "MAX_ATTEMPTS = 6",
        "MAX_ATTEMPTS = 5",
        kills=("six-attempts",),
        says="the attempts are not min(1 + user retries + error retries, 6)",
        spares=("catch-dead-process", CONTROL),
    ),
    Mutant(
        "addresses-are-no-names",
        "identity.py",
        "        name = sanitise(project_flow_name)\n",
        "        name = sanitise(project_flow_name)\n"
        '        if "@" in name:\n'
        '            raise ValueError(f"{name} is no valid name")\n',
        kills=("branch-of-an-address",),
        says="create() by the user a.b+c@d.e",
    ),
    Mutant(
        "delete-says-yes-to-nothing",
        "my_scheduler_objects.py",
        'return _run_command(self.deployer, "delete", **kwargs)',
        'return _run_command(self.deployer, "delete", **kwargs) or True',
        kills=("delete-once-and-twice",),
        says="delete() once more",
        spares=("foreign-run-refused", CONTROL),
    ),
)
