"""What a flow's decorators say about when it starts, read at `create` (group K).

This file belongs to the kit: `metaflow-orchestrator-scaffold --update` replaces it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from metaflow import current
from metaflow.decorators import flow_decorators
from metaflow.exception import MetaflowException

from .parameters import Parameter
from .starts import Schedule, Trigger, finish_event_name, standard_cron

_EVENT_NAME = re.compile(r"[A-Za-z0-9_.-]+")


def schedule_of(flow: Any) -> Schedule | None:
    """The schedule of a flow; None without @schedule, and when all its forms are switched off.

    Raises:
        MetaflowException: the expression or the time zone cannot be used.
    """
    for deco in flow_decorators(flow):
        if deco.name == "schedule" and deco.schedule:
            try:
                zone = ZoneInfo(deco.timezone or "UTC")
                return Schedule(standard_cron(deco.schedule), zone.key)
            except (ValueError, ZoneInfoNotFoundError) as error:
                raise MetaflowException(f"@schedule of {flow.name}: {error}") from error
    return None


def triggers_of(flow: Any, parameters: Sequence[Parameter]) -> tuple[Trigger, ...]:
    """The events that a flow waits for, all of which it takes to start a run.

    Raises:
        MetaflowException: an event, a mapping or a project cannot be used (clauses K3, K4).
    """
    decorators = {deco.name: deco for deco in flow_decorators(flow)}
    both = {"trigger", "trigger_on_finish"} & decorators.keys()
    if len(both) == 2:
        raise MetaflowException("@trigger together with @trigger_on_finish is not supported.")
    if "trigger" in decorators:
        # Names and mappings may be functions that are called at deploy time.
        decorators["trigger"].format_deploytime_value()
        return _events(decorators["trigger"].triggers, parameters)
    if "trigger_on_finish" in decorators:
        decorators["trigger_on_finish"].format_deploytime_value()
        return tuple(_finishes(decorators["trigger_on_finish"].triggers))
    return ()


def check_complete(
    flow: Any,
    parameters: Sequence[Parameter],
    schedule: Schedule | None,
    triggers: Sequence[Trigger],
) -> None:
    """Refuse a flow that starts by itself without a value for every required parameter.

    Raises:
        MetaflowException: every such run would fail in `init` (clause K2).
    """
    if schedule is None and not triggers:
        return
    mapped = {name for trigger in triggers for name in trigger.parameters}
    for parameter in parameters:
        if parameter.required and parameter.default is None and parameter.name not in mapped:
            raise MetaflowException(
                f"Parameter {parameter.name} of {flow.name} is required and has no default, so no "
                "run could start by itself. Give it a default, or map an event's payload to it."
            )


def _events(events: Iterable[Any], parameters: Sequence[Parameter]) -> tuple[Trigger, ...]:
    names = {parameter.name.lower(): parameter.name for parameter in parameters}
    seen: set[str] = set()
    found = []
    for event in events:
        if not _EVENT_NAME.fullmatch(event["name"]):
            raise MetaflowException(
                f"Event name '{event['name']}' of @trigger: letters, digits, '_', '.' and '-' only."
            )
        mapping = {}
        for name, key in (event.get("parameters") or {}).items():
            if name.lower() not in names:
                raise MetaflowException(f"@trigger maps to '{name}', which is no parameter.")
            if name.lower() in seen:
                raise MetaflowException(f"@trigger maps to parameter '{name}' twice.")
            seen.add(name.lower())
            mapping[names[name.lower()]] = key
        found.append(Trigger(event["name"], "event", mapping))
    if len(found) == 1 and not found[0].parameters:
        # A single event without a mapping gives every parameter of its own name.
        found[0] = Trigger(found[0].name, "event", {name: name for name in names.values()})
    return tuple(found)


def _finishes(flows: Iterable[Any]) -> Iterable[Trigger]:
    for flow in flows:
        project = flow.get("project") or current.get("project_name") or ""
        branch = flow.get("branch") or current.get("branch_name") or ""
        if bool(project) != bool(branch):
            raise MetaflowException(
                f"@trigger_on_finish on {flow['flow']}: give both 'project' and 'project_branch', "
                "or use @project."
            )
        yield Trigger(finish_event_name(flow["flow"], project, branch), "run")
