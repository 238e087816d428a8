from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.programs import Program, programs
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import objects as objects_file
from metaflow_orchestrator_kit.validate.rules.syntax import literal, terminal

_HEAD = """\
from metaflow.runner.deployer import DeployedFlow, generate_fake_flow_file_contents

class AcmeFlow(DeployedFlow):
    @classmethod
    def from_deployment(cls, identifier, metadata=None):
        record = client().get(identifier)
        info = {}
        for name, known in record["parameters"].items():
"""
_TAIL = """\
        return stub(generate_fake_flow_file_contents(record["flow_name"], info))
"""
_FULL = """\
            info[name] = {"name": name, "python_var_name": known["var"], "type": known["type"],
                          "description": known["description"], "is_required": known["required"]}
"""


class StubUntyped(Rule):
    """A deployment that is found again knows its parameters wrongly.

    `from_deployment` makes a stub of the flow: each parameter needs the attribute it is kept under
    (`python_var_name`) and its type. Where every type is `str`, `trigger(alpha=1)` is a TypeError
    for the very call that worked on the deployment itself; without the attribute's name the stub
    cannot be written.

    Store both at create, and read them back.
    """

    code = "MOK155"
    name = "stub-parameters-untyped"
    clauses = ("B11",)
    severity = Severity.ERROR

    VALID = (Example("what was stored", objects_file(_HEAD + _FULL + _TAIL)),)
    INVALID = (
        Example("all texts", objects_file(_HEAD + _FULL.replace('known["type"]', '"str"').replace(
            'info[name] = {"name"', 'info[name] = {  # <-- here\n                "name"') + _TAIL)),
        Example("no attribute", objects_file(_HEAD + _FULL.replace(
            '"python_var_name": known["var"], ', "").replace(
            'info[name] = {"name"', 'info[name] = {  # <-- here\n                "name"') + _TAIL)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        for program in programs(analysis):
            for mapping, entries in _descriptions(program):
                where = program.place(mapping)
                where = where._replace(end_line=where.line)
                kind = literal(entries["type"])
                if isinstance(kind, str):
                    text = f"every parameter of the stub is of the type {kind}"
                    verdict.fail(where, text, "Store each parameter's type at create.")
                elif "python_var_name" not in entries:
                    text = "a parameter of the stub has no `python_var_name`"
                    verdict.fail(where, text, "Store the attribute's name at create.")
                else:
                    verdict.ok(where, "the parameters of the stub are those of the flow")
        if not verdict.findings and not verdict.evidence:
            verdict.not_applicable("no stub of a flow is made")


def _descriptions(program: Program) -> Iterator[tuple[ast.Dict, Mapping[str, ast.expr]]]:
    """The dictionaries that describe one parameter to `generate_fake_flow_file_contents`."""
    makers = {
        id(program.function(call))
        for call in program.nodes(ast.Call)
        if terminal(call.func) == "generate_fake_flow_file_contents"
    }
    for mapping in program.nodes(ast.Dict) if makers else ():
        if id(program.function(mapping)) not in makers or None in mapping.keys:
            continue
        entries = {
            str(literal(key)): value
            for key, value in zip(mapping.keys, mapping.values, strict=True)
        }
        if {"name", "type", "is_required"} <= set(entries):
            yield mapping, entries
