from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Confidence, Severity
from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.naming import (
    functions,
    hashes,
    is_name,
    made_names,
    names_matter,
)
from metaflow_orchestrator_kit.validate.plugins import origin_of
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler

_SHORTEST, _LONGEST = 8, 260


class NameCutWithoutHash(Rule):
    """A name or id is cut to a length, and nothing keeps different ones apart.

    `project.branch.Flow` gets long. Cut after 63 characters, two branches of one flow have the
    same name: the second deployment replaces the first, or two runs write to one run id.

    Append a hash of the whole name to what is left of it.
    """

    code = "MOK140"
    name = "name-cut-without-hash"
    clauses = ("J1",)
    severity = Severity.ERROR

    VALID = (
        Example("with a hash", compiler("""\
        import hashlib
        def deployment_name(name):
            digest = hashlib.sha1(name.encode()).hexdigest()[:8]
            return f"{name[:50]}-{digest}" if len(name) > 63 else name
        """)),
        Example("a prefix that is compared", compiler("""\
        def is_ours(name):
            known = name[:12] == "metaflow-abc"
            return known
        """)),
        Example("a digest", compiler("""\
        import hashlib
        def run_id(text):
            run_id = "acme-" + hashlib.sha1(text).hexdigest()[:12]
            return run_id
        """)),
    )  # fmt: skip
    INVALID = (
        Example("a deployment's name", compiler("""\
        def deployment_name(name):
            return name.lower()[:63]  # <-- here
        """)),
        Example("a run's id", compiler("""\
        def start(workflow):
            run_id = "acme-%s" % workflow.workflow_id[:20]  # <-- here
            return workflow.run(run_id)
        """)),
        Example("a limit with a name", compiler("""\
        LIMIT = 63
        def job_name(flow):
            name = flow.replace(".", "-")
            return name[:LIMIT]  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        if not names_matter(analysis):
            verdict.not_applicable("nothing is deployed or started from here")
            return
        for module in analysis.project.modules:
            if "[:" not in module.source:
                continue
            limits = {
                t.id: n.value.value
                for n in module.tree.body
                if isinstance(n, ast.Assign) and isinstance(n.value, ast.Constant)
                for t in n.targets
                if isinstance(t, ast.Name)
            }
            for function in functions(module):
                cuts = [c for value in made_names(function) for c in _cuts(value, limits)]
                if not cuts or hashes(function):
                    continue
                for cut, limit in cuts:
                    verdict.fail(
                        origin_of(module, cut),
                        f"`{ast.unparse(cut.value)}` is cut after {limit} characters, so two "
                        "long ones may become one",
                        'Append a hash of the whole: f"{name[:n]}-{sha1(name)[:8]}".',
                        confidence=Confidence.MEDIUM,
                    )
        if not verdict.findings:
            first = analysis.project.modules[0]
            verdict.ok(Origin(first.path, 1, 1, 1), "no name is cut without a hash")


def _cuts(value: ast.expr, limits: Mapping[str, object]) -> Iterator[tuple[ast.Subscript, int]]:
    """The ``name[:n]`` in an expression that are not compared with something."""
    waiting: list[ast.AST] = [value]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Compare):
            continue
        waiting.extend(ast.iter_child_nodes(node))
        match node:
            case ast.Subscript(value=cut, slice=ast.Slice(lower=None, upper=upper, step=None)):
                limit = (
                    upper.value
                    if isinstance(upper, ast.Constant)
                    else (limits.get(upper.id) if isinstance(upper, ast.Name) else None)
                )
                if isinstance(limit, int) and _SHORTEST <= limit <= _LONGEST and is_name(cut):
                    yield node, limit
