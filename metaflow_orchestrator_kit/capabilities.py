"""The capabilities an orchestrator extension can declare, and what each one promises.

An extension declares what it supports as plain strings, so that its modules, which are
imported inside every task, need not import the kit (clause A6)::

    SUPPORTED_CAPABILITIES = ("LINEAR_DAG", "BRANCHING", ...)
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple


class Promise(NamedTuple):
    """What a capability means: one sentence, the clauses it rests on, required or not."""

    sentence: str
    clauses: tuple[str, ...]
    required: bool = False


class Cap(Enum):
    """A capability of a scheduler, as Metaflow's users see it; see :attr:`sentence`."""

    LINEAR_DAG = Promise(
        "A chain of steps runs in order, once each, and is visible while it runs.",
        ("C6", "D2", "D3", "E1", "E2", "E3", "F1", "F2", "F3", "F6", "F20", "J9", "L1", "L2", "L3"),
        required=True,
    )
    BRANCHING = Promise(
        "Static splits run their branches, and each join gets one input per branch, in order.",
        ("D4", "F4", "F6", "F7"),
        required=True,
    )
    FOREACH = Promise(
        "A foreach runs its body once per item and joins all of them in the order of the items.",
        ("F8", "F9", "F10", "F11", "L7"),
        required=True,
    )
    RETRY = Promise(
        "@retry repeats a failing attempt; attempts are numbered from 0 without a gap.",
        ("E4", "H1", "H2", "H3", "H4", "H5", "H9"),
        required=True,
    )
    CATCH = Promise(
        "@catch lets the flow go on after an exception, and after a process that died.",
        ("H2", "H3", "H6"),
        required=True,
    )
    TIMEOUT = Promise(
        "@timeout ends a step inside the task, so that @retry and @catch apply to it.",
        ("H2", "H7"),
        required=True,
    )
    RESOURCES = Promise(
        "@resources reaches the scheduler's own request for the step.",
        ("M1",),
        required=True,
    )
    PROJECT_BRANCH = Promise(
        "@project flows keep their branch in the deployment's name, at init and in every step.",
        ("B14", "D8", "E9", "G3", "J1", "J2", "J3", "J4"),
        required=True,
    )
    CONFIG_EXPR = Promise(
        "Configs are captured at deploy time and hold in every step, decorators included.",
        ("D6", "D7", "G6", "G8"),
        required=True,
    )
    RUN_PARAMS = Promise(
        "Parameters given to trigger() arrive unchanged, whatever their type or characters.",
        ("B4", "B6", "C7", "D6", "D12", "E5", "E6"),
        required=True,
    )
    FROM_DEPLOYMENT = Promise(
        "A deployment is found again by its name, from anywhere, and can be triggered.",
        ("B3", "B10", "B11", "C4"),
        required=True,
    )
    NESTED_FOREACH = Promise(
        "A foreach inside a foreach keeps every index path apart, to any depth.", ("F12",)
    )
    SWITCH = Promise(
        "Only the chosen branch of a switch runs, and the merge gets exactly that path.",
        ("D4", "F7", "F13", "F14", "F16"),
    )
    RECURSIVE_SWITCH = Promise(
        "A switch that chooses itself runs again as a new task until it chooses another step.",
        ("D5", "F15"),
    )
    PARALLEL = Promise(
        "@parallel runs all nodes of a gang, and the join sees every one of them.", ("F17", "F18")
    )
    CONDA = Promise(
        "Steps with @conda, @pypi or @uv run under the interpreter that was built for them.",
        ("M4",),
    )
    RESUME = Promise(
        "A failed run resumes on the scheduler: finished tasks are cloned, the others run.",
        ("N2", "N3", "N4", "N5", "N6"),
    )
    SCHEDULE = Promise(
        "@schedule starts runs, and a redeploy without it stops them.", ("J9", "K1", "K2")
    )
    EVENT_TRIGGER = Promise(
        "@trigger starts a run on an event, with the event's payload as parameters.",
        ("K3", "K5"),
    )
    TRIGGER_ON_FINISH = Promise(
        "@trigger_on_finish starts a run when another flow of the same branch succeeds.",
        ("K4", "K5", "K6"),
    )
    EXIT_HOOK = Promise(
        "@exit_hook functions run after the end of the run and never change its outcome.", ("K7",)
    )
    TERMINATE = Promise(
        "terminate() ends a run: no process left, no step started later, a terminal status.",
        ("C9", "H8", "J7", "L4", "L7"),
    )
    LIST_DEPLOYMENTS = Promise(
        "Deployments are listed, all or by flow, and triggered runs are found again.",
        ("B10", "B12"),
    )
    PRODUCTION_TOKEN = Promise(
        "A deployment belongs to its owner, and others need its production token.",
        ("G2", "J5", "J6"),
    )
    TASK_LOGS = Promise("What a task prints, and why it failed, is stored with the task.", ("L5",))
    CODE_PACKAGE = Promise(
        "Tasks need nothing of the deployer's file system: the code travels in a package.",
        ("A9", "D11", "G5", "I3"),
    )

    @property
    def sentence(self) -> str:
        """The promise to the user of a flow, as one sentence."""
        return self.value.sentence

    @property
    def clauses(self) -> tuple[str, ...]:
        """The ids of the contract clauses that the capability rests on."""
        return self.value.clauses

    @property
    def required(self) -> bool:
        """Whether an extension must have it to be called an orchestrator at all."""
        return self.value.required

    @classmethod
    def parse(cls, text: str) -> Cap:
        """The capability of that name; upper or lower case, ``-`` or ``_``.

        Raises:
            ValueError: there is none; the message lists the names.
        """
        try:
            return cls[text.strip().upper().replace("-", "_")]
        except KeyError:
            known = ", ".join(cap.name for cap in cls)
            raise ValueError(f"Unknown capability '{text}'. Known ones: {known}.") from None


def _select(required: bool) -> tuple[Cap, ...]:
    return tuple(cap for cap in Cap if cap.required is required)


REQUIRED: tuple[Cap, ...] = _select(True)
OPTIONAL: tuple[Cap, ...] = _select(False)


def parse_all(names: Iterable[str]) -> frozenset[Cap]:
    """The capabilities of those names.

    Raises:
        ValueError: one of the names is unknown.
    """
    return frozenset(Cap.parse(name) for name in names)
