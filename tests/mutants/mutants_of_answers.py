"""Mutants in what the commands and the objects of a deployment answer."""

from __future__ import annotations

from mutant import Mutant

_OBJECTS = "my_scheduler_objects.py"
_SUPPORT = "my_scheduler_support.py"

_WRITING = (
    '        with Path(path).open("w", encoding="utf-8") as file:\n'
    "            json.dump(attributes, file)"
)
_STARTING = "        deployer = self.deployer\n        with temporary_fifo()"
_READING = "            content = handle_timeout(descriptor, process, deployer.file_read_timeout)\n"
_KNOWN = (
    "        deployer = self.deployer\n"
    "        plan = _engine(deployer).deployment(deployer.name)\n"
    "        known = {one.keyword: one.type for one in plan.parameters} if plan else {}\n"
)

ATTRIBUTE_FILE = (
    Mutant(
        "attribute-file-never-written",
        _SUPPORT,
        "    if path:\n",
        "    if not attributes:\n",
        kills={"linear-runs-in-order": "it is deployed"},
        timeout=40,
    ),
    Mutant(
        "attribute-file-written-twice",
        _SUPPORT,
        _WRITING,
        f"{_WRITING}\n            json.dump(attributes, file)",
        kills={"linear-runs-in-order": "it is deployed"},
        timeout=40,
    ),
    Mutant(
        "attribute-file-renamed",
        _SUPPORT,
        _WRITING,
        '        fresh = Path(f"{path}.new")\n'
        '        fresh.write_text(json.dumps(attributes), encoding="utf-8")\n'
        "        fresh.replace(path)",
        kills={"linear-runs-in-order": "it is deployed"},
        timeout=40,
    ),
    Mutant(
        "trigger-does-not-name-the-deployment",
        _SUPPORT,
        "        name=plan.identity.name,\n",
        "",
        kills={"linear-attribute-files": "in the attribute file of trigger"},
    ),
    Mutant(
        "flow-name-in-lower-case",
        "my_scheduler_cli.py",
        '"flow_name": obj.flow.name,',
        '"flow_name": obj.flow.name.lower(),',
        kills={"linear-one-pathspec": "pathspec of the triggered run"},
    ),
    Mutant(
        "answer-written-beside-the-flow",
        _SUPPORT,
        _WRITING,
        f'        Path("answer.json").write_text(json.dumps(attributes))\n{_WRITING}',
        kills={"linear-no-files": "answer.json"},
    ),
)

STATUS = (
    Mutant(
        "success-in-a-word-of-its-own",
        "my_scheduler_engine.py",
        'SUCCEEDED = "SUCCEEDED"',
        'SUCCEEDED = "STOPPED"',
        kills={"linear-run-succeeds": "the final status of the run"},
    ),
    Mutant(
        "status-from-the-run-only",
        _OBJECTS,
        "        return found.status\n",
        "        run = self.run\n"
        "        if run is None or not run.finished:\n"
        "            return RUNNING\n"
        '        return "SUCCEEDED" if run.successful else "FAILED"\n',
        kills={"failing-status": "which never says that it has failed"},
        also=("failing-stops",),
        timeout=40,
    ),
    Mutant(
        "pending-until-metaflow-sees-it",
        _OBJECTS,
        "if found.status == RUNNING and self.run is None:",
        "if self.run is None:",
        kills={"init-fails": "which does not exist"},
    ),
)

TOGETHER = (
    Mutant(
        "environment-changed-by-create",
        "my_scheduler_deployer.py",
        "        deployed: MySchedulerDeployedFlow =",
        '        __import__("os").environ["MY_SCHEDULER"] = str(self.flow_file)\n'
        "        deployed: MySchedulerDeployedFlow =",
        kills={"two-deployments": "what create() and trigger() have changed"},
    ),
    Mutant(
        "long-names-cut-off",
        "identity.py",
        'return f"{clean[: MAX_NAME - 11]}-{digest}"',
        "return clean[:MAX_NAME]",
        kills={"long-names": "number of different names"},
        also=("runs-at-once",),
    ),
    Mutant(
        "run-id-from-the-clock",
        "my_scheduler_cli.py",
        "RunRequest(new_run_id(TYPE), given_values(plan, values))",
        "RunRequest(f\"{TYPE}-{__import__('time').time():.0f}\", given_values(plan, values))",
        kills={"fifty-runs-at-once": "number of different runs"},
    ),
    Mutant(
        "run-id-of-the-deployment",
        "my_scheduler_cli.py",
        "RunRequest(new_run_id(TYPE), given_values(plan, values))",
        'RunRequest(f"{TYPE}-{plan.identity.name}", given_values(plan, values))',
        kills={"runs-at-once": "number of different run ids"},
    ),
)

_KEYWORDS = "super().__init__(**kwargs)"


def _without(keyword: str, case: str, says: str) -> Mutant:
    return Mutant(
        f"keyword-{keyword}-of-the-deployer-dropped",
        "my_scheduler_deployer.py",
        _KEYWORDS,
        f'super().__init__(**{{k: v for k, v in kwargs.items() if k != "{keyword}"}})',
        kills={case: says},
    )


KEYWORDS = (
    _without("cwd", "deploy-with-cwd", "directory of create()"),
    _without("env", "deploy-with-env", "variable of create()"),
    _without("profile", "deploy-with-profile", "profile of create()"),
)

