"""The modules that generated extensions copy, loaded where they stand in the templates.

Test modules of this folder import them from the package `in_place`, which is the template
folders themselves: no copy, and their relative imports work.
"""

import contextlib
import importlib.util
import os
import signal
import sys
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from scaffolded import Bench, make_bench

from metaflow_orchestrator_kit import paths

_INSIDE = "metaflow_extensions/__module__/plugins/__module__"
_FOLDERS = [paths.templates() / part / _INSIDE for part in ("extension", "engines/embedded")]


def _load() -> None:
    spec = importlib.util.spec_from_file_location(
        "in_place",
        _FOLDERS[0] / "__init__.py",
        submodule_search_locations=[str(folder) for folder in _FOLDERS],
    )
    assert spec is not None and spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules["in_place"] = package
    spec.loader.exec_module(package)


_load()

# Random graphs: HYPOTHESIS_PROFILE=thorough walks twenty times as many.
_COMMON = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large],
}
settings.register_profile("kit", max_examples=200, **_COMMON)
settings.register_profile("thorough", max_examples=5000, **_COMMON)


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One scaffolded extension; whatever it started ends with the tests."""
    bench = make_bench(tmp_path_factory.mktemp("bench"))
    yield bench
    for pid, _ in bench.processes():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
