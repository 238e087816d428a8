"""Mutants in what an orchestrator need not be able to do: tokens, hooks, resume, triggers."""

from __future__ import annotations

from mutant import Mutant

TOKENS = (
    Mutant(
        "token-not-asked-for",
        "identity.py",
        "if existing is None or existing.owner == user:",
        "if existing is None or user:",
        kills={
            "token-refuses-redeploy": "create() by another user",
            "token-guards-operations": "terminate() by another user",
        },
        also=("token-on-run", "token-lets-in"),
    ),
    Mutant(
        "token-not-asked-for-when-ending",
        "my_scheduler_support.py",
        "authorise_or_raise(obj.deployment, get_username(), existing, authorize)",
        "str(existing)",
        kills={"token-guards-operations": "terminate() by another user"},
        also=("token-on-run",),
    ),
    Mutant(
        "token-renewed-at-each-deploy",
        "identity.py",
        "elif previous is None or generate_new_token:",
        "elif True:",
        kills={"token-lets-in": "production_token of the deployment after the redeploy"},
    ),
    Mutant(
        "token-not-in-the-environment",
        "compile_commands.py",
        '"METAFLOW_PRODUCTION_TOKEN": identity.production_token,',
        "",
        kills={"token-on-run": "system tags of the run"},
    ),
)

HOOKS = (
    Mutant(
        "hooks-of-success-only",
        "embedded_executor.py",
        "plan.success_hooks if succeeded else plan.error_hooks",
        "plan.success_hooks",
        kills={"hooks-after-failure": "hooks that were called"},
    ),
    Mutant(
        "hooks-of-one-decorator",
        "compiler.py",
        "return tuple(hook for deco in decorators for hook in getattr(deco, which))",
        "return tuple(getattr(decorators[0], which)) if decorators else ()",
        kills={
            "hooks-after-success": "only one of several @exit_hook decorators is read",
            "hooks-after-failure": "hooks that were called",
        },
    ),
    Mutant(
        "hooks-stop-at-the-first-that-fails",
        "embedded_executor.py",
        'print(f"exit hook {hook}: exit code {exit_code}", file=sys.stderr)',
        "if exit_code:\n                    break",
        kills={
            "hooks-after-success": "a hook that raises keeps the others from being called",
            "hooks-after-failure": "hooks that were called",
        },
    ),
)

RESUME = (
    Mutant(
        "finished-tasks-run-again",
        "command.py",
        "if launch.clone_of is not None:",
        "if False:",
        kills={"resume-clones": "--clone-run-id is taken for a way to skip a task"},
    ),
    Mutant(
        "items-of-a-foreach-run-again",
        "walk.py",
        "if identifier in self._origin and inherited and not launch.parallel:",
        "if identifier in self._origin and inherited and not (launch.parallel or launch.index):",
        kills={"resume-clones": "where work/"},
    ),
    Mutant(
        "resumed-run-takes-defaults",
        "my_scheduler_engine.py",
        "values = origin.request.values(origin.plan)",
        "values = {}",
        kills={"resume-keeps-parameters": "in the _parameters task of the resumed run"},
    ),
    Mutant(
        "resumed-run-id-of-the-origin",
        "my_scheduler_cli.py",
        "engine.resumption(new_run_id(TYPE), origin.run_id",
        'engine.resumption(f"{origin.run_id}again", origin.run_id',
        kills={"resume-twice": "ids of the two runs that were resumed"},
    ),
    Mutant(
        "any-step-to-resume-from",
        "my_scheduler_cli.py",
        "if step_to_rerun is not None and step_to_rerun not in plan.steps:",
        "if False:",
        kills={"resume-unknown-step": "resume(step_to_rerun='no_such_step')"},
    ),
)

