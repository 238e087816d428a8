"""``python -m metaflow_orchestrator_kit.scaffold``."""

from metaflow_orchestrator_kit.scaffold.cli import main

main(prog_name="metaflow-orchestrator-scaffold")
