"""How many tasks a worker takes at a time, and how they come to it.

Tasks come in two ways: the worker asks for them, or the server sends one along when the workflow
has answered what comes next (*eager*), which saves asking. The SDK's own way of counting keeps two
places for asking, so that on a machine with room for two tasks none ever came eagerly. Here one
place is kept. A worker never has more tasks than places: what waited at a busy one, an idle one
could do.
"""

from __future__ import annotations

import asyncio
import threading

from temporalio.worker import (
    CustomSlotSupplier,
    FixedSizeSlotSupplier,
    SlotMarkUsedContext,
    SlotPermit,
    SlotReleaseContext,
    SlotReserveContext,
    WorkerTuner,
)

#: Workflows that a worker thinks about at a time; thinking takes no time.
_WORKFLOWS = 100


def places(tasks: int) -> WorkerTuner:
    """Places for so many tasks."""
    others = FixedSizeSlotSupplier(_WORKFLOWS)
    return WorkerTuner.create_composite(
        workflow_supplier=others,
        activity_supplier=Places(tasks),
        local_activity_supplier=others,
        nexus_supplier=others,
    )


class Places(CustomSlotSupplier):
    """Places for tasks, of which at most one is kept for what was asked for and is yet to come.

    The SDK calls all but :meth:`reserve_slot` from threads of its own.

    Args:
        tasks: how many there are.
    """

    def __init__(self, tasks: int) -> None:
        self._free = tasks
        self._kept: SlotPermit | None = None
        self._alone = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._changed = asyncio.Event()

    async def reserve_slot(self, ctx: SlotReserveContext) -> SlotPermit:
        """A place for a task that the worker is about to ask for; wait until there is one."""
        self._loop = asyncio.get_running_loop()
        while True:
            self._changed.clear()
            if permit := self._take(keep=True):
                return permit
            await self._changed.wait()

    def try_reserve_slot(self, ctx: SlotReserveContext) -> SlotPermit | None:
        """A place for a task that may come eagerly; None when all are taken."""
        return self._take(keep=False)

    def mark_slot_used(self, ctx: SlotMarkUsedContext) -> None:
        """The task has come."""
        with self._alone:
            self._no_longer_kept(ctx.permit)

    def release_slot(self, ctx: SlotReleaseContext) -> None:
        """The task is done, or none has come."""
        with self._alone:
            self._free += 1
            self._no_longer_kept(ctx.permit)

    def _take(self, *, keep: bool) -> SlotPermit | None:
        with self._alone:
            if not self._free or (keep and self._kept):
                return None
            self._free -= 1
            permit = SlotPermit()
            if keep:
                self._kept = permit
            return permit

    def _no_longer_kept(self, permit: SlotPermit) -> None:
        if permit is self._kept:
            self._kept = None
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._changed.set)
