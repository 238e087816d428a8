"""How workflows have activities done by workers of which some may be older than the plan."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from temporalio import exceptions, workflow
from temporalio.common import RetryPolicy

from .temporal_orders import TOO_NEW

#: Seconds before an activity that its worker was too old for is offered again, at first and at
#: most: the same worker may take it again, and each time makes the history longer.
_PAUSE, _LONGEST = 2.0, 300.0


async def by_whoever_can(
    name: str, *arguments: Any, retry_policy: RetryPolicy, **options: Any
) -> Any:
    """Have an activity done; where its worker is too old for the plan, by another one, later.

    That a worker is too old costs none of the repetitions that its policy allows.

    Raises:
        ActivityError: as `workflow.execute_activity` raises it, for any other reason.
    """
    pause = _PAUSE
    policy = replace(retry_policy, non_retryable_error_types=[TOO_NEW])
    while True:
        try:
            return await workflow.execute_activity(
                name, args=arguments, retry_policy=policy, **options
            )
        except exceptions.ActivityError as error:
            cause = error.cause
            if not isinstance(cause, exceptions.ApplicationError) or cause.type != TOO_NEW:
                raise
        await workflow.sleep(timedelta(seconds=pause))
        pause = min(2 * pause, _LONGEST)
