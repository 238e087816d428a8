from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.programs import Program, called, programs
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.syntax import literal
from metaflow_orchestrator_kit.validate.walking import source, walk

_FOLDER = ".metaflow"
_PROVIDERS = frozenset(["datastore_root", "get_datastore_root_from_config"])
_VARIABLE = "METAFLOW_DATASTORE_SYSROOT_LOCAL"
_FIX = "Take `flow_datastore.datastore_root`, which Metaflow worked out."


class RootOfTheMoment(Rule):
    """The datastore's root is worked out from the directory that a command happens to run in.

    Metaflow takes METAFLOW_DATASTORE_SYSROOT_LOCAL, the profile and the folders above into
    account. `os.getcwd()` with `.metaflow` behind it is another folder whenever one of these is
    set, or create, worker and client run in different places: tasks do not find what `init` has
    written, and the client shows no run. Take the root from the flow's datastore.
    """

    code = "MOK980"
    name = "datastore-root-of-the-moment"
    clauses = ("D10",)
    severity = Severity.ERROR

    VALID = (
        Example("the datastore's", compiler("""\
        def variables(obj):
            return {"DATASTORE_ROOT": obj.flow_datastore.datastore_root}
        """)),
    )  # fmt: skip
    INVALID = (
        Example("of the caller's directory", compiler("""\
        import os

        def variables(obj):
            return {"DATASTORE_ROOT": os.path.join(os.getcwd(), ".metaflow")}  # <-- here
        """)),
        Example("relative, in generated code", compiler('''\
        SOURCE = """
        import os
        ROOT = os.path.abspath(".metaflow")  # <-- here
        """
        ''')),
        Example("as the sysroot", compiler("""\
        import os

        def environment():
            return {"METAFLOW_DATASTORE_SYSROOT_LOCAL": os.getcwd()}  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable("nothing works out the datastore's root")
        for program in programs(analysis):
            for node in program.nodes(ast.Attribute):
                if node.attr in _PROVIDERS:
                    verdict.ok(program.place(node), "Metaflow's own root is asked for")
            for call in program.calls("join", "abspath", "resolve", "getcwd", "cwd"):
                if _is_made_here(program, call):
                    text = f"`{source(call)}` is the root only in one directory"
                    verdict.fail(program.place(call), text, _FIX)


def _is_made_here(program: Program, call: ast.Call) -> bool:
    match called(call), call.args:
        case "join", [*_, last]:
            return literal(last) == _FOLDER and any(_is_here(a) for a in call.args)
        case "abspath", [only]:
            return literal(only) == _FOLDER
        case "getcwd" | "cwd", []:
            return _is_sysroot(program, call)
        case _:
            return False


def _is_here(node: ast.AST) -> bool:
    """Whether the current directory is asked for: alone, not as what a search begins with."""
    return any(isinstance(n, ast.Call) and called(n) in ("getcwd", "cwd") for n in walk(node))


def _is_sysroot(program: Program, call: ast.Call) -> bool:
    """Whether the current directory becomes the value of the variable."""
    match next(program.parents(call), None):
        case ast.Dict(keys=keys, values=values):
            return any(
                v is call and literal(k) == _VARIABLE for k, v in zip(keys, values, strict=True)
            )
        case ast.Assign(targets=[ast.Subscript(slice=key)]):
            return literal(key) == _VARIABLE
        case _:
            return False
