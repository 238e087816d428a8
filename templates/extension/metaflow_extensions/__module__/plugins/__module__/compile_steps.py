"""The steps of a flow in a :class:`Plan`: their place in the graph, and how often each is tried.

This file belongs to the kit: `metaflow-orchestrator-scaffold --update` replaces it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .interpreters import interpreter_of
from .plan import Step

#: Attempts that Metaflow allows for one task, fallbacks included (clause H4).
MAX_ATTEMPTS = 6


def step_of(obj: Any, node: Any, *, deployed: bool) -> Step:
    """A step, as the scheduler sees it.

    Args:
        obj: the state of Metaflow's command line, after `start` attached `--with` decorators.
        node: the step in the flow's graph.
        deployed: whether there is a code package that a worker can make an environment of.
    """
    decorators = {deco.name: deco for deco in node.decorators}
    tries, user_retries = attempts([deco.step_task_retry_count() for deco in node.decorators])
    retry, timeout = decorators.get("retry"), decorators.get("timeout")
    python, bootstrap = interpreter_of(obj, node.name, deployed=deployed)
    variables = decorators["environment"].attributes["vars"] if "environment" in decorators else {}
    return Step(
        name=node.name,
        type=node.type,
        out=tuple(node.out_funcs),
        join=node.matching_join or "",
        parallel_foreach=bool(node.parallel_foreach),
        attempts=tries,
        user_retries=user_retries,
        # Attributes that came with --with are strings (clause H5).
        retry_delay=60.0 * float(retry.attributes["minutes_between_retries"]) if retry else 0.0,
        timeout=float(timeout.secs) if timeout else 0.0,
        resources=_resources(decorators.get("resources")),
        environment={str(key): str(value) for key, value in sorted((variables or {}).items())},
        decospecs=tuple(_dynamic_decospecs(node)),
        python=python,
        bootstrap=bootstrap,
    )


def _dynamic_decospecs(node: Any) -> Iterable[str]:
    """Decorators that importing the flow does not bring back by itself (clause D9)."""
    wrappers = [*getattr(node, "wrappers", ()), *getattr(node, "config_decorators", ())]
    for deco in [*node.decorators, *wrappers]:
        if not deco.statically_defined and getattr(deco, "inserted_by", None) is None:
            yield deco.make_decorator_spec()


def _resources(deco: Any) -> dict[str, float]:
    if deco is None:
        return {}
    wanted = {key: deco.attributes.get(key) for key in ("cpu", "gpu", "memory", "disk")}
    return {key: float(value) for key, value in wanted.items() if value not in (None, "")}


def attempts(retry_counts: list[tuple[int | None, int | None]]) -> tuple[int, int]:
    """How often a step is tried, from its decorators' `step_task_retry_count()`.

    Args:
        retry_counts: `(user retries, error retries)` of each decorator of the step.

    Returns:
        `(attempts, user retries)`: the element-wise maximum, not the sum (clause H3); never more
        than :data:`MAX_ATTEMPTS`; one attempt when a decorator opts out (clause H4).
    """
    if any(user is None or error is None for user, error in retry_counts):
        return 1, 0
    user = max((count[0] or 0 for count in retry_counts), default=0)
    error = max((count[1] or 0 for count in retry_counts), default=0)
    return min(1 + user + error, MAX_ATTEMPTS), min(user, MAX_ATTEMPTS - 1)
