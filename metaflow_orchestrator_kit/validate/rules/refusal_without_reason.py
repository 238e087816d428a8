from __future__ import annotations

import ast
import re

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.programs import Program, programs
from metaflow_orchestrator_kit.validate.project import dotted
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler

_REFUSAL = re.compile(r"(NotSupported|Unsupported)\w*$")
_FIX = (
    "Say what is not supported and where it stands in the flow: \"@parallel (step 'train') is "
    'not supported by acme".'
)


class RefusalWithoutReason(Rule):
    """A refusal does not say that, or what, is not supported.

    The text is all that a user sees of `create()`; Metaflow's own test suites recognise a refusal
    by the words "not supported" in it and take anything else for a failure. Name the construct.
    """

    code = "MOK907"
    name = "refusal-without-reason"
    clauses = ("C10",)
    severity = Severity.WARNING

    VALID = (
        Example("says what", compiler("""\
        from acme import AcmeException, NotSupportedException

        def check(node):
            if node.parallel_step:
                raise NotSupportedException("@parallel (%s) is not supported" % node.name)
        """)),
        Example("through a variable", compiler("""\
        from acme import UnsupportedError

        def check(message):
            raise UnsupportedError(message)
        """)),
    )  # fmt: skip
    INVALID = (
        Example("nothing", compiler("""\
        from acme import NotSupportedException

        def check(node):
            if node.parallel_step:
                raise NotSupportedException()  # <-- here
        """)),
        Example("only the class", compiler("""\
        from acme import exceptions

        def check(node):
            if node.type == "split-switch":
                raise exceptions.AcmeNotSupported  # <-- here
        """)),
        Example("an empty text", compiler("""\
        from acme import NotSupportedException

        def check(node):
            raise NotSupportedException("")  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        for program in programs(analysis):
            for node in program.nodes(ast.Raise):
                raised = node.exc
                call = raised if isinstance(raised, ast.Call) else None
                name = dotted(call.func if call else raised) if raised else None
                if name is None or not _REFUSAL.search(name) or name == "NotImplementedError":
                    continue
                if call is None and not _is_class(program, name):
                    continue
                if call is None or not _speaks(call):
                    text = f"`{name}` is raised without a word on what is not supported"
                    verdict.fail(program.place(node), text, _FIX)
                else:
                    verdict.ok(program.place(node), "the refusal has a text")
        if not verdict.findings and not verdict.evidence:
            verdict.not_applicable("no exception for what is not supported is raised")


def _is_class(program: Program, name: str) -> bool:
    """Whether a raised name is a class rather than an exception at hand."""
    return name.rpartition(".")[2][:1].isupper()


def _speaks(call: ast.Call) -> bool:
    given = [*call.args, *(k.value for k in call.keywords)]
    return any(not (isinstance(g, ast.Constant) and not str(g.value or "").strip()) for g in given)
