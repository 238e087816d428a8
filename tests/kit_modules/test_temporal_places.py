"""How many tasks a Temporal worker takes at a time."""

from __future__ import annotations

import asyncio
import importlib
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("temporalio", reason="temporalio is not installed: no Temporal test can run")

#: Seconds for what needs no time.
PATIENCE = 60.0


def places(tasks: int) -> Any:
    return importlib.import_module("in_place.temporal_places").Places(tasks)


def about(permit: object) -> Any:
    """What the SDK says of a place."""
    return SimpleNamespace(permit=permit)


async def asked(of: Any) -> Any:
    """The place for a task that is asked for."""
    return await asyncio.wait_for(of.reserve_slot(about(None)), PATIENCE)


def test_beside_the_place_that_is_kept_for_asking_tasks_may_come_by_themselves() -> None:
    async def scenario() -> None:
        two = places(2)
        await asked(two)

        assert two.try_reserve_slot(about(None)) is not None
        assert two.try_reserve_slot(about(None)) is None

    asyncio.run(scenario())


def test_a_second_place_is_kept_only_once_the_first_is_used() -> None:
    async def scenario() -> None:
        three = places(3)
        first = await asked(three)
        second = asyncio.create_task(asked(three))
        await asyncio.sleep(0)
        assert not second.done()

        await asyncio.to_thread(three.mark_slot_used, about(first))

        assert await second is not first

    asyncio.run(scenario())


@pytest.mark.parametrize("used", [True, False], ids=["its task is done", "no task has come"])
def test_a_place_that_is_given_back_can_be_taken_again(used: bool) -> None:
    async def scenario() -> None:
        one = places(1)
        first = await asked(one)
        if used:
            one.mark_slot_used(about(first))
        assert one.try_reserve_slot(about(None)) is None
        second = asyncio.create_task(asked(one))
        await asyncio.sleep(0)
        assert not second.done()

        await asyncio.to_thread(one.release_slot, about(first))

        await second
        assert one.try_reserve_slot(about(None)) is None

    asyncio.run(scenario())
