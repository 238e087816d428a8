from __future__ import annotations

import ast
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.programs import Program, called, programs, source
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.qualified import is_qualified, qualified_names
from metaflow_orchestrator_kit.validate.rules.syntax import literal, terminal
from metaflow_orchestrator_kit.validate.walking import walk

_DEPLOYMENT = regex(
    r"^_?(?:project_flow_name|project_flow|deployment_(?:name|id)|deployed_name|workflow_name"
    r"|workflow_template_name|dag_id|dag_name|job_name|pipeline_name|state_machine_name"
    r"|(?:safe|sanitized|sanitised|clean)_flow_name)$"
)
_OF_PROJECTS = {"branch", "project", "project_name", "branch_name"}
_KEYS = {"flow_name", "METAFLOW_FLOW_NAME"}


class DeploymentAsFlow(Rule):
    """The name of the deployment is taken for the flow's.

    The datastore, the client and every task know a flow by the name of its class. With `@project`
    or `--name`, and wherever names are cleaned, the deployment has another one: artifacts are
    looked for in a folder that nobody wrote, and runs of a flow that does not exist.

    Use `obj.flow.name`, and keep the other name for the scheduler.
    """

    code = "MOK505"
    name = "deployment-name-as-flow-name"
    clauses = ("I1", "C4", "J6")
    severity = Severity.ERROR

    VALID = (
        Example("the flow's", compiler("""\
        from metaflow.datastore import FlowDataStore

        def store(self, obj):
            return FlowDataStore(obj.flow.name, obj.environment, ds_root=obj.root)
        """)),
        Example("both, by their own names", compiler("""\
        def record(obj, project_flow_name):
            return {"flow_name": obj.flow.name, "project_flow_name": project_flow_name}
        """)),
    )  # fmt: skip
    INVALID = (
        Example("the datastore", compiler("""\
        from metaflow.datastore import FlowDataStore

        def store(self, obj):
            return FlowDataStore(self.project_flow_name, obj.environment)  # <-- here
        """)),
        Example("what is stored", compiler("""\
        def record(obj, workflow_name):
            return {"name": workflow_name, "flow_name": workflow_name}  # <-- here
        """)),
        Example("the project's, in a pathspec of a program", compiler('''\
        class Compiler:
            def __init__(self, name, project_info):
                self._flow_name = project_info["flow_name"] if project_info else name
            def hint(self, step):
                return """
        task = Task("%(flow_name)s/" + run_id + "/%(step)s/" + task_id)
        """ % {"flow_name": self._flow_name, "step": step}  # <-- here
        ''')),
        Example("a variable", compiler("""\
        def env(deployment_name):
            return {"METAFLOW_FLOW_NAME": deployment_name}  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        qualified = qualified_names(analysis)
        for program in programs(analysis):
            for value in _flow_names(program):
                if not isinstance(value, ast.Name | ast.Attribute):
                    continue
                if qualified and is_qualified(program, value, qualified):
                    text = f"`{source(value)}` holds project and branch too, with `@project`, and "
                    text += "is taken for the flow's name"
                    verdict.fail(program.place(value), text, "Use the flow's own: `obj.flow.name`.")
                elif not _DEPLOYMENT.search(terminal(value)):
                    verdict.ok(program.place(value), "the flow goes by its own name")
                elif not _is_flow(program, value):
                    text = (
                        f"`{source(value)}` names the deployment, and is taken for the flow's name"
                    )
                    verdict.fail(program.place(value), text, "Use the flow's own: `obj.flow.name`.")
        if not verdict.findings and not verdict.evidence:
            verdict.not_applicable("nothing is told the name of a flow")


def _flow_names(program: Program) -> Iterator[ast.expr]:
    """What is given for the name of a flow, as a key's value or to Metaflow's datastore."""
    for store in program.nodes(ast.Assign):
        match store.targets:
            case [ast.Subscript(slice=ast.Constant(value="METAFLOW_FLOW_NAME"))]:
                yield store.value
            case _:
                pass
    for mapping in program.nodes(ast.Dict):
        if any(literal(key) in _OF_PROJECTS for key in mapping.keys):
            continue  # What is known of a project: which of its names is meant is not told here.
        for key, value in zip(mapping.keys, mapping.values, strict=True):
            if literal(key) in _KEYS:
                yield value
    for call in program.calls("dict", "FlowDataStore"):
        if called(call) == "FlowDataStore" and call.args:
            yield call.args[0]
        yield from (k.value for k in call.keywords if k.arg in _KEYS)


def _is_flow(program: Program, value: ast.expr) -> bool:
    """Whether the variable was given the flow's own name, in spite of what it is called."""
    tree: ast.AST = program.function(value) or program.tree
    return any(
        source(target) == source(value) and "flow.name" in source(node.value)
        for node in walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
    )
