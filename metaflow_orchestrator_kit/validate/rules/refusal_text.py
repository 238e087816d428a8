from __future__ import annotations

import ast
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate import clicks
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.plugins import class_constant, origin_of
from metaflow_orchestrator_kit.validate.project import Module, Project, dotted
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler

_PHRASE = "supported"
_NAMES = ("notsupported", "unsupported")
_HEAD = """\
from metaflow.exception import MetaflowException

class NotSupportedException(MetaflowException):
    headline = "Acme"

def check(node):
    if node.parallel_foreach:
"""


class RefusalWithoutReason(Rule):
    """A feature is refused without the words that say so.

    Users, and Metaflow's own test suite, recognise a refusal by "not supported" in the text: the
    suite skips such a flow, and fails on any other error. A message without them looks like a
    crash of the scheduler; an exception without a message says nothing at all.

    Name the step and the feature, and say that it is not supported.
    """

    code = "MOK138"
    name = "refusal-without-reason"
    clauses = ("C10",)
    severity = Severity.WARNING

    VALID = (
        Example("what, and that", compiler(
            f'{_HEAD}        raise NotSupportedException("@parallel is not supported.")\n')),
        Example("a text that is put together", compiler(
            f"{_HEAD}        raise NotSupportedException(node.why())\n")),
    )  # fmt: skip
    INVALID = (
        Example("another wording", compiler(
            f'{_HEAD}        raise NotSupportedException("Remove @parallel.")  # <-- here\n')),
        Example("nothing said", compiler(
            f"{_HEAD}        raise NotSupportedException  # <-- here\n")),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        project = analysis.project
        seen = False
        for module in project.modules:
            if not any(n in module.source.lower() for n in _NAMES):
                continue
            for where, name, texts in _refusals(module):
                seen = True
                if texts is None:
                    verdict.ok(where, "the text is put together elsewhere")
                    continue
                said = " ".join([*texts, *_headline(project, module, name)]).lower()
                if _says(said):
                    verdict.ok(where, "the refusal says that something is not supported")
                else:
                    verdict.fail(
                        where,
                        f'`{name}` is raised without the words "not supported"',
                        'Say which step uses what, and that it "is not supported".',
                    )
        if not seen:
            verdict.not_applicable("no exception for unsupported features is raised here")


def _says(text: str) -> bool:
    return _PHRASE in text and any(w in text for w in ("not ", "n't ", "unsupported"))


def _refusals(module: Module) -> Iterator[tuple[Origin, str, list[str] | None]]:
    """Each raise of such an exception, with its literal text; None when that is not literal."""
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Raise) or node.exc is None:
            continue
        call = node.exc if isinstance(node.exc, ast.Call) else None
        name = dotted(call.func if call else node.exc) or ""
        if not any(n in name.lower() for n in _NAMES):
            continue
        arguments = [*call.args, *(k.value for k in call.keywords)] if call else []
        texts = [
            n.value
            for a in arguments
            for n in ast.walk(a)
            if isinstance(n, ast.Constant) and isinstance(n.value, str)
        ]
        yield origin_of(module, node), name, texts if texts or not arguments else None


def _headline(project: Project, module: Module, name: str) -> list[str]:
    cls = project.resolve_class(name, module)
    found = class_constant(project, cls, "headline") if cls is not None else None
    if found is None and cls is not None:
        given = next(
            (n.value for n in cls.node.body if isinstance(n, ast.Assign)
             and any(isinstance(t, ast.Name) and t.id == "headline" for t in n.targets)), None
        )  # fmt: skip
        found = clicks.constant_string(project, given, cls.module) if given is not None else None
    return [found] if found else []