STARTS = (
    Mutant(
        "schedule-ignored",
        "compile_starts.py",
        'if deco.name == "schedule" and deco.schedule:',
        'if deco.name == "schedule" and not deco.schedule:',
        kills={"schedule-starts-run": "at least one"},
        also=("schedule-needs-defaults", "schedule-taken-away", "schedule-in-its-zone"),
    ),
    Mutant(
        "time-zone-dropped",
        "compile_starts.py",
        'ZoneInfo(deco.timezone or "UTC")',
        'ZoneInfo("UTC")',
        kills={"schedule-in-its-zone": "by the clock of that zone"},
    ),
    Mutant(
        "required-parameters-not-looked-at",
        "compile_starts.py",
        "if parameter.required and parameter.default is None and parameter.name not in mapped:",
        "if False:",
        kills={"schedule-needs-defaults": "Parameter('limit', required=True)"},
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
        kills={"schedule-taken-away": "create only adds and updates schedules"},
    ),
    Mutant(
        "every-event-starts-a-run",
        "embedded_store.py",
        "complete(plan.triggers, _seen(transaction, name))",
        "complete(plan.triggers, {trigger.name: event for trigger in plan.triggers})",
        kills={"event-waits-for-all": "runs after the first of two events"},
    ),
    Mutant(
        "payload-dropped",
        "starts.py",
        "if key in event.payload",
        "if parameter in event.payload",
        kills={"event-starts-run": "from the key 'said' of the payload"},
        also=("event-in-current",),
    ),
    Mutant(
        "trigger-not-in-current",
        "my_scheduler_decorator.py",
        'current._update_env({"trigger": Trigger(triggers)})',
        "str(Trigger)",
        kills={
            "event-in-current": "current.trigger in 'middle'",
            "finish-in-current": "types of the events in current.trigger",
        },
    ),
    Mutant(
        "triggers-not-stored",
        "my_scheduler_decorator.py",
        'facts["execution-triggers"]',
        'facts["triggers"]',
        kills={"event-in-current": "does not register the metadata execution-triggers"},
    ),
    Mutant(
        "finish-of-any-branch",
        "starts.py",
        'return ".".join(["metaflow", *filter(None, (project, branch)), flow_name, "end"])',
        'return ".".join(["metaflow", *filter(None, (project,)), flow_name, "end"])',
        kills={"finish-of-another-branch": "the filter has the flow's name only"},
        also=("finish-starts-run", "finish-in-current"),
    ),
)

LIMITS = (
    Mutant(
        "five-attempts-at-most",
        "compile_steps.py",
        "MAX_ATTEMPTS = 6",
        "MAX_ATTEMPTS = 5",
        kills={"six-attempts": "the attempts are not min(1 + user retries + error retries, 6)"},
    ),
    Mutant(
        "max-workers-ignored",
        "embedded_executor.py",
        "self._room = Room(run.plan.max_workers)",
        "self._room = Room(1000)",
        kills={"max-workers": "tasks that worked at one time"},
    ),
    Mutant(
        "run-time-not-limited",
        "embedded_executor.py",
        "limit = self._run.plan.workflow_timeout",
        "limit = None",
        kills={"workflow-timeout": "the final status of a run of 45 s that may take 10 s"},
    ),
    Mutant(
        "retried-at-once",
        "compile_steps.py",
        'retry_delay=60.0 * float(retry.attributes["minutes_between_retries"]) if retry else 0.0',
        "retry_delay=0.0",
        kills={"retry-pause": "seconds from the start of the first attempt"},
    ),
    Mutant(
        "addresses-are-no-names",
        "identity.py",
        "        name = sanitise(project_flow_name)\n",
        "        name = sanitise(project_flow_name)\n"
        '        if "@" in name:\n'
        '            raise ValueError(f"{name} is no valid name")\n',
        kills={"branch-of-an-address": "create() by the user a.b+c@d.e"},
    ),
    Mutant(
        "delete-says-yes-to-nothing",
        "my_scheduler_objects.py",
        'return _run_command(self.deployer, "delete", **kwargs)',
        'return _run_command(self.deployer, "delete", **kwargs) or True',
        kills={"delete-once-and-twice": "delete() once more"},
    ),
)
