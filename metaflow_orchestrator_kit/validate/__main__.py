"""``python -m metaflow_orchestrator_kit.validate``."""

from metaflow_orchestrator_kit.validate.cli import command

command()
