from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Confidence, Severity
from metaflow_orchestrator_kit.validate.programs import Program, called, programs
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.assigned import made_of
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.syntax import literal, terminal, words_of
from metaflow_orchestrator_kit.validate.walking import source

#: Texts that users write: they may hold quotes, backslashes and several lines.
_FREE = regex(r"^(?:\w+_)?(?:default|default_value|description|desc|doc|docstring|help)$", re.I)
#: What users give for a run: `--tag`, and the arguments of a decorator.
_GIVEN = regex(r"^(?:\w+_)?(?:tag|spec|decospec)$")
_DOC = frozenset(["__doc__", "description", "help", "default"])
_OPENS = regex(r"(?:(?:^|[=(\[,]|:)[ \t]*([\"'])|^[ \t]*([\"'])--[a-z-]+=)$")
_SAFE = regex(r"repr|dumps|quote|escape|replace|encode|safe|literal|!r", re.I)
_TOLD = regex(r"echo|print|log|warn|error|exception|info|debug|raise|fail|unsure", re.I)


class UnescapedText(Rule):
    """A text that users write is put between quotes as it is.

    A default or a description with a quote, a backslash or a second line ends the string of
    the generated program or document early. It does not parse, or something else is run. Write
    the text with `repr()`, or with the library of the format.
    """

    code = "MOK912"
    name = "unescaped-text"
    clauses = ("D12",)
    severity = Severity.ERROR

    VALID = (
        Example("escaped", compiler("""\
        def line(name, default):
            default = default.replace('"', "'")
            return f'{name} = parameter(default="{default}")'
        """)),
    )  # fmt: skip
    INVALID = (
        Example("in a program", compiler("""\
        def line(name, default):
            return f'{name} = parameter("{name}", default="{default}")'  # <-- here
        """)),
        Example("a decorator, in a list of options", compiler("""\
        def options(specs):
            args = ['"--quiet"']
            for spec in specs:
                args.append('"--with=%s"' % spec)  # <-- here
            return ", ".join(args)
        """)),
        Example("variables of a step", compiler("""\
        def lines(deco):
            values = deco.attributes.get("vars", {})
            return ['    "%s": "%s",' % (k, v) for k, v in values.items()]  # <-- here
        """)),
        Example("in YAML", compiler("""\
        def entry(param):
            return '  description: "%s"' % param.kwargs.get("help", "")  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        for program in programs(analysis):
            if program.module is None:
                continue
            for value in _quoted(program):
                if not _is_free(program, value) or _is_told(program, value):
                    continue
                place = program.place(value)
                if any(_SAFE.search(source(m)) for m in made_of(program, value)):
                    verdict.ok(place, "the text is escaped")
                    continue
                verdict.fail(
                    place,
                    f"`{source(value)}` is put between quotes as it is",
                    "Format it with `!r` and no quotes of your own, or write with a library.",
                    confidence=Confidence.MEDIUM,
                )
        if not verdict.findings and not verdict.evidence:
            verdict.not_applicable("no text of users is put between quotes")


def _quoted(program: Program) -> Iterator[ast.expr]:
    """What stands between quotes behind ``=``, ``:``, ``(`` or a comma, in a string."""
    for joined in program.nodes(ast.JoinedStr):
        values = [ast.Constant(value=""), *joined.values, ast.Constant(value="")]
        for before, part, after in zip(values, values[1:], values[2:], strict=False):
            if not isinstance(part, ast.FormattedValue) or part.conversion != -1:
                continue
            opened = _OPENS.search(str(literal(before)))
            if opened and str(literal(after)).startswith(opened[1] or opened[2]):
                yield part.value
    for operation in program.nodes(ast.BinOp):
        match operation:
            case ast.BinOp(left=ast.Constant(value=str(text)), op=ast.Mod(), right=right):
                pieces = re.split(r"%(?:\(\w+\))?[srd]", text)
                given = right.elts if isinstance(right, ast.Tuple) else [right]
                for (before_, after_), value in zip(
                    itertools.pairwise(pieces), given, strict=False
                ):
                    opened = _OPENS.search(before_)
                    if opened and after_.startswith(opened[1] or opened[2]):
                        yield value
            case _:
                pass


def _is_free(program: Program, value: ast.expr) -> bool:
    """Whether it is a default or a description, by its name or by where it comes from."""
    match value:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return (
                bool(_FREE.match(name) or _GIVEN.match(name))
                or name == "__doc__"
                or _of_environment(program, value)
            )
        case ast.Call() if called(value) in ("get", "str"):
            return bool(_DOC & words_of(value))
        case ast.Subscript(slice=key, value=owner):
            return literal(key) in _DOC and terminal(owner) in ("kwargs", "param", "parameter", "p")
        case _:
            return False


def _of_environment(program: Program, value: ast.expr) -> bool:
    """Whether it is the value of a variable of `@environment`, in a loop over them."""
    for outer in program.parents(value):
        loops = [outer] if isinstance(outer, ast.For) else getattr(outer, "generators", [])
        for loop in loops:
            match loop:
                case (
                    ast.For(target=target, iter=items)
                    | ast.comprehension(target=target, iter=items)
                ):
                    pass
                case _:
                    continue
            if isinstance(target, ast.Tuple) and terminal(target.elts[-1]) == terminal(value):
                made = made_of(program, items)
                return "vars" in set().union(*map(words_of, made)) and "items" in words_of(items)
    return False


def _is_told(program: Program, value: ast.expr) -> bool:
    """Whether the string is a message for people."""
    for outer in program.parents(value):
        match outer:
            case ast.Raise() | ast.Assert():
                return True
            case ast.Call(func=func) if _TOLD.search(terminal(func)):
                return True
            case ast.keyword(arg="help" | "message" | "msg"):
                return True
            case ast.stmt():
                return False
            case _:
                pass
    return False
