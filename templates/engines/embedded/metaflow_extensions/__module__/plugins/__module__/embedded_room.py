"""How many tasks fit: of a run (clauses L7, M1), and of all runs of this machine together."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

from .embedded_folder import others_hold, shared_lock, try_lock
from .plan import Step

#: Seconds between two looks for a free slot, while all are taken.
_LOOK = 0.02

#: Seconds that a run lets others go first who wait: longer than they need to notice.
_COURTESY = 0.05


def capacity() -> dict[str, float]:
    """What this machine has: processors as `cpu`, and `memory` in MB."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {"cpu": float(os.cpu_count() or 1), "memory": pages / 2**20}


class Room:
    """Admits tasks of a run while workers, processors and memory last.

    A step counts for what its @resources asks for; one without it only takes a worker. A step
    that asks for more than the whole machine has runs when nothing else that counts does.

    Args:
        workers: tasks at a time, whatever they ask for.
        machine: what there is to give, by default all of this machine.
    """

    def __init__(self, workers: int, machine: Mapping[str, float] | None = None) -> None:
        self._total = {**(machine or capacity()), "workers": float(max(workers, 1))}
        self._guests: list[Mapping[str, float]] = []

    def take(self, step: Step | None) -> bool:
        """Take room for an attempt of a step, if there is enough now."""
        wanted = self._wanted(step)
        # Summed anew each time: a running total of fractions drifts, and then the step that
        # wants the whole machine waits for ever.
        fits = all(
            sum(guest[name] for guest in self._guests) + amount <= self._total[name]
            for name, amount in wanted.items()
        )
        if fits:
            self._guests.append(wanted)
        return fits

    def leave(self, step: Step | None) -> None:
        """Give back what :meth:`take` took for an attempt of a step."""
        self._guests.remove(self._wanted(step))

    def _wanted(self, step: Step | None) -> dict[str, float]:
        asked = step.resources if step else {}
        return {
            name: 1.0 if name == "workers" else min(asked.get(name, 0.0), total)
            for name, total in self._total.items()
        }


class Slots:
    """Shares the machine out among all runs of a scheduler, each of which has its own process.

    A slot is a locked file, so that the kernel gives it back when its holder dies. Each run has
    one attempt in line at most, so that runs take turns, however many attempts each one has.

    Args:
        folder: a folder for the files; it is made when it is not there.
        number: how many attempts may run at a time.
    """

    def __init__(self, folder: Path, number: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._line = folder / "line"
        self._waiting = folder / "waiting"
        self._slots = [folder / str(place) for place in range(max(number, 1))]
        self._own_line = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def taken(self) -> AsyncIterator[None]:
        """Wait for a slot, and have it for a block."""
        async with self._own_line:
            if others_hold(self._waiting):
                await asyncio.sleep(_COURTESY)
            with shared_lock(self._waiting):
                first_in_line = await _first_of([self._line])
            try:
                slot = await _first_of(self._slots)
            finally:
                os.close(first_in_line)
        try:
            yield
        finally:
            os.close(slot)


async def _first_of(files: Sequence[Path]) -> int:
    """Wait for the lock of any of some files; a descriptor that holds it.

    It takes as long as the attempts that hold them: however their processes end, the kernel lets
    go of their locks.
    """
    while (descriptor := _any_of(files)) is None:
        await asyncio.sleep(_LOOK)
    return descriptor


def _any_of(files: Sequence[Path]) -> int | None:
    return next((held for file in files if (held := try_lock(file)) is not None), None)


def default_slots() -> int:
    """Attempts at a time on this machine, when nothing else is set: many only wait."""
    return max(16, 8 * (os.cpu_count() or 1))
