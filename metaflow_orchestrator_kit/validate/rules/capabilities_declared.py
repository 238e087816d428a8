from __future__ import annotations

import ast
from collections.abc import Iterator

from metaflow_orchestrator_kit.capabilities import Cap
from metaflow_orchestrator_kit.compliance import declaration
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.programs import Program, programs, source
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.features import looked_up, mentions, refuses
from metaflow_orchestrator_kit.validate.walking import walk

NAME = "SUPPORTED_CAPABILITIES"
#: What the code must mention at least to support a capability.
_SIGNS = {
    "EXIT_HOOK": r"exit_hook|success_hooks",
    "SCHEDULE": r"schedule",
    "TRIGGER_ON_FINISH": r"trigger_on_finish",
    "SWITCH": r"split-switch|_transition|switch",
    "RECURSIVE_SWITCH": r"split-switch|_transition|switch",
    "PARALLEL": r"parallel_foreach|parallel_step|ubf_context|ubf_control|parallel",
    "RESUME": r"clone[-_]only|clone-run-id",
    "TERMINATE": r"terminate|cancel|abort|kill",
    "TASK_LOGS": r"mflog|MFLOG|save_logs|bash_capture_logs",
    "CODE_PACKAGE": r"MetaflowPackage|get_package_commands|[Pp]ackage",
}
_REFUSED = {
    "EXIT_HOOK": ("exit_hook",),
    "SCHEDULE": ("schedule",),
    "EVENT_TRIGGER": ("trigger",),
    "TRIGGER_ON_FINISH": ("trigger_on_finish",),
    "SWITCH": ("split-switch",),
}
_FIX = "Declare what holds: the compliance suite runs what is declared and skips the rest."
_FIX_NOTE = f"Write {declaration.FORMS}, and list in {NAME} what holds."


class CapabilitiesDeclared(Rule):
    """SUPPORTED_CAPABILITIES names something unknown, or something that the code refuses.

    The suite and the users of the extension go by the declaration. A name that is misspelt is a
    capability that nobody tests; one that create refuses, or that the code never mentions, fails
    at the first flow that needs it.
    """

    code = "MOK910"
    name = "capabilities-contradict-code"
    clauses = ("C10",)
    severity = Severity.ERROR

    VALID = (
        Example("known ones", compiler("""\
        SUPPORTED_CAPABILITIES = ("LINEAR_DAG", "BRANCHING", "SCHEDULE")

        def schedule(flow):
            return flow._flow_decorators.get("schedule")
        """)),
        Example("with notes", compiler("""\
        SUPPORTED_CAPABILITIES = ("LINEAR_DAG", "BRANCHING")
        CAPABILITY_NOTES = {
            "BRANCHING": "since 1.4",
            "CONDA": "impossible: the workers have no network",
        }
        """)),
        Example("taken from the kit", compiler("""\
        from metaflow_orchestrator_kit import REQUIRED
        SUPPORTED_CAPABILITIES = tuple(cap.name for cap in REQUIRED)
        """)),
    )  # fmt: skip
    INVALID = (
        Example("misspelt", compiler("""\
        SUPPORTED_CAPABILITIES = (
            "LINEAR_DAG",
            "NESTED_FOR_EACH",  # <-- here
        )
        """)),
        Example("a note that says the contrary", compiler("""\
        SUPPORTED_CAPABILITIES = ("LINEAR_DAG",)
        CAPABILITY_NOTES = {
            "FOREACH": "since 1.4",  # <-- here
        }
        """)),
        Example("refused by the code", compiler("""\
        SUPPORTED_CAPABILITIES = ["LINEAR_DAG", "EXIT_HOOK"]  # <-- here

        def check(flow):
            if flow._flow_decorators.get("exit_hook"):
                raise ValueError("@exit_hook is not supported")
        """)),
        Example("never mentioned", compiler("""\
        class AcmeDeployer:
            SUPPORTED_CAPABILITIES = {"LINEAR_DAG", "TASK_LOGS"}  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        known = {cap.name for cap in Cap}
        for program, value in _declarations(analysis, NAME):
            verdict.ok(program.place(value), "capabilities are declared")
            for name, place in _names(program, value):
                if name not in known:
                    verdict.fail(place, f"there is no capability `{name}`", _FIX)
                elif _only_refused(analysis, _REFUSED.get(name, ())):
                    text = f"`{name}` is declared, and refused by the code"
                    verdict.fail(place, text, _FIX)
                elif name in _SIGNS and not mentions(analysis, _SIGNS[name]):
                    text = f"`{name}` is declared, and nothing in the code has to do with it"
                    verdict.fail(place, text, _FIX)
        for program, value in _declarations(analysis, declaration.NAME):
            self._check_notes(analysis, program, value, verdict)
        if not verdict.findings and not verdict.evidence:
            verdict.not_applicable(f"no {NAME} is declared")

    def _check_notes(
        self, analysis: Analysis, program: Program, value: ast.expr, verdict: Judge
    ) -> None:
        """The notes on capabilities are of a known form, and agree with the declaration."""
        try:
            notes = ast.literal_eval(value)
        except ValueError:
            return  # computed: the compliance suite reads it at run time
        supported = {
            name
            for where, names in _declarations(analysis, NAME)
            for name, _ in _names(where, names)
        }
        verdict.ok(program.place(value), "capabilities have notes")
        places = {
            key.value: program.place(key)
            for key in (value.keys if isinstance(value, ast.Dict) else [])
            if isinstance(key, ast.Constant)
        }
        for name, problem in declaration.problems(notes, supported).items():
            verdict.fail(places.get(name, program.place(value)), problem, _FIX_NOTE)


def _declarations(analysis: Analysis, name: str) -> Iterator[tuple[Program, ast.expr]]:
    for program in programs(analysis):
        for node in program.nodes(ast.Assign):
            if any(isinstance(t, ast.Name) and t.id == name for t in node.targets):
                yield program, node.value
        for typed in program.nodes(ast.AnnAssign):
            if isinstance(typed.target, ast.Name) and typed.target.id == name and typed.value:
                yield program, typed.value


def _names(program: Program, value: ast.expr) -> Iterator[tuple[str, Origin]]:
    """The names in the declaration: strings, or members of the kit's enumeration."""
    for node in walk(value):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value, program.place(node)
        elif isinstance(node, ast.Attribute) and source(node.value).endswith("Cap"):
            yield node.attr, program.place(node)


def _only_refused(analysis: Analysis, names: tuple[str, ...]) -> bool:
    """Whether the code looks a feature up only to refuse it."""
    found = [refuses(program, node) for program, node in looked_up(analysis, *names)]
    return bool(found) and all(found)
