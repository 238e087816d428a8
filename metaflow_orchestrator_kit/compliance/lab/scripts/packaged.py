"""A deployed flow whose files its deployer goes on to change."""

from __future__ import annotations

from typing import Any

from metaflow_orchestrator_kit.compliance.lab.actions import action, outcome, run_to_end
from metaflow_orchestrator_kit.compliance.lab.live import Live

_DEPLOYED, _EDITED = '"as deployed"', '"as edited"'


@action
def edit_and_run(live: Live) -> None:
    """Change the flow and a module beside it, and run what was deployed.

    ``extra`` has the deployer's ``folder``, and what the client says of the run's ``code``.
    """
    for file in (live.flow_file, live.flow_file.with_name("packaged_words.py")):
        text = file.read_text("utf-8")
        assert _DEPLOYED in text
        file.write_text(text.replace(_DEPLOYED, _EDITED), encoding="utf-8")
    live.extra["folder"] = str(live.flow_file.parent.resolve())
    run_to_end(live)
    live.extra["code"] = outcome(lambda: _code(live))


def _code(live: Live) -> dict[str, Any]:
    """Which code the run had, for Metaflow's client."""
    from metaflow import Run, namespace

    namespace(None)
    code = Run(live.triggered.pathspec, _namespace_check=False).code
    if code is None:
        return {"flow": None, "files": []}
    text = str(code.flowspec)
    return {
        "flow": next((word for word in ("as deployed", "as edited") if f'"{word}"' in text), text),
        "files": sorted(name for name in code.tarball.getnames() if "/" not in name),
    }
