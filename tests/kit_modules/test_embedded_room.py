"""Which tasks the embedded engine lets run side by side, of one run and of all."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from in_place.embedded_room import Room, Slots, capacity
from in_place.plan import Step

MACHINE = {"cpu": 2.0, "memory": 1000.0}


def asking(**resources: float) -> Step:
    return Step("s", "linear", resources=resources)


def most_at_a_time(room: Room, steps: list[Step | None]) -> int:
    """How many of some tasks are inside at most, when they come in turn and the first leaves."""
    inside: list[Step | None] = []
    waiting = list(steps)
    most = 0
    while waiting or inside:
        while waiting and room.take(waiting[0]):
            inside.append(waiting.pop(0))
        assert inside, "nobody is inside, and nobody gets in"
        most = max(most, len(inside))
        room.leave(inside.pop(0))
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
    assert most_at_a_time(Room(workers, MACHINE), steps) == most


def test_fractions_leave_the_whole_machine_free_in_the_end() -> None:
    room = Room(20, MACHINE)

    most_at_a_time(room, [asking(cpu=n / 10) for n in (1, 2, 3, 7, 6, 1, 2)] * 5)

    assert most_at_a_time(room, [asking(cpu=2)]) == 1


def test_this_machine_has_a_processor_and_memory() -> None:
    assert capacity()["cpu"] >= 1
    assert capacity()["memory"] > 1


class Sharing:
    """Runs that share the slots of a machine, and the order in which their attempts start."""

    def __init__(self, folder: Path, slots: int) -> None:
        self.runs = {name: Slots(folder, slots) for name in "abc"}
        self.order: list[str] = []
        self.inside = self.most = 0

    async def attempt(self, run: str, go: asyncio.Event) -> None:
        async with self.runs[run].taken():
            self.order.append(run)
            self.inside += 1
            self.most = max(self.most, self.inside)
            await go.wait()
            await asyncio.sleep(0)
            self.inside -= 1


def test_no_more_attempts_of_all_runs_at_a_time_than_slots(tmp_path: Path) -> None:
    async def scenario() -> Sharing:
        sharing, go = Sharing(tmp_path, 3), asyncio.Event()
        tasks = [asyncio.create_task(sharing.attempt(run, go)) for run in "abc" * 4]
        while sharing.inside < 3:
            await asyncio.sleep(0.01)
        go.set()
        await asyncio.wait_for(asyncio.gather(*tasks), 60)
        return sharing

    sharing = asyncio.run(scenario())

    assert sharing.most == 3
    assert sorted(sharing.order) == sorted("abc" * 4)


def test_a_small_run_does_not_wait_for_all_of_a_large_one(tmp_path: Path) -> None:
    async def scenario() -> list[str]:
        sharing, go = Sharing(tmp_path, 1), asyncio.Event()
        large = [asyncio.create_task(sharing.attempt("a", go)) for _ in range(100)]
        while not sharing.inside:
            await asyncio.sleep(0.01)
        small = asyncio.create_task(sharing.attempt("b", go))
        await asyncio.sleep(0.1)
        go.set()
        await asyncio.wait_for(asyncio.gather(small, *large), 60)
        return sharing.order

    # Whoever is first in line by chance goes first; to lose fifty times in a row is no chance.
    assert asyncio.run(scenario()).index("b") < 50


def test_a_slot_is_free_again_when_its_holder_has_been_given_up(tmp_path: Path) -> None:
    async def scenario() -> None:
        sharing = Sharing(tmp_path, 1)
        holder = asyncio.create_task(sharing.attempt("a", asyncio.Event()))
        waiting = asyncio.create_task(sharing.attempt("a", asyncio.Event()))
        in_line = asyncio.create_task(sharing.attempt("b", asyncio.Event()))
        while not sharing.inside:
            await asyncio.sleep(0.01)
        for task in (waiting, in_line, holder):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        done = asyncio.Event()
        done.set()
        await asyncio.wait_for(sharing.attempt("c", done), 60)

    asyncio.run(scenario())
