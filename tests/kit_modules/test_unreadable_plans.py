"""Deployments and runs whose plan is damaged, or was written by a newer kit, beside others."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from in_place.plan import VERSION, Plan
from live_engine import Live, load_engine, wait_until
from scaffolded import PATIENCE, TYPE, Bench, make_bench

DAMAGED = '{"version": 1'
TOO_NEW = json.dumps({"version": VERSION + 1})


def scheduled(package: Any, name: str) -> Any:
    """A plan with a schedule, made of the classes of a scaffolded extension."""
    plan = package.plan
    identity = plan.Identity(name, "Flow", "ada", "token")
    steps = {"start": plan.Step("start", "end")}
    schedule = package.starts.Schedule("0 0 1 1 *", "UTC")
    return plan.Plan(identity, "start", "start", steps, schedule=schedule)


def spoil(store: Any, table: str, key: str, plan: str) -> None:
    """Put something else in place of a stored plan."""
    column = {"deployment": "name", "run": "run_id"}[table]
    with store.database.transaction() as transaction:
        transaction.execute(f"UPDATE {table} SET plan = ? WHERE {column} = ?", (plan, key))


def test_the_server_tells_of_it_once_and_goes_on_with_the_others(tmp_path: Path) -> None:
    engine = load_engine(make_bench(tmp_path / f"bench_{tmp_path.name}"))
    for name in ("embedded_server", "plan", "starts"):
        importlib.import_module(f"{engine.__package__}.{name}")
    package = sys.modules[str(engine.__package__)]
    tick = package.embedded_server.tick
    store = engine.Store(tmp_path / "home")
    for name in ("A", "B"):
        store.save_deployment(scheduled(package, name), Path("/code"))
    whole = scheduled(package, "A").to_json()
    spoil(store, "deployment", "A", DAMAGED)
    earlier = store.scheduled_until("B") - 3600
    told: set[str] = set()

    (said,) = tick(store, earlier, told)

    assert said.startswith("Deployment 'A': This is no plan, or a damaged one")
    assert store.scheduled_until("B") == earlier, "the clock was set back, and B was looked at"
    assert tick(store, earlier, told) == []
    spoil(store, "deployment", "A", whole)
    assert tick(store, earlier, told) == []
    spoil(store, "deployment", "A", TOO_NEW)
    (said,) = tick(store, earlier, told)
    assert "Update the extension" in said


def test_temporal_deployments_that_cannot_be_read_stand_beside_the_others(tmp_path: Path) -> None:
    engine: Any = load_engine(make_bench(tmp_path / f"bench_{tmp_path.name}", "temporal"))
    order = {"whole": True, "deployment": "A", "plan": json.loads(TOO_NEW)}

    found = engine._plan_in(order)

    assert isinstance(found, engine.PlanUnreadable)
    assert str(found).startswith("Deployment 'A': This plan has version")


LISTING = """
import warnings
from metaflow import DeployedFlow
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    for flow in DeployedFlow.list_my_scheduler():
        print("found", flow.deployer.name)
    for warning in said:
        print("warned", warning.message)
"""


def listed(bench: Bench) -> list[str]:
    """What a user's listing of all deployments says."""
    done = subprocess.run(
        [sys.executable, "-c", LISTING],
        **{"capture_output": True, "text": True, "timeout": PATIENCE, "env": bench.environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.slow
def test_a_listing_names_it_beside_the_others_and_only_a_damaged_one_is_replaced(
    live: Live,
) -> None:
    for name in ("damaged", "newer", "whole"):
        live.deploy("solo", name=name)
    store = live.engine._store
    spoil(store, "deployment", "damaged", DAMAGED)
    spoil(store, "deployment", "newer", TOO_NEW)

    lines = listed(live.bench)

    assert "found whole" in lines and not {"found damaged", "found newer"} & set(lines)
    warned = sorted(line.partition(": ")[0] for line in lines if line.startswith("warned"))
    assert warned == ["warned Deployment 'damaged'", "warned Deployment 'newer'"]
    live.command("solo", "create", name="damaged")
    assert live.engine.deployment("damaged").identity.name == "damaged"
    refused = live.bench.run(live.flow("solo"), TYPE, "--name", "newer", "create")
    assert refused.returncode == 1
    assert "Deployment 'newer': This plan has version" in " ".join(refused.stderr.split())
    assert live.engine.delete("newer") is True


@pytest.mark.slow
def test_a_run_with_a_damaged_plan_fails_at_once_and_one_with_a_newer_plan_waits(
    live: Live,
) -> None:
    store = live.engine._store
    plan, code = store.deployment(live.deploy("solo"))
    damaged, newer = live.request(), live.request()
    for request, stored in ((damaged, DAMAGED), (newer, TOO_NEW)):
        store.add_run("Solo", plan, code, request)
        spoil(store, "run", request.run_id, stored)

    failed = live.finished(damaged.run_id)

    assert (failed.status, failed.reason.partition(":")[0]) == ("FAILED", f"Run '{damaged.run_id}'")
    assert [run.status for run in live.engine.runs("Solo")][:2] == ["RUNNING", "FAILED"]
    waiting = live.engine.run(newer.run_id)
    assert "Update the extension" in waiting.reason
    folder = live.module.RunFolder.of(store.home, newer.run_id)
    wait_until(lambda: folder.trouble, "an executor has seen it")
    spoil(store, "run", newer.run_id, Plan.from_json(plan.to_json()).to_json())
    assert live.finished(newer.run_id).status == "SUCCEEDED"
    live.no_process_is_left()
