"""Which variables of Metaflow a process that runs `init` or a step is started with.

Read from the syntax of the function that starts it: the mapping that is passed as `env`, what it
was made from, and what was put into it. ``whole`` says that nothing else can be in it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from metaflow_orchestrator_kit.validate.programs import Program, argument, called, has_splat
from metaflow_orchestrator_kit.validate.records import record
from metaflow_orchestrator_kit.validate.rules.syntax import literal, terminal
from metaflow_orchestrator_kit.validate.walking import source, walk

_STARTS = (
    "run", "Popen", "call", "check_call", "check_output",
    "create_subprocess_exec", "create_subprocess_shell",
)  # fmt: skip
_MODULES = frozenset(["subprocess", "sp", "asyncio", "_subprocess"])
_KINDS = ("init", "step")
_DEEPEST = 4


@record()
class Variables:
    """The names of METAFLOW_ variables; ``whole`` when they are all there can be."""

    names: frozenset[str]
    whole: bool

    def __or__(self, other: Variables) -> Variables:
        return Variables(self.names | other.names, self.whole and other.whole)


_NONE = Variables(frozenset(), True)
_ANY = Variables(frozenset(), False)


@record()
class Launch:
    """A call that starts `init` or a step, and what is in its environment."""

    program: Program
    node: ast.Call
    kind: str
    variables: Variables


def launches(program: Program) -> Iterator[Launch]:
    """The calls of a program that start a command written out in the same function."""
    for call in program.calls(*_STARTS):
        owner = call.func.value if isinstance(call.func, ast.Attribute) else None
        if terminal(owner) not in _MODULES or not call.args or has_splat(call):
            continue
        scope: ast.AST = program.function(call) or program.tree
        words = {literal(n) for part in _parts(scope, call.args[0]) for n in walk(part)}
        kinds = [kind for kind in _KINDS if kind in words]
        if len(kinds) == 1:
            given = argument(call, "env")
            variables = _NONE if given is None else _of(scope, given, 0)
            yield Launch(program, call, kinds[0], variables)


def set_for_itself(program: Program) -> frozenset[str]:
    """The variables that a program sets in its own environment, which its processes inherit."""
    found: set[object] = set()
    for node in program.nodes(ast.Subscript):
        if terminal(node.value) == "environ" and isinstance(node.ctx, ast.Store):
            found.add(literal(node.slice))
    for call in program.calls("setdefault", "update", "putenv"):
        if terminal(call.func) == "putenv" or "environ" in source(call.func):
            found |= {literal(n) for argument in call.args for n in walk(argument)}
            found |= {k.arg for k in call.keywords}
    return frozenset(name for name in found if isinstance(name, str))


def _parts(scope: ast.AST, command: ast.expr) -> Iterator[ast.expr]:
    """The command, and what is assigned to its name, where it is one."""
    yield command
    if isinstance(command, ast.Name):
        yield from _assigned(scope, command.id)


def _assigned(scope: ast.AST, name: str) -> Iterator[ast.expr]:
    for node in walk(scope):
        match node:
            case ast.Assign(targets=[ast.Name(id=target)], value=value) if target == name:
                yield value
            case ast.AnnAssign(target=ast.Name(id=target), value=ast.expr() as value):
                if target == name:
                    yield value
            case ast.AugAssign(target=ast.Name(id=target), value=value) if target == name:
                yield value
            case _:
                pass


def _of(scope: ast.AST, value: ast.expr, depth: int) -> Variables:
    if depth > _DEEPEST:
        return _ANY
    match value:
        case ast.Constant(value=None) | ast.Attribute(attr="environ"):
            return _NONE
        case ast.Dict(keys=keys, values=values):
            pairs = zip(keys, values, strict=True)
            return _all(_named(k) if k else _of(scope, v, depth + 1) for k, v in pairs)
        case ast.Call(func=ast.Attribute(value=made, attr="copy"), args=[]):
            return _of(scope, made, depth + 1)
        case ast.Call(func=ast.Name(id="dict"), args=args, keywords=keywords):
            given = _all(_of(scope, a, depth + 1) for a in args)
            named = [Variables(frozenset([k.arg]), True) for k in keywords if k.arg]
            spread = [_of(scope, k.value, depth + 1) for k in keywords if k.arg is None]
            return _all([given, *named, *spread])
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _of(scope, left, depth + 1) | _of(scope, right, depth + 1)
        case ast.BoolOp(values=parts):
            return _all(_of(scope, part, depth + 1) for part in parts)
        case ast.IfExp(body=body, orelse=orelse):
            return _of(scope, body, depth + 1) | _of(scope, orelse, depth + 1)
        case ast.Name(id=name):
            return _of_name(scope, name, depth)
        case _:
            return _ANY


def _of_name(scope: ast.AST, name: str, depth: int) -> Variables:
    made = list(_assigned(scope, name))
    found = _all(_of(scope, value, depth + 1) for value in made) if made else _ANY
    for node in walk(scope):
        match node:
            case ast.Subscript(value=ast.Name(id=target), slice=key, ctx=ast.Store()):
                found |= _named(key) if target == name else _NONE
            case ast.Call(func=ast.Attribute(value=ast.Name(id=target), attr="setdefault")):
                found |= _named(node.args[0]) if target == name and node.args else _NONE
            case ast.Call(func=ast.Attribute(value=ast.Name(id=target), attr="update")):
                if target == name:
                    found |= _all(_of(scope, a, depth + 1) for a in node.args)
                    found |= _all(
                        Variables(frozenset([k.arg]), True) if k.arg else _ANY
                        for k in node.keywords
                    )
            case ast.Call(args=args) if called(node) not in (*_STARTS, "dict"):
                if any(isinstance(a, ast.Name) and a.id == name for a in args):
                    found |= _ANY  # Somebody else may put something into it.
            case _:
                pass
    return found


def _named(key: ast.expr) -> Variables:
    """A variable by its name; one whose name is computed may be any."""
    if isinstance(key, ast.Constant):
        return Variables(frozenset([str(key.value)]), True)
    return Variables(frozenset([source(key)]), False)


def _all(parts: Iterable[Variables]) -> Variables:
    found = _NONE
    for part in parts:
        found |= part
    return found
