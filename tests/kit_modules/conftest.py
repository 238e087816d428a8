"""The modules that generated extensions copy, loaded where they stand in the templates.

Test modules of this folder import them from the package `in_place`, which is the template
folders themselves: no copy, and their relative imports work.
"""

import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import cluster
import pytest
from hypothesis import HealthCheck, settings
from live_engine import Live, load_engine
from live_temporal import Stage, TemporalLive
from machines import LEASE, Machines
from scaffolded import Bench, make_bench

from metaflow_orchestrator_kit import paths

_PARTS = ("extension", "engines/embedded", "engines/temporal")
_INSIDE = "metaflow_extensions/__module__/plugins/__module__"
_FOLDERS = [paths.templates() / part / _INSIDE for part in _PARTS]


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

# Random graphs: HYPOTHESIS_PROFILE=thorough walks 25 times as many.
_SLOW_TO_DRAW = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile(
    "kit", max_examples=200, deadline=None, suppress_health_check=_SLOW_TO_DRAW
)
settings.register_profile(
    "thorough", max_examples=5000, deadline=None, suppress_health_check=_SLOW_TO_DRAW
)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave what takes a target of its own to that, which asks for its mark."""
    asked = config.option.markexpr
    apart = [mark for mark in ("temporal", "postgres", "environments") if mark not in asked]
    left = [item for item in items if any(item.get_closest_marker(mark) for mark in apart)]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]


class Benches:
    """A scaffolded extension for each engine, made when a test first asks for it."""

    def __init__(self, folders: pytest.TempPathFactory) -> None:
        self._folders = folders
        self._made: dict[str, tuple[Bench, ModuleType]] = {}

    def __getitem__(self, engine: str) -> tuple[Bench, ModuleType]:
        if engine not in self._made:
            bench = make_bench(self._folders.mktemp(f"bench_{engine}_"), engine)
            self._made[engine] = (bench, load_engine(bench))
        return self._made[engine]

    def close(self) -> None:
        """End whatever the benches have started."""
        for bench, _ in self._made.values():
            for pid, _ in bench.processes():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


@pytest.fixture(scope="session")
def benches(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Benches]:
    benches = Benches(tmp_path_factory)
    yield benches
    benches.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[cluster.Cluster]:
    """A server of PostgreSQL, for all tests of a session that need one."""
    if why := cluster.missing():
        pytest.skip(why)
    with cluster.running() as server:
        yield server


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Each database of the embedded engine in turn, empty; None for the default."""
    if request.param == "sqlite":
        return None
    from in_place.embedded_postgres import Postgres

    server: cluster.Cluster = request.getfixturevalue("postgres")
    schema = f"test_{uuid.uuid4().hex}"
    return Postgres(server.url(), schema, "METAFLOW_TEST_DATABASE")


@pytest.fixture(scope="session")
def bench(benches: Benches) -> Bench:
    """A scaffolded extension with the default engine."""
    return benches["embedded"][0]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of a few megabytes; only root may make one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    command = [str(mount), "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    if mount is None or subprocess.run(command, capture_output=True).returncode != 0:
        pytest.skip("this user may not mount a disk: run as root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def live(
    request: pytest.FixtureRequest,
    benches: Benches,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Live]:
    """An engine at work: the one of the test class, or the embedded one."""
    bench, module = benches[getattr(request.cls, "engine", "embedded")]
    live = Live(bench, module, tmp_path)
    for name in [name for name in os.environ if name.startswith("METAFLOW_")]:
        monkeypatch.delenv(name)
    for name, value in {**bench.environment, **dict([live.mark.split("=", 1)])}.items():
        monkeypatch.setenv(name, value)
    yield live
    live.close()


@pytest.fixture
def machines(
    live: Live, postgres: cluster.Cluster, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Machines]:
    """Machines that share a database; at first none of them serves."""
    shared = {live.variable("DATABASE"): postgres.url(), live.variable("LEASE"): str(LEASE)}
    live.bench = replace(live.bench, variables=shared)
    for name, value in shared.items():
        monkeypatch.setenv(name, value)
    machines = Machines(live)
    yield machines
    machines.close()


@pytest.fixture(scope="module")
def stage(benches: Benches, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A Temporal server for the tests of a module, and whatever workers they hire."""
    stage = Stage.open(*benches["temporal"], tmp_path_factory.mktemp("stage"))
    yield stage
    stage.close()


@pytest.fixture
def temporal_live(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TemporalLive]:
    """The Temporal engine at work, with a worker."""
    for name in [name for name in os.environ if name.startswith("METAFLOW_")]:
        monkeypatch.delenv(name)
    for name, value in stage.settings.items():
        monkeypatch.setenv(name, value)
    live = TemporalLive(stage.bench, stage.module, tmp_path, stage=stage)
    if not stage.workers:
        stage.hire("--max-tasks", "4")
    yield live
    if not stage.server.pid:
        stage.server.start()
    if not stage.workers:
        stage.hire("--max-tasks", "4")
    live.close()
