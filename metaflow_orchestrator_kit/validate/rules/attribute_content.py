from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence

from metaflow_orchestrator_kit.validate import clicks, edits
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Edit, Fix, Severity
from metaflow_orchestrator_kit.validate.model.values import (
    Cell,
    Entry,
    MapCell,
    Origin,
    Ref,
    Text,
    Value,
    key_of,
    names_in,
    options_of,
)
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule, elsewhere
from metaflow_orchestrator_kit.validate.rules.examples import cli
from metaflow_orchestrator_kit.validate.walking import walk

_DEPLOYMENT = ("name", "flow_name", "metadata")
_RUN = ("name", "metadata", "pathspec")
_PROVIDER = regex(r"^[a-z_]+@")
_FIX = (
    'create answers {"name", "flow_name", "metadata": obj.metadata.metadata_str()}; trigger '
    '{"name", "metadata", "pathspec": "<flow>/<run id>"}.'
)


def _command(name: str, payload: str) -> Mapping[str, str]:
    return cli(f"""\
import json

@acme.command()
@click.option("--deployer-attribute-file", default=None)
@click.pass_obj
def {name}(obj, deployer_attribute_file):
    run_id = obj.run_id
    if deployer_attribute_file:
        with open(deployer_attribute_file, "w") as f:
            json.dump({payload}, f)
""")


_META = '"metadata": obj.metadata.metadata_str()'


class AttributeContentWrong(Rule):
    """What `create` or `trigger` tells the Deployer API is incomplete, or not what it means.

    `DeployedFlow` and `TriggeredRun` are built from that JSON object. A missing `name` is None to
    the user; `metadata` that is not `TYPE@info` makes `metaflow.metadata(...)` raise ValueError;
    a `pathspec` that is not `<flow>/<run id>` makes `.run` look for another object for ever.

    Write all the keys, and `obj.metadata.metadata_str()` for the metadata.
    """

    code = "MOK126"
    name = "attribute-content-wrong"
    clauses = ("C4", "B8")
    severity = Severity.ERROR

    VALID = (
        Example("a deployment", _command(
            "create", f'{{"name": "n", "flow_name": obj.flow.name, {_META}}}')),
        Example("a run", _command(
            "trigger", f'{{"name": "n", "pathspec": f"{{obj.flow.name}}/{{run_id}}", {_META}}}')),
    )  # fmt: skip
    INVALID = (
        Example("no metadata provider", _command(
            "create", '{"name": "n", "flow_name": obj.flow.name,\n'
            '            "metadata": "{}"  # <-- here\n}')),
        Example("no name", _command(
            "trigger", f'{{"pathspec": f"{{obj.flow.name}}/{{run_id}}", {_META}}}')),
        Example("a step in the pathspec", _command(
            "trigger", f'{{"name": "n", {_META},\n'
            '            "pathspec": f"{obj.flow.name}/{run_id}/start"  # <-- here\n}')),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        names = clicks.attribute_names(analysis.project)
        seen = False
        wrong: dict[tuple[str, str], list[Origin]] = {}
        for event in analysis.calls("dump", "dumps"):
            to_file = any(names & names_in(item.value) for item in event.args[1:])
            for cell in _maps(event.args[0].value if event.args else None, event.cells):
                keys = {key_of(e.key): e for e in cell.entries}
                if not to_file and "pathspec" not in keys:
                    continue
                if not to_file and "metadata" not in keys:
                    # A part of an answer, or of what a TriggeredRun is made from.
                    for where, message in _wrong(keys):
                        wrong.setdefault((where.path, message), []).append(where)
                    continue
                seen = True
                place = event.function.qualname if event.function else ""
                kind = _RUN if "pathspec" in keys or place == "trigger" else _DEPLOYMENT
                missing = [] if None in keys else [k for k in kind if k not in keys]
                bad = list(_wrong(keys))
                if missing:
                    verdict.fail(
                        cell.origin,
                        f"the answer lacks {' and '.join(f'`{m}`' for m in missing)}",
                        _FIX,
                    )
                for where, message in bad:
                    wrong.setdefault((where.path, message), []).append(where)
                if not missing and not bad:
                    verdict.ok(cell.origin, "the answer has every key, in its form")
        for (_, message), places in wrong.items():
            text = message + elsewhere(places)
            verdict.fail(min(places), text, _FIX, fix=_fix(analysis, sorted(set(places))))
        if not seen:
            if names:
                verdict.unsure(None, "what is written to the attribute file was not found")
            else:
                verdict.not_applicable("no command takes an attribute file")


def _maps(value: Value | None, cells: Mapping[int, Cell]) -> Iterator[MapCell]:
    for _, option in options_of(value) if value is not None else ():
        cell = cells.get(option.cell) if isinstance(option, Ref) else None
        if isinstance(cell, MapCell):
            yield cell


def _wrong(keys: dict[str | None, Entry]) -> Iterator[tuple[Origin, str]]:
    metadata, pathspec = keys.get("metadata"), keys.get("pathspec")
    for _, option in options_of(metadata.value) if metadata else ():
        literal = option.literal() if isinstance(option, Text) else None
        if metadata and (isinstance(option, Ref) or (literal and not _PROVIDER.match(literal))):
            said = literal if literal is not None else "a mapping"
            yield metadata.origin, f"`metadata` is {said}, and not a metadata provider, `TYPE@info`"
            break
    for _, option in options_of(pathspec.value) if pathspec else ():
        if not isinstance(option, Text) or pathspec is None:
            continue
        skeleton = option.skeleton()
        if skeleton.count("/") > 1 or ("/" not in skeleton and "\0" not in skeleton):
            shown = skeleton.replace("\0", "...")
            yield pathspec.origin, f"`pathspec` is {shown}, and not `<flow>/<run id>`"
        elif "UNKNOWN" in skeleton.upper().partition("/")[0] or _guessed(option):
            yield pathspec.origin, "`pathspec` may name no flow (UNKNOWN), so `.run` finds nothing"


def _fix(analysis: Analysis, places: Sequence[Origin]) -> Fix | None:
    """The provider as Metaflow writes it, where the command's `obj` is at hand."""
    made = [edit for where in places if (edit := _edit(analysis, where)) is not None]
    return Fix(tuple(made), safe=False) if len(made) == len(places) else None


def _edit(analysis: Analysis, where: Origin) -> Edit | None:
    module = analysis.module(where.path)
    key = edits.node_at(module, where, ast.Constant) if module else None
    if module is None or not isinstance(key, ast.Constant) or key.value != "metadata":
        return None
    if "obj" not in edits.parameters_around(module, key):
        return None
    for node in walk(module.tree):
        if isinstance(node, ast.Dict) and key in node.keys:
            value = node.values[node.keys.index(key)]
            return edits.replacing(module, value, "obj.metadata.metadata_str()")
    return None


def _guessed(text: Text) -> bool:
    """Whether the flow's part may be the word that stands for not knowing it."""
    first = text.parts[0].content if text.parts else ""
    if isinstance(first, str):
        return False
    return any(
        isinstance(o, Text) and (o.literal() or "").upper() == "UNKNOWN"
        for _, o in options_of(first)
    )
