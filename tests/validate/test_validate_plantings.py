"""Faults hidden the way real code hides them are found; their correct variants are not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from metaflow_orchestrator_kit.validate.findings import Outcome, Verdict
from metaflow_orchestrator_kit.validate.runner import validate

Judge = Callable[..., Outcome]

RETRY, BRANCH, ENVIRONMENT, ROOT, CONFIG = "MOK006", "MOK005", "MOK008", "MOK007", "MOK004"

FAULTS = {
    "the constant goes through a helper": (
        RETRY,
        """
        def attempt():
            return 0
        def command(node):
            cmd = ["python", "f.py", "step", node, "--run-id", "r"]
            return [*cmd, "--retry-count", str(attempt())]
        """,
    ),
    "the constant is a class attribute": (
        RETRY,
        """
        class Builder:
            FIRST = "0"
            def command(self, node):
                cmd = ["python", "f.py", "step", node, "--run-id", "r"]
                cmd.extend(["--retry-count", self.FIRST])
                return cmd
        """,
    ),
    "the constant is in a shell line": (
        RETRY,
        """
        def command(node):
            return "set -e && python f.py step {} --run-id r --retry-count 0".format(node)
        """,
    ),
    "the constant is in generated code": (
        RETRY,
        '''
        def source(node, flow):
            return f"""
        import subprocess
        def run(attempt):
            cmd = ["python", {flow!r}, "step", {node!r}, "--run-id", "r"]
            cmd += ["--retry-count", "0"]
            subprocess.run(cmd)
        """
        ''',
    ),
    "the constant is in lines of generated code": (
        RETRY,
        """
        def lines(node):
            out = ["import subprocess", "def run(attempt):"]
            out += ["    cmd = ['python', 'f.py', 'step', %r, '--run-id', 'r']" % node]
            out += ["    cmd += ['--retry-count', '0']", "    subprocess.run(cmd)"]
            return "\\n".join(out)
        """,
    ),
    "the option is only in a docstring": (
        ENVIRONMENT,
        '''
        def command(node):
            """Passes --environment."""
            # cmd += ["--environment", obj.environment.TYPE]
            return ['python', 'f.py', 'step', node, '--run-id', 'r']
        ''',
    ),
    "the option is added after the sub-command by concatenation": (
        ENVIRONMENT,
        """
        def command(obj, node):
            cmd = ["python", "f.py"]
            cmd += ["step", node, "--run-id", "r"]
            cmd += ["--environment", obj.environment.TYPE]
            return cmd
        """,
    ),
    "the option is there in one of two branches": (
        ENVIRONMENT,
        """
        def command(obj, node, remote):
            cmd = ["python", "f.py", "--quiet"]
            if remote:
                cmd += ["--environment", obj.environment.TYPE]
            return cmd + ["step", node, "--run-id", "r"]
        """,
    ),
    "the option is inserted too late": (
        ROOT,
        """
        def command(obj, node):
            cmd = ["python", "f.py", "step", node, "--run-id", "r"]
            cmd.insert(4, "--datastore-root=" + obj.flow_datastore.datastore_root)
            return cmd
        """,
    ),
    "the branch is on step, init has a copy without it": (
        BRANCH,
        """
        def commands(obj, node, branch):
            top = ["python", "f.py", "--quiet"]
            init = list(top) + ["init", "--run-id", "r", "--task-id", "p"]
            top += ["--branch", branch]
            return init, top + ["step", node, "--run-id", "r"]
        """,
    ),
    "the variable of the configs is cleared": (
        CONFIG,
        """
        def command(node):
            env = {}
            env["METAFLOW_FLOW_CONFIG_VALUE"] = None
            return ["python", "f.py", "step", node, "--run-id", "r"], env
        """,
    ),
    "the variable of the configs is only deleted": (
        CONFIG,
        """
        import os
        def command(node):
            os.environ.pop("METAFLOW_FLOW_CONFIG_VALUE", None)
            return ["python", "f.py", "step", node, "--run-id", "r"]
        """,
    ),
}

CORRECT = {
    "the attempt goes through a helper": (
        RETRY,
        """
        def attempt(context):
            return context.retry_number
        def command(node, context):
            args = ["--retry-count", str(attempt(context))]
            return ["python", "f.py", "step", node, "--run-id", "r", *args]
        """,
    ),
    "options in a mapping that is flattened": (
        ENVIRONMENT,
        """
        def flatten(options):
            for key, value in options.items():
                if value is None:
                    continue
                yield "--" + key
                if value is not True:
                    yield str(value)
        def command(obj, node):
            top = {"quiet": True, "environment": obj.environment.TYPE, "with": None}
            return ["python", "f.py", *flatten(top), "step", node, "--run-id", "r"]
        """,
    ),
    "both branches have the option": (
        ENVIRONMENT,
        """
        def command(obj, node, remote):
            cmd = ["python", "f.py"]
            if remote:
                cmd += ["--environment", obj.environment.TYPE]
            else:
                cmd += [f"--environment={obj.environment.TYPE}"]
            return cmd + ["step", node, "--run-id", "r"]
        """,
    ),
    "the option is inserted at the front": (
        ROOT,
        """
        def command(obj, node):
            cmd = ["python", "f.py", "step", node, "--run-id", "r"]
            cmd[2:2] = ["--datastore-root", obj.flow_datastore.datastore_root]
            return cmd
        """,
    ),
    "the option is added by a helper that changes its argument": (
        ROOT,
        """
        def add(cmd, obj):
            cmd.append("--datastore-root=%s" % obj.flow_datastore.datastore_root)
        def command(obj, node):
            cmd = ["python", "f.py"]
            add(cmd, obj)
            cmd.extend(["step", node, "--run-id", "r"])
            return cmd
        """,
    ),
    "a shell line with single quotes": (
        ENVIRONMENT,
        """
        def command(obj, node):
            top = "'--environment=%s'" % obj.environment.TYPE
            return " ".join(["python", "f.py", top, "step", node, "--run-id r"])
        """,
    ),
    "an object that collects the options": (
        ENVIRONMENT,
        """
        class Args:
            def __init__(self, obj, node):
                self.top = {"environment": obj.environment.TYPE}
                self.command = ["step", node]
                self.options = {"run-id": "r", "task-id": "t"}
            def argv(self):
                out = ["python", "f.py"]
                out.extend(self._flags(self.top))
                out.extend(self.command)
                out.extend(self._flags(self.options))
                return out
            def _flags(self, mapping):
                return [w for k, v in mapping.items() for w in ("--%s" % k, str(v))]
        def command(obj, node):
            return Args(obj, node).argv()
        """,
    ),
    "the branch in generated code, from what the compiler formats in": (
        BRANCH,
        """
        from metaflow.decorators import flow_decorators
        from metaflow.util import dict_to_cli_options
        BODY = '''
        import subprocess
        TOP = {top!r}
        def run(attempt):
            cmd = ["python", "f.py"] + TOP + ["step", "start", "--run-id", "r"]
            subprocess.run(cmd + ["--retry-count", str(attempt)], env={{}})
        '''
        def source(flow):
            options = {}
            for deco in flow_decorators(flow):
                options.update(deco.get_top_level_options())
            top = ["--quiet"] + list(dict_to_cli_options(options))
            return BODY.format(top=top)
        """,
    ),
    "the configs by an export": (
        CONFIG,
        """
        def command(node, names):
            value = {n: "kv." + n for n in names}
            line = "export METAFLOW_FLOW_CONFIG_VALUE=%s" % value
            return line + " && python f.py step %s --run-id r" % node
        """,
    ),
}


@pytest.mark.parametrize(("code", "source"), FAULTS.values(), ids=FAULTS)
def test_the_fault_is_found(code: str, source: str, judge: Judge) -> None:
    outcome = judge(code, source)
    assert outcome.verdict is Verdict.FAIL, (outcome.evidence, outcome.unsure)


@pytest.mark.parametrize(("code", "source"), CORRECT.values(), ids=CORRECT)
def test_the_correct_variant_passes(code: str, source: str, judge: Judge) -> None:
    outcome = judge(code, source)
    assert outcome.verdict is Verdict.PASS, (outcome.findings, outcome.unsure)


def test_options_from_another_module_are_followed(judge: Judge) -> None:
    outcome = judge(
        ENVIRONMENT,
        """
        from . import options as o
        def command(obj, node):
            return o.entry() + o.top(obj) + ["step", node, "--run-id", "r"]
        """,
        options="""
        import sys
        PYTHON = [sys.executable, "f.py"]
        def entry():
            return PYTHON
        def top(obj):
            return ["--environment", obj.environment.TYPE]
        """,
    )
    assert outcome.verdict is Verdict.PASS, outcome


def test_a_plan_that_is_stored_and_read_elsewhere_is_followed(judge: Judge) -> None:
    outcome = judge(
        ENVIRONMENT,
        """
        from .plan import Plan
        def compile(obj):
            return Plan(options=["--environment", obj.environment.TYPE])
        """,
        plan="""
        from dataclasses import dataclass
        @dataclass
        class Plan:
            options: list = ()
        """,
        worker="""
        from .plan import Plan
        def command(plan: Plan, node):
            return ["python", "f.py", *plan.options, "step", node, "--run-id", "r"]
        """,
    )
    assert outcome.verdict is Verdict.PASS, outcome


SPECS = """
    from dataclasses import dataclass
    @dataclass
    class Step:
        name: str
        specs: tuple = ()
    def launch(plan, step: Step):
        own = tuple(f"--with={spec}" for spec in (*plan.steps[step.name].specs, "acme_internal"))
        return ["python", "f.py", "--quiet", *own, "step", step.name, "--run-id", "r"]
