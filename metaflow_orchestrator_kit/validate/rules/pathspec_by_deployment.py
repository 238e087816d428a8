from __future__ import annotations

import ast
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.programs import Program, programs, source
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import cli
from metaflow_orchestrator_kit.validate.rules.syntax import terminal
from metaflow_orchestrator_kit.validate.walking import walk

_DEPLOYMENT = regex(
    r"deployment|workflow_(?:name|id)|(?:^|_)(?:dag|job|pipeline|template|schedule|resource)_(?:id|name)"
    r"|identifier|project_flow|slug"
)
_FLOW = regex(r"(?:^|_)flow_name$|(?:^|_)flow$")
_HEAD = """\
import json
@acme.command()
@click.option("--deployer-attribute-file", default=None, hidden=True)
@click.pass_obj
def trigger(obj, deployer_attribute_file=None):
    with open(deployer_attribute_file, "w") as f:
"""


class PathspecByDeployment(Rule):
    """A run's pathspec begins with the deployment's name.

    Metaflow knows runs by `FlowName/run-id`. The deployment of a flow with `@project` or `--name`
    has another name, and the scheduler may have cleaned it: `triggered_run.run` looks for a flow
    that does not exist and stays None for ever.

    Begin it with `obj.flow.name`.
    """

    code = "MOK154"
    name = "pathspec-by-deployment-name"
    clauses = ("B8", "E10")
    severity = Severity.ERROR

    VALID = (
        Example("the flow's name", cli(_HEAD + """\
        json.dump({"name": obj.name, "pathspec": f"{obj.flow.name}/{obj.run_id}"}, f)
""")),
    )  # fmt: skip
    INVALID = (
        Example("the deployment's", cli(_HEAD + """\
        json.dump({"name": obj.name, "pathspec": "%s/%s" % (obj.job_name, obj.id)}, f)  # <-- here
""")),
        Example("the same as the name", cli(_HEAD + """\
        json.dump({"name": obj.name, "pathspec": f"{obj.name}/{obj.run_id}"}, f)  # <-- here
""")),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        for program in programs(analysis):
            for mapping, value in _pathspecs(program):
                first = _first(program, value)
                if first is None:
                    continue
                if _is_deployment(program, mapping, first):
                    verdict.fail(
                        program.place(value),
                        f"the pathspec begins with `{source(first)}`, which names the deployment",
                        "Begin it with the name of the flow: `obj.flow.name`.",
                    )
                else:
                    verdict.ok(program.place(value), "the pathspec begins with the flow")
        if not verdict.findings and not verdict.evidence:
            verdict.not_applicable("no pathspec is put together")


def _pathspecs(program: Program) -> Iterator[tuple[ast.Dict | ast.Call, ast.expr]]:
    for mapping in program.nodes(ast.Dict):
        for key, value in zip(mapping.keys, mapping.values, strict=True):
            if isinstance(key, ast.Constant) and key.value == "pathspec":
                yield mapping, value
    for call in program.nodes(ast.Call):
        if terminal(call.func) == "dict":
            yield from ((call, k.value) for k in call.keywords if k.arg == "pathspec")


def _first(program: Program, node: ast.expr) -> ast.expr | None:
    """What stands before the slash."""
    if isinstance(node, ast.Name):
        scope: ast.AST = program.function(node) or program.tree
        given = [
            n.value
            for n in walk(scope)
            if isinstance(n, ast.Assign) and any(terminal(t) == node.id for t in n.targets)
        ]
        return _first(program, given[0]) if len(given) == 1 and given[0] is not node else None
    match node:
        case ast.JoinedStr(
            values=[ast.FormattedValue(value=first), ast.Constant(value=str(rest)), *_]
        ):
            return first if rest.startswith("/") else None
        case ast.BinOp(left=ast.Constant(value=str(text)), right=ast.Tuple(elts=[first, *_])):
            return first if text.startswith("%s/") else None
        case ast.Call(
            func=ast.Attribute(value=ast.Constant(value=str(text)), attr="format"), args=[first, *_]
        ):
            return first if text.startswith(("{}/", "{0}/")) else None
        case ast.Call(
            func=ast.Attribute(value=ast.Constant(value="/"), attr="join"),
            args=[ast.Tuple(elts=[first, *_]) | ast.List(elts=[first, *_])],
        ):
            return first
        case _:
            return None


def _is_deployment(program: Program, mapping: ast.Dict | ast.Call, first: ast.expr) -> bool:
    if _FLOW.search(terminal(first)) or "flow.name" in source(first):
        return False
    if _DEPLOYMENT.search(terminal(first)):
        return not _of_flow(program, first)
    name = _value(mapping, "name")
    return name is not None and source(name) == source(first) and not _of_flow(program, first)


def _of_flow(program: Program, node: ast.expr) -> bool:
    """Whether a variable was given the flow's own name."""
    scope: ast.AST = program.function(node) or program.tree
    return any(
        isinstance(n, ast.Assign)
        and any(source(t) == source(node) for t in n.targets)
        and "flow.name" in source(n.value)
        for n in walk(scope)
    ) or (isinstance(node, ast.Name) and not _DEPLOYMENT.search(node.id))


def _value(mapping: ast.Dict | ast.Call, key: str) -> ast.expr | None:
    if isinstance(mapping, ast.Call):
        return next((k.value for k in mapping.keywords if k.arg == key), None)
    for found, value in zip(mapping.keys, mapping.values, strict=True):
        if isinstance(found, ast.Constant) and found.value == key:
            return value
    return None
