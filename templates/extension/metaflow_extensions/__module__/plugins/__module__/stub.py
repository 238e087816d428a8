"""A stand-in for a flow whose file is not at hand: its name and its parameters, nothing more.

`from_deployment` needs a flow file to build a `trigger` command with typed parameters. It is
written from what `create` stored (clause B11), never from user text spliced into code.

This file belongs to the kit: `metaflow-orchestrator-scaffold --update` replaces it.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from .parameters import Parameter
from .plan import Plan

_TYPES = {"JSON": "JSONType", "int": "int", "float": "float", "bool": "bool"}


def stub_source(plan: Plan) -> str:
    """The source of the stand-in flow."""
    lines = [
        "from metaflow import FlowSpec, IncludeFile, JSONType, Parameter, step",
        "",
        f"class {plan.identity.flow_name}(FlowSpec):",
        *(f"    {_parameter(parameter)}" for parameter in plan.parameters),
        "    @step",
        "    def start(self):",
        "        self.next(self.end)",
        "    @step",
        "    def end(self):",
        "        pass",
        "",
        "if __name__ == '__main__':",
        f"    {plan.identity.flow_name}()",
        "",
    ]
    return "\n".join(lines)


def _parameter(parameter: Parameter) -> str:
    # A default stored with the deployment makes the parameter optional for every trigger.
    required = parameter.required and parameter.default is None
    common = f"{parameter.name!r}, help={parameter.description!r}, required={required}"
    if parameter.type == "FilePath":
        return (
            f"{parameter.variable} = IncludeFile({common}, "
            f"is_text={parameter.is_text}, encoding={parameter.encoding!r})"
        )
    kind = _TYPES.get(parameter.type, "str")
    return f"{parameter.variable} = Parameter({common}, type={kind})"


def stub_file(plan: Plan) -> Path:
    """The stand-in flow as a file, which stays as long as this process.

    The deployer that is built on it runs commands later, so the file goes when the process does.
    """
    folder = tempfile.TemporaryDirectory(prefix="metaflow-deployment-")
    _FOLDERS.append(folder)
    path = Path(folder.name) / "flow.py"
    path.write_text(stub_source(plan), encoding="utf-8")
    return path


#: Removed by their finalisers at the end of the process.
_FOLDERS: list[tempfile.TemporaryDirectory[str]] = []
