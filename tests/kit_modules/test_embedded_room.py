"""Which tasks the embedded engine lets run side by side."""

from __future__ import annotations

import asyncio

import pytest
from in_place.embedded_room import Room, capacity
from in_place.plan import Step

MACHINE = {"cpu": 2.0, "memory": 1000.0}


def asking(**resources: float) -> Step:
    return Step("s", "linear", resources=resources)


async def most_at_a_time(room: Room, steps: list[Step | None]) -> int:
    inside = most = 0

    async def task(step: Step | None) -> None:
        nonlocal inside, most
        async with room.taken(step):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.01)
            inside -= 1

    await asyncio.wait_for(asyncio.gather(*map(task, steps)), 10)
    return most


@pytest.mark.parametrize(
    ("workers", "steps", "most"),
    [
        (3, [None] * 9, 3),
        (0, [None] * 3, 1),
        (9, [asking(cpu=1)] * 5, 2),
        (9, [asking(memory=400)] * 5, 2),
        (9, [asking(cpu=0.5, memory=400)] * 5, 2),
        (9, [asking(cpu=64)] * 2, 1),
        (9, [asking(cpu=64), None, None], 3),
        (9, [asking(gpu=1)] * 3, 3),
    ],
)
def test_tasks_run_while_workers_and_what_they_ask_for_last(
    workers: int, steps: list[Step | None], most: int
) -> None:
    assert asyncio.run(most_at_a_time(Room(workers, MACHINE), steps)) == most


def test_fractions_leave_the_whole_machine_free_in_the_end() -> None:
    async def scenario() -> int:
        room = Room(20, MACHINE)
        await most_at_a_time(room, [asking(cpu=n / 10) for n in (1, 2, 3, 7, 6, 1, 2)] * 5)
        return await most_at_a_time(room, [asking(cpu=2)])

    assert asyncio.run(scenario()) == 1


def test_a_task_that_is_given_up_leaves_its_room() -> None:
    async def scenario() -> int:
        room = Room(1, MACHINE)
        with pytest.raises(RuntimeError):
            async with room.taken(None):
                raise RuntimeError
        return await most_at_a_time(room, [None])

    assert asyncio.run(scenario()) == 1


def test_this_machine_has_a_processor_and_memory() -> None:
    assert capacity()["cpu"] >= 1
    assert capacity()["memory"] > 1
