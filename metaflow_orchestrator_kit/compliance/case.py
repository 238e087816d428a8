"""What a case is, and the registry that the modules of ``cases/`` fill."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from metaflow_orchestrator_kit.capabilities import Cap
from metaflow_orchestrator_kit.compliance.expect import Expect
from metaflow_orchestrator_kit.compliance.model import Observation, Scenario

Check = Callable[[Observation, Expect], None]


class Need(Enum):
    """What a case needs beside a capability; without it, it is not run, and that is said."""

    LARGE = "large: ask with --large, or by name with --select"
    MICROMAMBA = (
        "no micromamba here: install it, name it in METAFLOW_PATH_TO_MICROMAMBA, or let Metaflow "
        "fetch it and ask by name with --select"
    )
    UV = "no uv here: install it"
    UNREACHABLE = "nothing says how to cut the scheduler off: see UNREACHABLE and --unreachable"

    @property
    def reason(self) -> str:
        """Why a case without it has no verdict."""
        return f"{NOT_RUN}{self.value}"


NOT_RUN = "not run: "
"""What the reason for leaving out a case begins with that would apply."""


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One promise about one scenario."""

    id: str
    cap: Cap
    clauses: tuple[str, ...]
    scenario: Scenario
    check: Check
    sees_errors: bool | tuple[str, ...] = False
    """Whether the case judges scenarios that could not be carried through, too; or the phases
    whose errors it judges."""
    need: Need | None = None
    group: str = ""
    """A name that selects it together with others of its kind."""
    again: str = ""
    """Further options of the command that runs it again."""

    @property
    def promise(self) -> str:
        """The promise, in one sentence: the first paragraph of the docstring."""
        text = inspect.getdoc(self.check) or ""
        return " ".join(text.split("\n\n", 1)[0].split())

    @property
    def incident(self) -> str:
        """What went wrong where the promise was not kept: the rest of the docstring."""
        _, _, rest = (inspect.getdoc(self.check) or "").partition("\n\n")
        return rest.strip()

    def judges(self, phase: str) -> bool:
        """Whether it looks at a scenario that went wrong in that phase."""
        sees = self.sees_errors
        return phase in sees if isinstance(sees, tuple) else sees

    @property
    def module(self) -> str:
        """The dotted name of the module that declares it."""
        return self.check.__module__

    @property
    def required(self) -> bool:
        """Whether every orchestrator must pass it."""
        return self.cap.required and all(cap.required for cap in self.scenario.caps)


REGISTRY: dict[str, Case] = {}


def case(
    id: str,
    *,
    cap: Cap,
    clauses: tuple[str, ...],
    scenario: Scenario,
    sees_errors: bool | tuple[str, ...] = False,
    need: Need | None = None,
) -> Callable[[Check], Check]:
    """Register a function as the case of that id.

    Raises:
        ValueError: the id is taken, the function has no docstring, or no clause is cited.
    """

    def register(check: Check) -> Check:
        found = Case(id, cap, clauses, scenario, check, sees_errors, need)
        known = REGISTRY.get(id)
        if known is not None and known.module != found.module:
            raise ValueError(f"Case '{id}' is declared in {known.module} and {found.module}.")
        if known is not None and known.check.__code__ != check.__code__:
            raise ValueError(f"Case '{id}' is declared twice in {found.module}.")
        if not found.promise:
            raise ValueError(f"Case '{id}' ({found.module}) needs its promise as a docstring.")
        if not clauses:
            raise ValueError(f"Case '{id}' ({found.module}) cites no clause.")
        REGISTRY[id] = found
        return check

    return register
