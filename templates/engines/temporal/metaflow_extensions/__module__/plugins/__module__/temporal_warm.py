"""Warm processes of a worker: one per plan, which all attempts of that plan are forked from.

A run of many short steps would otherwise spend its time on starting Python and importing Metaflow.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

from .process import Fresh, Job, Starter
from .warm import Warm

#: Seconds that a warm process stays without work.
_IDLE = 30.0

#: Of one attempt only: a warm process of many must not be taken for one of its first attempt's.
_OF_AN_ATTEMPT = ("METAFLOW_RUN_ID", "METAFLOW_TASK_ID", "MF_ORCHESTRATOR_HANDOUT")

#: Names the attempt in the environment of all its processes, also of those that left its group.
MARK = "ORCHESTRATOR_ATTEMPT"


class _Shared(Warm):
    """A warm process that belongs to no attempt."""

    async def _launch(self, job: Job) -> socket.socket:
        own = (*_OF_AN_ATTEMPT, MARK)
        kept = {key: value for key, value in job.environment.items() if key not in own}
        return await super()._launch(replace(job, environment=kept))


@dataclass(slots=True)
class _Place:
    starter: Warm
    users: int = 0
    left: float = field(default_factory=time.monotonic)


class Pool:
    """Hands out starters.

    Args:
        warm: whether to have warm processes at all.
    """

    def __init__(self, warm: bool) -> None:
        self._warm = warm
        self._places: dict[str, _Place] = {}

    @contextlib.asynccontextmanager
    async def starter(self, plan: str, warm: bool) -> AsyncIterator[Starter]:
        """A starter for attempts of a plan, for a block; `warm` says whether it may be warm."""
        if not (warm and self._warm):
            yield Fresh()
            return
        place = self._places.setdefault(plan, _Place(_Shared(f"plan-{plan[:12]}")))
        place.users += 1
        try:
            yield place.starter
        finally:
            place.users -= 1
            place.left = time.monotonic()

    async def tidy(self, idle: float = _IDLE) -> None:
        """End the warm processes that nobody has used for a while."""
        for plan, place in list(self._places.items()):
            if not place.users and time.monotonic() - place.left >= idle:
                del self._places[plan]
                await place.starter.close()
