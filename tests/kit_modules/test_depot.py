"""What becomes of a plan in the datastore."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from in_place.depot import load_plan, save_plan
from in_place.plan import Identity, Plan, PlanDamaged, Step

Damage = Callable[[bytes], bytes]


def plan_in(folder: Path) -> Plan:
    """A plan of a flow with a datastore in a folder."""
    identity, steps = Identity("name", "Flow", "ada", "token"), {"start": Step("start", "end")}
    options = (("--datastore", "local"), ("--datastore-root", str(folder)))
    return Plan(identity, "start", "end", steps, options=options)


def saved(folder: Path) -> tuple[dict[str, str], Path]:
    """Where a plan is, for `load_plan`, and its file."""
    where = save_plan(plan_in(folder))
    (file,) = folder.glob(f"Flow/data/*/{where['key']}")
    return where, file


def test_a_plan_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    where, _ = saved(tmp_path)

    assert load_plan(where) == plan_in(tmp_path)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda packed: packed[: len(packed) // 2], id="cut off"),
        pytest.param(lambda packed: packed[:-8] + bytes(8), id="another check sum"),
        pytest.param(lambda packed: packed[:10] + b"\xff" * 40, id="not to be unpacked"),
        pytest.param(lambda _: b"no gzip", id="not packed"),
        pytest.param(lambda _: b"", id="empty"),
        pytest.param(lambda _: gzip.compress(b"{"), id="no plan"),
    ],
)
def test_a_damaged_plan_is_told_as_one(tmp_path: Path, damage: Damage) -> None:
    where, file = saved(tmp_path)
    file.write_bytes(damage(file.read_bytes()))

    with pytest.raises(PlanDamaged, match=r"damaged one .*Deploy the flow again"):
        load_plan(where)


def test_a_plan_that_is_not_there_is_no_damaged_one(tmp_path: Path) -> None:
    where, file = saved(tmp_path)
    file.unlink()

    with pytest.raises(Exception) as caught:
        load_plan(where)

    assert not isinstance(caught.value, PlanDamaged)
