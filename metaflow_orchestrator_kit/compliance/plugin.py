"""The pytest plugin: asleep in every session but those that ``--mok-config`` starts.

pytest imports this module in each session of an environment that has the kit; so it
imports nothing before it is asked to work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that wakes the plugin."""
    group = parser.getgroup("metaflow-orchestrator-kit")
    group.addoption(
        "--mok-config",
        metavar="FILE",
        help="run the compliance suite; FILE is written by metaflow-orchestrator-test",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Start working when there is a configuration."""
    file = config.getoption("--mok-config")
    if file:
        from metaflow_orchestrator_kit.compliance.session import ComplianceSession

        config.pluginmanager.register(ComplianceSession(config, file), "mok-session")
