from __future__ import annotations

import ast
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Confidence, Severity
from metaflow_orchestrator_kit.validate.model.values import ClassInfo
from metaflow_orchestrator_kit.validate.programs import calls, programs
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.syntax import literal
from metaflow_orchestrator_kit.validate.walking import walk

#: What a flow or its user asks for, and a run has to do.
_ASKED_FOR = regex(
    r"^_*(?:\w*(?:timeout|retries|retry_delay|namespace|env_vars|parallelism|timezone)\w*|"
    r"(?:all_|user_|extra_)?tags|environment(?:_type)?|with_decorators|"
    r"(?:event_)?(?:logger|monitor)_type|datastore_root|branch|production|"
    r"max_workers|resource_(?:cpu|gpu|memory))$"
)
#: Whoever asks an object for all that it holds reads each field.
_ALL_OF_IT = ("asdict", "astuple", "vars", "model_dump")
_FIX = "Hand it on to the command, the environment or the scheduler, or refuse what asks for it."


class FieldNeverRead(Rule):
    """What the flow or its user asks for is noted in a field, and the field is read by nobody.

    A timeout, a namespace, the variables of `@environment`: one module collects them into an
    object of the plan, another writes the commands and forgets them. Deploying says nothing, and
    the run does without. It happens when a feature is added from one end, or when the place
    that handed it on is rewritten.
    """

    code = "MOK974"
    name = "field-never-read"
    clauses = ("C10", "D12")
    severity = Severity.WARNING

    VALID = (
        Example("handed on", compiler("""\
        from dataclasses import dataclass
        @dataclass
        class Step:
            name: str
            timeout_seconds: int
        def job(step):
            return {"name": step.name, "timeout": step.timeout_seconds}
        """)),
        Example("all fields are written out", compiler("""\
        from dataclasses import asdict, dataclass
        @dataclass
        class Step:
            name: str
            timeout_seconds: int
        def job(step):
            return asdict(step)
        """)),
    )  # fmt: skip
    INVALID = (
        Example("of a data class", compiler("""\
        from dataclasses import dataclass
        @dataclass
        class Step:
            name: str
            timeout_seconds: int  # <-- here
        def plan(node):
            return Step(name=node.name, timeout_seconds=limit(node))
        def job(step):
            return {"name": step.name}
        """)),
        Example("of the compiler", compiler("""\
        class Compiler:
            def __init__(self, graph, namespace):
                self.graph = graph
                self.namespace = namespace  # <-- here
            def steps(self):
                return [node.name for node in self.graph]
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable("no field holds what a flow asks for")
        every = programs(analysis)
        attributes = (n for p in every for n in p.nodes(ast.Attribute))
        read = {n.attr for n in attributes if isinstance(n.ctx, ast.Load)}
        read |= {w for p in every for n in p.nodes(ast.Constant) for w in _named(n)}
        by_name = {p.path: p for p in every if p.module is not None}
        all_of_it = any(next(calls(program, *_ALL_OF_IT), None) for program in every)
        for cls in analysis.project.classes():
            program = by_name.get(cls.module.path)
            if program is None:
                continue
            if all_of_it or _is_read_whole(cls):
                verdict.ok(program.place(cls.node), "its fields may be read all at once")
                continue
            for name, node in _fields(cls):
                if name in read:
                    verdict.ok(program.place(node), f"`{name}` is read")
                elif _ASKED_FOR.search(name):
                    text = f"`{name}` of `{cls.name}` is filled, and read by nobody"
                    verdict.fail(program.place(node), text, _FIX, confidence=Confidence.MEDIUM)


def _fields(cls: ClassInfo) -> Iterator[tuple[str, ast.AST]]:
    """The fields of a data class, and those that a constructor copies from its parameters."""
    for statement in cls.node.body:
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name)) if "dataclass" in _decorated(cls):
                yield name, statement
            case ast.FunctionDef(name="__init__"):
                # What is used here besides has been handed on in another way.
                used = [n.id for n in walk(statement) if isinstance(n, ast.Name)]
                arguments = (*statement.args.args, *statement.args.kwonlyargs)
                given = {a.arg for a in arguments if used.count(a.arg) == 1}
                for node in statement.body:
                    match node:
                        case ast.Assign(
                            targets=[ast.Attribute(value=ast.Name(id="self"), attr=name)],
                            value=ast.Name(id=source),
                        ) if source in given:
                            yield name, node
                        case _:
                            pass
            case _:
                pass


def _decorated(cls: ClassInfo) -> str:
    return " ".join(ast.unparse(d) for d in cls.node.decorator_list)


def _named(node: ast.Constant) -> tuple[str, ...]:
    """A field may be asked for by its name in a string."""
    text = literal(node)
    return (text,) if isinstance(text, str) and text.isidentifier() else ()


def _is_read_whole(cls: ClassInfo) -> bool:
    """Whether somebody may ask its objects for all of their fields."""
    if any(base.rpartition(".")[2] != "object" for base in cls.bases):
        return True
    return any(n.attr == "__dict__" for n in walk(cls.node) if isinstance(n, ast.Attribute))