"""


@pytest.mark.parametrize(
    ("spec", "passes"), [("deco.make_decorator_spec()", True), ("deco.name", False)]
)
def test_specs_are_recognised_when_a_field_carries_what_a_generator_made(
    spec: str, passes: bool, judge: Judge
) -> None:
    outcome = judge(
        "MOK210",
        f"""
        from .plan import Step
        def compile(node):
            return Step(name=node.name, specs=tuple(specs(node)))
        def specs(node):
            for deco in node.decorators:
                if not deco.statically_defined:
                    yield {spec}
        """,
        plan=SPECS,
    )
    assert (outcome.verdict is Verdict.PASS) is passes, outcome


def test_tags_beside_parameters_whose_names_are_not_known_are_seen(judge: Judge) -> None:
    outcome = judge(
        "MOK257",
        """
        def tags(plan):
            for tag in plan.tags:
                yield from ("--tag", tag)
        def commands(plan, run, node):
            values = [f"--{name}={value}" for name, value in sorted(run.values().items())]
            init = ("python", "f.py", "init", *("--run-id", "r"), *tags(plan), *values)
            return init, ("python", "f.py", "step", node, "--run-id", "r", *tags(plan))
        """,
    )
    assert outcome.verdict is Verdict.PASS, outcome


def test_what_cannot_be_followed_is_unsure_and_names_it(judge: Judge) -> None:
    outcome = judge(
        ENVIRONMENT,
        """
        def command(settings, node):
            top = settings.load_options()
            return ["python", "f.py", *top, "step", node, "--run-id", "r"]
        """,
    )
    assert outcome.verdict is Verdict.UNSURE
    assert "load_options" in outcome.unsure[0].text


def test_no_command_at_all_is_unsure(judge: Judge) -> None:
    outcome = judge(RETRY, "X = 1\n")
    assert outcome.verdict is Verdict.UNSURE


def test_comments_alone_pass_nothing(judge: Judge) -> None:
    source = "# --retry-count --environment --branch METAFLOW_FLOW_CONFIG_VALUE step init\n"
    for code in (RETRY, ENVIRONMENT, BRANCH, CONFIG, ROOT):
        assert judge(code, source).verdict is not Verdict.PASS


def test_tests_and_virtual_environments_prove_nothing(write: Callable[..., Path]) -> None:
    good = (
        "def command(obj, node, attempt):\n"
        '    return ["python", "f.py", "--environment", obj.environment.TYPE, "step", node,\n'
        '            "--run-id", "r", "--retry-count", str(attempt)]\n'
    )
    root = write({"tests/helper.py": good, "env/pyvenv.cfg": "home = x", "env/lib/x.py": good,
                  "build/lib/x.py": good})  # fmt: skip
    report = validate(root)
    verdicts = {o.code: o.verdict for o in report.outcomes}
    assert verdicts[RETRY] is Verdict.UNSURE
    assert verdicts[ENVIRONMENT] is Verdict.UNSURE
    assert {s.path for s in report.skipped} == {"tests", "env", "build"}
