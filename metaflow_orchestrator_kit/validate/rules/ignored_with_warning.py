from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Confidence, Severity, Verdict
from metaflow_orchestrator_kit.validate.programs import Program, called, programs, source
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.trigger_deploy_time import TriggerNotEvaluated
from metaflow_orchestrator_kit.validate.walking import walk

_WARNERS = {"warn", "warning", "echo", "print", "secho", "info", "error"}
_FEATURE = regex(
    r"@(exit_hook|trigger_on_finish|trigger|schedule|parallel|kubernetes|batch|slurm|catch|retry|"
    r"timeout|resources|project|conda|pypi|secrets)\b|\bswitch\b"
)
_IGNORED = regex(r"not (?:yet )?supported|unsupported|ignor(?:ed|ing)|skipp(?:ed|ing)|no effect")
_FIX = "Raise an exception with that text: a warning scrolls by, and the flow deploys without it."


class IgnoredWithWarning(Rule):
    """Something that is not supported is only warned of.

    A warning at create is gone with the terminal; in CI nobody sees it. The flow is deployed, and
    its trigger, hook or timeout is not there. Metaflow's own schedulers raise.
    """

    code = "MOK518"
    name = "ignored-with-a-warning"
    clauses = ("C10",)
    severity = Severity.ERROR

    VALID = (
        Example("an exception", compiler("""\
        def check(flow):
            if flow._flow_decorators.get("exit_hook"):
                raise ValueError("@exit_hook is not supported by this scheduler")
        """)),
        Example("a message, then the exception", compiler("""\
        def check(flow, echo):
            if flow._flow_decorators.get("exit_hook"):
                echo("@exit_hook is not supported, see the documentation")
                raise ValueError("@exit_hook is not supported")
        """)),
        Example("an entry of the wrong type, which MOK515 is about", compiler("""\
        import warnings

        def events(flow):
            decos = flow._flow_decorators.get("trigger")
            for entry in decos[0].triggers if decos else ():
                if not isinstance(entry.get("name"), str):
                    warnings.warn("@trigger entry has no name, skipping this trigger")
                    continue
                yield entry

        def check(flow):
            if flow._flow_decorators.get("exit_hook"):
                raise ValueError("@exit_hook is not supported")
        """)),
    )  # fmt: skip
    INVALID = (
        Example("a warning", compiler("""\
        import warnings

        def check(flow):
            if flow._flow_decorators.get("exit_hook"):
                warnings.warn("@exit_hook is not supported and will be ignored")  # <-- here
        """)),
        Example("an entry that is left out", compiler("""\
        import warnings

        def events(triggers):
            for entry in triggers:
                if not isinstance(entry.get("name"), str):
                    warnings.warn(  # <-- here
                        f"@trigger entry {entry!r} has no name, skipping this trigger",
                        UserWarning,
                    )
                    continue
                yield entry
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        # An entry whose name is still a function: MOK515 says where it should have been called.
        unevaluated = TriggerNotEvaluated().run(analysis).verdict is Verdict.FAIL
        for program in programs(analysis):
            if program.generated:
                continue
            for node in program.nodes(ast.Raise):
                said = _text(node.exc) if node.exc else ""
                if _FEATURE.search(said) and _IGNORED.search(said):
                    verdict.ok(program.place(node), "what is not supported is refused")
            for call in program.nodes(ast.Call):
                said = _text(call.args[0]) if call.args else ""
                what = _FEATURE.search(said)
                if called(call) not in _WARNERS or not what or not _IGNORED.search(said):
                    continue
                if not _raises_too(program, call) and not (unevaluated and _of_type(program, call)):
                    text = f"`{what[0]}` is left out with nothing but a warning"
                    verdict.fail(program.place(call), text, _FIX, confidence=Confidence.MEDIUM)
        if not verdict.findings and not verdict.evidence:
            verdict.not_applicable("nothing is said to be unsupported")


def _of_type(program: Program, call: ast.Call) -> bool:
    """Whether the warning is for something that is no text."""
    test = next((o.test for o in program.parents(call) if isinstance(o, ast.If)), None)
    return test is not None and "isinstance(" in source(test)


def _text(node: ast.expr) -> str:
    """The literal text of a message."""
    return " ".join(
        n.value for n in walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)
    )


def _raises_too(program: Program, call: ast.Call) -> bool:
    """Whether the block that warns also raises or leaves with an error."""
    statement: ast.AST = call
    for outer in program.parents(call):
        body = getattr(outer, "body", None)
        if isinstance(body, list) and not isinstance(outer, ast.Lambda):
            blocks = [body, getattr(outer, "orelse", []), getattr(outer, "finalbody", [])]
            block = next((b for b in blocks if any(s is statement for s in b)), [])
            return any(
                isinstance(n, ast.Raise) or (isinstance(n, ast.Call) and called(n) == "exit")
                for s in block
                for n in walk(s)
            )
        statement = outer
    return False