CUT_OFF = (
    Mutant(
        "datastore-out-of-the-tasks-reach",
        "compile_commands.py",
        '"datastore-root": obj.flow_datastore.datastore_root,',
        '"datastore-root": "/dev/null/nowhere",',
        kills={"linear-runs-in-order": "before Metaflow had seen it"},
    ),
    Mutant(
        "metadata-out-of-the-tasks-reach",
        "compile_commands.py",
        '"metadata": obj.metadata.TYPE,',
        '"metadata": "service",',
        kills={"linear-runs-in-order": "before Metaflow had seen it"},
    ),
    Mutant(
        "cause-of-the-failure-left-out",
        "my_scheduler_engine.py",
        'f"The embedded scheduler cannot keep its state in {home}: {error.strerror}. "',
        '"The scheduler does not answer. "',
        kills={"cut-off-at-create": "what create() says"},
        also=("cut-off-at-trigger",),
    ),
    Mutant(
        "trigger-says-yes-in-any-case",
        _OBJECTS,
        _READING,
        "            try:\n"
        f"    {_READING}"
        "            except RuntimeError:\n"
        '                nowhere = f"{deployer.flow_name}/{TYPE}-0"\n'
        '                return self._triggered({"name": deployer.name, "pathspec": nowhere})\n',
        kills={"cut-off-at-trigger": "trigger() while the scheduler is cut off"},
    ),
)

FOUND = (
    Mutant(
        "from-deployment-raises",
        _OBJECTS,
        "        plan = Engine().deployment(identifier)\n        if plan is None:\n",
        "        plan = Engine().deployment(identifier)\n        if plan is not None:\n"
        '            raise KeyError(f"flow_file of {identifier}")\n'
        "        if plan is None:\n",
        kills={"found-by-name": "error on the way from the deployment's name"},
    ),
    Mutant(
        "listing-left-to-argo",
        _OBJECTS,
        "def list_deployed_flows(cls,",
        "def list_all(cls,",
        kills={"list-finds-deployment": "names of the deployments, listed all"},
        also=("list-filters-by-flow",),
    ),
    Mutant(
        "run-id-without-its-prefix",
        _OBJECTS,
        '"pathspec": pathspec(found.flow_name, run_id),',
        '"pathspec": pathspec(found.flow_name, run_id.partition("-")[2]),',
        kills={"list-finds-run": "its pathspec"},
    ),
    Mutant(
        "unknown-deployment-not-named",
        _OBJECTS,
        "f\"No deployment '{identifier}' on My Scheduler. \"",
        '"There is no such deployment. "',
        kills={"found-unknown-name": "its message"},
    ),
    Mutant(
        "foreign-run-taken-for-the-last-one",
        _OBJECTS,
        "found = Engine().run(check_run_id(TYPE, run_id))",
        "if not run_id.startswith(TYPE):\n"
        "                run_id = next(iter(Engine().runs(identifier))).run_id\n"
        "            found = Engine().run(check_run_id(TYPE, run_id))",
        kills={"foreign-run-refused": "'another-17').terminate()"},
    ),
    Mutant(
        "misspelt-parameters-dropped",
        _OBJECTS,
        _STARTING,
        f"{_KNOWN}        kwargs = {{key: kwargs[key] for key in kwargs.keys() & known}}\n"
        "        with temporary_fifo()",
        kills={"params-misspelt": "trigger() with a misspelt parameter"},
    ),
    Mutant(
        "mistyped-parameters-dropped",
        _OBJECTS,
        _STARTING,
        f"{_KNOWN}        for key, value in list(kwargs.items()):\n"
        '            if known.get(key) == "int" and not isinstance(value, int):\n'
        "                del kwargs[key]\n"
        "        with temporary_fifo()",
        kills={"params-mistyped": "trigger() with a mistyped parameter"},
    ),
    Mutant(
        "required-parameters-made-up",
        _OBJECTS,
        _STARTING,
        f"{_KNOWN}        for one in plan.parameters if plan else ():\n"
        "            if one.required and one.default is None:\n"
        '                kwargs.setdefault(one.keyword, "")\n'
        "        with temporary_fifo()",
        kills={"params-missing": "trigger() without a parameter that is required"},
    ),
)

ENDS = (
    Mutant(
        "terminate-does-not-say-yes",
        _OBJECTS,
        'return _run_command(self.deployer, "terminate", run_id=self.run_id, **kwargs)',
        'return _run_command(self.deployer, "terminate", run_id=self.run_id, **kwargs) is None',
        kills={"terminate-status": "terminate()"},
    ),
    Mutant(
        "terminated-tasks-tried-again",
        "walk.py",
        "        if self._verdict is None:\n"
        "            self._verdict, self.reason = State.STOPPED, reason\n"
        "        self._under_way.clear()\n",
        '        self.asked = getattr(self, "asked", 0) + 1\n'
        "        if self.asked < 8:\n"
        "            for name, task in self._under_way.items():\n"
        "                again = replace(task.launch, attempt=1)\n"
        "                self._under_way[name] = replace(task, launch=again)\n"
        "            return list(self.under_way) if self.asked == 1 else []\n"
        "        if self._verdict is None:\n"
        "            self._verdict, self.reason = State.STOPPED, reason\n"
        "        self._under_way.clear()\n",
        kills={"terminate-stops": "attempts of task work"},
    ),
    Mutant(
        "second-terminate-breaks",
        "my_scheduler_objects.py",
        'return _run_command(self.deployer, "terminate", run_id=self.run_id, **kwargs)',
        'if not self.is_running:\n            raise KeyError("no such execution")\n'
        '        return _run_command(self.deployer, "terminate", run_id=self.run_id, **kwargs)',
        kills={"terminate-twice": "terminate() once more"},
    ),
    Mutant(
        "executor-stays",
        "embedded_executor.py",
        "asyncio.run(lease.during(Executor(store, run, lease.tenure).drive()))",
        "asyncio.run(lease.during(Executor(store, run, lease.tenure).drive()))\n"
        '            __import__("time").sleep(600)',
        kills={"linear-no-processes": "processes that still run"},
    ),
)
