from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate import env
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Confidence, Severity
from metaflow_orchestrator_kit.validate.model.values import Const, key_of
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.commands import by_place, nothing_launched
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.walking import walk

VARIABLE = "METAFLOW_FLOW_CONFIG_VALUE"
_FIX = (
    f'Put {VARIABLE} into the environment of init and step: JSON of {{name: "kv.<name>"}} for '
    "each config, with the resolved values in the code package or in --local-config-file."
)
_STEP = """\

def step(flow, node, top):
    return ["python", flow, *top, "step", node, "--run-id", "r", "--task-id", "t"]
"""


class ConfigValueMissing(Rule):
    """The tasks do not get METAFLOW_FLOW_CONFIG_VALUE.

    A task that is not told the values of the flow's configs reads their default files again, in
    its own directory: it fails when they are not there, and otherwise decorators with
    `config_expr` silently take default values. Set the variable for every command, mapping each
    config to `kv.<name>`; raw values are run through the user's parser a second time.
    """

    code = "MOK004"
    name = "config-value-missing"
    clauses = ("G6", "D7")
    severity = Severity.ERROR

    VALID = (
        Example("a mapping to kv names", compiler(
            "import json\ndef env(configs):\n"
            '    pointers = {name: "kv." + name for name in configs}\n'
            f'    return {{"{VARIABLE}": json.dumps(pointers)}}\n' + _STEP)),
        Example("an export in a shell line", compiler(
            "from metaflow.user_configs.config_options import ConfigInput\n"
            "def lines(name):\n"
            "    key = ConfigInput.make_key_name(name)\n"
            f"    return 'export {VARIABLE}=%s' % key\n" + _STEP)),
    )  # fmt: skip
    INVALID = (
        Example("nowhere", compiler(_STEP)),
        Example("only in a comment and a docstring", compiler(
            f'"""Sets {VARIABLE}."""\n# env["{VARIABLE}"] = value\n' + _STEP)),
        Example("only read", compiler(
            f'import os\nVALUE = os.environ.get("{VARIABLE}")\n' + _STEP)),
        Example("empty", compiler(
            f'ENV = {{"{VARIABLE}": ""}}  # <-- here\n' + _STEP)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        writes = [w for w in analysis.environment if w.name == VARIABLE and not w.own_process]
        full = [w for w in writes if not _empty(w)]
        if full and _names_keys(analysis):
            for write in full:
                verdict.ok(write.origin, f"{VARIABLE} is set")
        elif full:
            # Rather where the tasks' own commands are built than where a deployment's are.
            building = {place.path for place in by_place(analysis, "step")}
            near = next((w for w in full if w.origin.path in building), full[0])
            verdict.fail(
                near.origin,
                f"{VARIABLE} carries the configs' values instead of `kv.<name>`, "
                "so a config's parser runs on them again",
                _FIX,
                severity=Severity.WARNING,
                confidence=Confidence.MEDIUM,
            )
        elif writes:
            verdict.fail(writes[0].origin, f"{VARIABLE} is set to nothing", _FIX)
        elif not nothing_launched(analysis, verdict):
            own = [w for w in analysis.environment if w.name == VARIABLE]
            if own:
                verdict.unsure(own[0].origin, f"{VARIABLE} is set in the process's own environment")
                return
            place = next(iter(by_place(analysis, "step")))
            verdict.fail(place, f"nothing sets {VARIABLE} for the tasks", _FIX)


def _empty(write: env.EnvWrite) -> bool:
    literal = key_of(write.value)
    if isinstance(write.value, Const) and write.value.value is None:
        return True
    return literal is not None and literal.strip() in ("", "{}", "null", "None")


def _names_keys(analysis: Analysis) -> bool:
    """Whether the code maps configs to ``kv.`` names anywhere."""
    for module in analysis.modules():
        for node in walk(module.tree):
            if isinstance(node, ast.Attribute | ast.Name):
                if getattr(node, "attr", getattr(node, "id", "")) == "make_key_name":
                    return True
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                text = node.value
                if text.startswith("kv.") or '"kv.' in text or "'kv." in text:
                    return True
    return False
