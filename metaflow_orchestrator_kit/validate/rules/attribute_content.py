from __future__ import annotations

from collections.abc import Mapping

from metaflow_orchestrator_kit.validate import clicks
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.model.values import (
    Origin,
    key_of,
    names_in,
)
from metaflow_orchestrator_kit.validate.rules.attribute_fixes import fixed
from metaflow_orchestrator_kit.validate.rules.attribute_keys import maps, wrong_keys
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import cli

_DEPLOYMENT = ("name", "flow_name", "metadata")
_RUN = ("name", "metadata", "pathspec")
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
            for cell in maps(event.args[0].value if event.args else None, event.cells):
                keys = {key_of(e.key): e for e in cell.entries}
                if not to_file and "pathspec" not in keys:
                    continue
                if not to_file and "metadata" not in keys:
                    # A part of an answer, or of what a TriggeredRun is made from.
                    for where, message in wrong_keys(keys):
                        wrong.setdefault((where.path, message), []).append(where)
                    continue
                seen = True
                place = event.function.qualname if event.function else ""
                kind = _RUN if "pathspec" in keys or place == "trigger" else _DEPLOYMENT
                missing = [] if None in keys else [k for k in kind if k not in keys]
                bad = list(wrong_keys(keys))
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
            for where in sorted(set(places)):
                verdict.fail(where, message, _FIX, fix=fixed(analysis, [where]))
        if not seen:
            if names:
                verdict.unsure(None, "what is written to the attribute file was not found")
            else:
                verdict.not_applicable("no command takes an attribute file")
