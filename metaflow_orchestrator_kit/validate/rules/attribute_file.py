from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from metaflow_orchestrator_kit.validate import clicks
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.objects import call_name
from metaflow_orchestrator_kit.validate.plugins import header_of, origin_of
from metaflow_orchestrator_kit.validate.reach import reachable
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import cli
from metaflow_orchestrator_kit.validate.walking import walk
from metaflow_orchestrator_kit.validate.writes import on, written_again

_FIX = (
    'with open(deployer_attribute_file, "w") as f: json.dump({...}, f), once, on every path that '
    "ends without an error."
)
_GUARDS = {"isfile", "exists", "is_file", "access", "lexists"}
_MOVES = {"replace", "rename", "move", "renames", "copy", "copyfile"}


def _case(body: str) -> Mapping[str, str]:
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return cli(
        "import json, os\n\n@acme.command()\n"
        '@click.option("--deployer-attribute-file", default=None)\n@click.pass_obj\n'
        f"def create(obj, deployer_attribute_file):\n{lines}"
    )


class AttributeFileNotAnswered(Rule):
    """A command does not answer through the attribute file, or not as a pipe needs it.

    The file is a named pipe that the Deployer API reads. When nothing is written and the command
    ends well, `create()` or `trigger()` blocks for an hour and then fails; a test for a regular
    file is never true for a pipe, and a file moved in its place leaves the reader waiting.

    Open it for writing, once, on every successful path.
    """

    code = "MOK127"
    name = "attribute-file-not-answered"
    clauses = ("C3",)
    severity = Severity.ERROR

    VALID = (
        Example("opened and written", _case(
            'if deployer_attribute_file:\n    with open(deployer_attribute_file, "w") as f:\n'
            "        json.dump({}, f)")),
        Example("by a helper", _case("_answer(deployer_attribute_file)")),
    )  # fmt: skip
    INVALID = (
        Example("accepted and forgotten", cli(
            "@acme.command()\n"
            '@click.option("--deployer-attribute-file", default=None)\n@click.pass_obj\n'
            "def create(obj, deployer_attribute_file):  # <-- here\n    obj.deploy()\n")),
        Example("only when it is a file", _case(
            "if os.path.isfile(deployer_attribute_file):  # <-- here\n"
            '    with open(deployer_attribute_file, "w") as f:\n        json.dump({}, f)')),
        Example("moved in its place", _case(
            'with open("tmp", "w") as f:\n    json.dump({}, f)\n'
            'os.replace("tmp", deployer_attribute_file)  # <-- here')),
        Example("a second time", _case(
            'with open(deployer_attribute_file, "w") as f:\n    json.dump({}, f)\n'
            "run = obj.start()\n"
            'with open(deployer_attribute_file, "w") as f:  # <-- here\n'
            "    json.dump({'id': run}, f)")),
        Example("not on every path", _case(
            "if obj.unchanged:\n    return  # <-- here\n"
            'with open(deployer_attribute_file, "w") as f:\n    json.dump({}, f)')),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        found = [
            (c, p)
            for c in clicks.commands(analysis.project)
            if (p := c.flagged(clicks.ATTRIBUTE_FLAG)) is not None and not c.is_group
        ]
        if not found:
            verdict.not_applicable("no command takes an attribute file")
        for command, parameter in found:
            where = header_of(command.module, command.node)
            uses = _uses(command.node, parameter.dest)
            if not uses and _passed_on(command.node):
                verdict.unsure(where, "the options of the command are passed on as a whole")
                continue
            if not uses:
                verdict.fail(
                    where,
                    f"`{command.name}` takes the attribute file and never writes to it: the "
                    "caller waits for an hour",
                    _FIX,
                )
                continue
            before = len(verdict.findings)
            for module, node in reachable(analysis.project, command.module, command.node):
                for call, message in _misuse(node, parameter.dest):
                    verdict.fail(origin_of(module, call), message, _FIX)
            for again in written_again(command.node, parameter.dest):
                verdict.fail(
                    origin_of(command.module, again),
                    f"`{command.name}` writes the attribute file a second time, which nobody reads",
                    _FIX,
                )
            for left in _left_early(command.node, uses):
                verdict.fail(
                    origin_of(command.module, left),
                    f"`{command.name}` ends here, well, without having answered",
                    _FIX,
                )
            if len(verdict.findings) == before:
                verdict.ok(where, f"`{command.name}` answers through the attribute file")


def _uses(node: clicks.Function, name: str) -> list[ast.Name]:
    loaded = [n for n in walk(node) if isinstance(n, ast.Name) and n.id == name]
    return [n for n in loaded if isinstance(n.ctx, ast.Load)]


def _passed_on(node: clicks.Function) -> bool:
    """Whether a **kwargs or locals() may carry it."""
    names = {n.id for n in walk(node) if isinstance(n, ast.Name)}
    kwarg = node.args.kwarg
    return "locals" in names or (kwarg is not None and kwarg.arg in names)


def _misuse(node: clicks.Function, name: str) -> Iterator[tuple[ast.Call, str]]:
    for call in walk(node):
        if not isinstance(call, ast.Call):
            continue
        last = call_name(call).rpartition(".")[2]
        given = [a for a in call.args if isinstance(a, ast.Name) and a.id == name]
        if last in _GUARDS and (given or on(call, name)):
            yield call, f"the attribute file is a pipe, for which `{last}` says nothing useful"
        elif last in _MOVES and len(call.args) > 1 and call.args[1] in given:
            yield call, "a file put in the place of the pipe is never read"
        elif last == "open" and given and call.args[0] is given[0] and len(call.args) > 1:
            mode = call.args[1]
            if isinstance(mode, ast.Constant) and str(mode.value)[:1] in ("a", "x", "r"):
                yield call, f"the attribute file is opened with {mode.value!r}, not to be written"


def _left_early(node: clicks.Function, uses: list[ast.Name]) -> list[ast.Return]:
    """Returns of the command itself that stand before anything was done with the file."""
    first = min(u.lineno for u in uses)
    inner = {
        id(n) for f in walk(node)
        if isinstance(f, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) and f is not node
        for n in walk(f)
    }  # fmt: skip
    returns = [n for n in walk(node) if isinstance(n, ast.Return) and n.lineno < first]
    return [n for n in returns if id(n) not in inner]
