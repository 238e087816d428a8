"""The mutants: at least one per capability whose cases run on the embedded engine."""

from __future__ import annotations

from mutant import Mutant
from mutants_of_deployments import OPERATIONS, PARAMETERS, SETTINGS
from mutants_of_options import HOOKS, LIMITS, RESUME, STARTS, TOKENS
from mutants_of_runs import ATTEMPTS, GRAPHS, LINEAR_DAG

MUTANTS: tuple[Mutant, ...] = (
    *LINEAR_DAG,
    *GRAPHS,
    *ATTEMPTS,
    *SETTINGS,
    *PARAMETERS,
    *OPERATIONS,
    *TOKENS,
    *HOOKS,
    *RESUME,
    *STARTS,
    *LIMITS,
)
