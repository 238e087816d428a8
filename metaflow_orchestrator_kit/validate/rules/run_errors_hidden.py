from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate import objects
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.plugins import origin_of
from metaflow_orchestrator_kit.validate.project import dotted
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import objects as objects_module
from metaflow_orchestrator_kit.validate.walking import walk

_HEAD = """\
from metaflow import Run
from metaflow.exception import MetaflowNotFound
from metaflow.runner.deployer import TriggeredRun

class AcmeTriggeredRun(TriggeredRun):
    @property
    def run(self):
        try:
            return Run(self.pathspec, _namespace_check=False)
"""
_BROAD = {"Exception", "BaseException", ""}


class RunErrorsHidden(Rule):
    """`TriggeredRun.run` answers "not there yet" for every error.

    `wait_for_run()` asks until `run` is no longer None. When a wrong metadata provider, a
    malformed pathspec or a service that is down is answered with None too, it asks for ever and
    says nothing.

    Catch MetaflowNotFound, which means that the run has not started, and let the rest through.
    """

    code = "MOK119"
    name = "run-errors-hidden"
    clauses = ("B9",)
    severity = Severity.ERROR

    VALID = (
        Example("only what is not there yet", objects_module(
            f"{_HEAD}        except MetaflowNotFound:\n            return None\n")),
        Example("raised again", objects_module(
            f"{_HEAD}        except Exception as error:\n"
            "            raise RuntimeError('no metadata') from error\n")),
    )  # fmt: skip
    INVALID = (
        Example("every error", objects_module(
            f"{_HEAD}        except Exception:  # <-- here\n            return None\n")),
        Example("without a name", objects_module(
            f"{_HEAD}        except MetaflowNotFound:\n            return None\n"
            "        except:  # <-- here\n            pass\n")),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        project = analysis.project
        found = objects.leaves(project, objects.TRIGGERED_RUN)
        if not found:
            verdict.not_applicable("no triggered run is defined here")
        for cls in found:
            run = objects.member(project, cls, "run")
            if run is None or not isinstance(run.node, objects.Function):
                where = origin_of(cls.module, cls.node)._replace(end_line=cls.node.lineno)
                verdict.ok(where, f"`{cls.name}` keeps Metaflow's own `run`")
                continue
            hidden = [h for h in walk(run.node) if isinstance(h, ast.ExceptHandler) and _hides(h)]
            for handler in hidden:
                verdict.fail(
                    origin_of(run.owner.module, handler)._replace(end_line=handler.lineno),
                    "`run` answers None whatever went wrong, so `wait_for_run` waits for ever",
                    "Catch MetaflowNotFound only.",
                )
            if not hidden:
                verdict.ok(run.origin, "`run` lets errors through")


def _hides(handler: ast.ExceptHandler) -> bool:
    """Catches everything, and answers None (or nothing)."""
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    names = {(dotted(k) or "?") if k is not None else "" for k in kinds}
    if not names & _BROAD or any(isinstance(n, ast.Raise) for n in walk(handler)):
        return False
    last = handler.body[-1]
    if isinstance(last, ast.Return):
        return last.value is None or (
            isinstance(last.value, ast.Constant) and last.value.value is None
        )
    return isinstance(last, ast.Pass)
