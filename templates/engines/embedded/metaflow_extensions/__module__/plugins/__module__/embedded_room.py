"""How many tasks of a run fit on this machine at a time (clauses L7, M1)."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Mapping

from .plan import Step


def capacity() -> dict[str, float]:
    """What this machine has: processors as `cpu`, and `memory` in MB."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {"cpu": float(os.cpu_count() or 1), "memory": pages / 2**20}


class Room:
    """Admits tasks while workers, processors and memory last.

    A step counts for what its @resources asks for; one without it only takes a worker. A step
    that asks for more than the whole machine has runs when nothing else that counts does.

    Args:
        workers: tasks at a time, whatever they ask for.
        machine: what there is to give, by default all of this machine.
    """

    def __init__(self, workers: int, machine: Mapping[str, float] | None = None) -> None:
        self._total = {**(machine or capacity()), "workers": float(max(workers, 1))}
        self._guests: list[Mapping[str, float]] = []
        self._changed = asyncio.Condition()

    @contextlib.asynccontextmanager
    async def taken(self, step: Step | None) -> AsyncIterator[None]:
        """Wait until there is room for an attempt of a step, and take it for a block."""
        wanted = self._wanted(step)
        async with self._changed:
            await self._changed.wait_for(lambda: self._fits(wanted))
            self._guests.append(wanted)
        try:
            yield
        finally:
            async with self._changed:
                self._guests.remove(wanted)
                self._changed.notify_all()

    def _wanted(self, step: Step | None) -> dict[str, float]:
        asked = step.resources if step else {}
        return {
            name: 1.0 if name == "workers" else min(asked.get(name, 0.0), total)
            for name, total in self._total.items()
        }

    def _fits(self, wanted: Mapping[str, float]) -> bool:
        # Summed anew each time: a running total of fractions drifts, and then the step that
        # wants the whole machine waits for ever.
        return all(
            sum(guest[name] for guest in self._guests) + amount <= self._total[name]
            for name, amount in wanted.items()
        )
