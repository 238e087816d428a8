from __future__ import annotations

import ast
import re

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Confidence, Severity
from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.naming import functions, hashes, names_matter
from metaflow_orchestrator_kit.validate.plugins import origin_of
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.walking import walk

_NAMING = regex(
    r"(?:flow|deployment|pipeline|workflow|job|dag)\w*(?:_to_|_name|_id|_uuid|_path|_slug)"
    r"|_to_(?:name|id|uuid|path|slug)|sanit\w*_?name",
    re.I,
)


class NamesCollide(Rule):
    """Different deployments are given one name.

    Several characters of `project.branch.Flow` become the same one, and nothing is added that
    keeps the originals apart: `a.b-c` and `a-b.c` are one deployment to the scheduler. The second
    `create` replaces the first, silently.

    Append a short hash of the original name when the mapping changed it.
    """

    code = "MOK141"
    name = "names-collide"
    clauses = ("J8", "J1")
    severity = Severity.WARNING

    VALID = (
        Example("a hash of the original", compiler("""\
        import hashlib, re
        def flow_name_to_id(name):
            safe = re.sub(r"[^a-z0-9]", "-", name.lower())
            return safe + "-" + hashlib.sha1(name.encode()).hexdigest()[:6]
        """)),
        Example("one character, for another", compiler("""\
        def flow_name_to_id(name):
            return name.replace("_", "-")
        """)),
    )  # fmt: skip
    INVALID = (
        Example("every other character", compiler("""\
        import re
        def flow_name_to_id(name):
            return re.sub(r"[^a-zA-Z0-9-]", "-", name).lower()  # <-- here
        """)),
        Example("one after the other", compiler("""\
        def deployment_name(flow):
            return flow.replace(".", "-").replace("_", "-")  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        if not names_matter(analysis):
            verdict.not_applicable("nothing is deployed or started from here")
            return
        for module in analysis.project.modules:
            for function in functions(module):
                if not _NAMING.search(function.name) or hashes(function):
                    continue
                lossy = [n for n in walk(function) if _substitutes(n) or _replaces(n)]
                if lossy:
                    first = min(lossy, key=lambda n: getattr(n, "lineno", 0))
                    verdict.fail(
                        origin_of(module, first),
                        f"`{function.name}` gives different names the same result",
                        "Append a hash of the original name when it was changed.",
                        confidence=Confidence.MEDIUM,
                    )
        if not verdict.findings:
            first_module = analysis.project.modules[0]
            verdict.ok(
                Origin(first_module.path, 1, 1, 1), "no mapping of names was seen to merge any"
            )


def _substitutes(node: ast.AST) -> bool:
    """``re.sub`` of a class of characters by one."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "sub"
        and len(node.args) >= 2
        and isinstance(node.args[0], ast.Constant)
        and str(node.args[0].value).lstrip("(").startswith(("[^", r"\W"))
    )


def _replaces(node: ast.AST) -> bool:
    """``.replace(a, x).replace(b, x)``."""
    seen: list[object] = []
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if node.func.attr == "replace" and len(node.args) == 2:
            to = node.args[1]
            seen.append(to.value if isinstance(to, ast.Constant) else None)
        node = node.func.value
    return len(seen) > len(set(seen)) and None not in seen
