"""What a number of retries or attempts is the sum of: the user's, the errors', and the first."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.programs import Program, called, programs
from metaflow_orchestrator_kit.validate.rules.syntax import literal
from metaflow_orchestrator_kit.validate.walking import walk

USER, ERROR, ONE, UNKNOWN = "user", "error", "one", "unknown"
_HOOK = "step_task_retry_count"
_MAX_DEPTH = 8
Terms = frozenset[str]
_NOTHING: Terms = frozenset()
_LOST: Terms = frozenset([UNKNOWN])


def terms(analysis: Analysis, program: Program, value: ast.expr) -> Terms:
    """What *value* adds up, from `step_task_retry_count()` and `times` on; UNKNOWN with a rest."""
    return _Reader(analysis).of(program, value, 0)


def counts_errors(analysis: Analysis, call: ast.Call, place: int) -> bool:
    """Whether that element of what a function of the project answers counts error retries."""
    return ERROR in _Reader(analysis).answered(call, place, 0)


def larger_of_two(analysis: Analysis) -> Iterator[Origin]:
    """Where the larger of the user's retries and the error retries is taken for their sum."""
    for program in programs(analysis):
        for call in program.calls("max"):
            if len(call.args) == 2 and not any(isinstance(a, ast.Constant) for a in call.args):
                found = [terms(analysis, program, a) for a in call.args]
                if sorted(found, key=sorted) == [frozenset([ERROR]), frozenset([USER])]:
                    yield program.place(call)


class _Reader:
    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis
        self._open: set[tuple[int, str]] = set()

    def of(self, program: Program, value: ast.expr, depth: int) -> Terms:
        if depth > _MAX_DEPTH:
            return _LOST
        match value:
            case ast.Constant(value=bool() | None):
                return _NOTHING
            case ast.Constant(value=int(number)):
                return frozenset([ONE]) if number == 1 else _NOTHING if number == 0 else _LOST
            case (
                ast.BinOp(left=left, op=ast.Add(), right=right)
                | ast.BoolOp(op=ast.Or(), values=[left, right])
            ):
                return self.of(program, left, depth + 1) | self.of(program, right, depth + 1)
            case ast.IfExp(body=left, orelse=right):
                return self.of(program, left, depth + 1) | self.of(program, right, depth + 1)
            case ast.Call(func=ast.Name(id="max" | "min" | "int" | "str" | "sum"), args=args):
                found = [self._argument(program, a, depth) for a in args]
                return frozenset().union(*found)
            case ast.Subscript(value=ast.Call() as call, slice=ast.Constant(value=int(place))):
                return self.answered(call, place, depth)
            case (
                ast.Subscript(slice=key) | ast.Call(func=ast.Attribute(attr="get"), args=[key, *_])
            ):
                return frozenset([USER]) if literal(key) == "times" else _LOST
            case ast.Call():
                return self.answered(value, None, depth)
            case ast.Name(id=name):
                return self._name(program, value, name, depth)
            case _:
                return _LOST

    def _argument(self, program: Program, value: ast.expr, depth: int) -> Terms:
        if isinstance(value, ast.GeneratorExp | ast.ListComp):
            return self.of(program, value.elt, depth + 1)
        return self.of(program, value, depth + 1)

    def _name(self, program: Program, value: ast.expr, name: str, depth: int) -> Terms:
        """The union of what the variable is given in its function."""
        scope = program.function(value)
        if scope is None or (id(scope), name) in self._open:
            return _NOTHING if scope is not None else _LOST
        self._open.add((id(scope), name))
        found: list[Terms] = []
        for node in walk(scope):
            match node:
                case ast.Assign(targets=[ast.Name(id=target)], value=given) if target == name:
                    found.append(self.of(program, given, depth + 1))
                case ast.AugAssign(target=ast.Name(id=target), op=ast.Add(), value=given):
                    if target == name:
                        found.append(self.of(program, given, depth + 1))
                case ast.Assign(targets=[ast.Tuple(elts=elements)], value=given):
                    for place, element in enumerate(elements):
                        if isinstance(element, ast.Name) and element.id == name:
                            found.append(self._element(program, given, place, depth))
                case _:
                    pass
        self._open.discard((id(scope), name))
        return frozenset().union(*found) if found else _LOST

    def _element(self, program: Program, given: ast.expr, place: int, depth: int) -> Terms:
        """What an assignment to several names gives to the one at *place*."""
        match given:
            case ast.Tuple(elts=values) if place < len(values):
                return self.of(program, values[place], depth + 1)
            case ast.Call():
                return self.answered(given, place, depth)
            case _:
                return _LOST

    def answered(self, call: ast.Call, place: int | None, depth: int) -> Terms:
        """What the one function of that name answers (the element at *place* of it)."""
        name = called(call)
        if name == _HOOK:
            return frozenset([USER, ERROR][place : place + 1]) if place is not None else _LOST
        defined = [
            (p, f)
            for p in programs(self._analysis)
            for f in p.nodes(ast.FunctionDef)
            if f.name == name
        ]
        if len(defined) != 1 or depth > _MAX_DEPTH:
            return _LOST
        program, function = defined[0]
        found: list[Terms] = []
        for node in walk(function):
            if not isinstance(node, ast.Return) or node.value is None:
                continue
            answer: ast.expr = node.value
            if place is None:
                found.append(self.of(program, answer, depth + 1))
            else:
                found.append(self._element(program, answer, place, depth + 1))
        return frozenset().union(*found) if found else _LOST
