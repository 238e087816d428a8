"""All mutants, by what they break."""

from __future__ import annotations

from mutant import Mutant
from mutants_of_answers import ATTRIBUTE_FILE, CUT_OFF, ENDS, FOUND, KEYWORDS, STATUS, TOGETHER
from mutants_of_deployments import OPERATIONS, PACKAGE, PARAMETERS, SETTINGS
from mutants_of_options import HOOKS, LIMITS, RESUME, STARTS, TOKENS
from mutants_of_paths import CHAINS, PLACES, SPLITS, SWITCHES, TRIES
from mutants_of_runs import ATTEMPTS, GRAPHS, LINEAR_DAG, REDEPLOYS
from mutants_of_values import IDENTITY, SEQUELS, VALUES

TABLES: dict[str, tuple[Mutant, ...]] = {
    "A chain of steps": (*LINEAR_DAG, *CHAINS, *REDEPLOYS),
    "Graphs": (*GRAPHS, *SPLITS, *SWITCHES, *PLACES),
    "Attempts": (*ATTEMPTS, *TRIES, *LIMITS),
    "What a deployment answers": (*ATTRIBUTE_FILE, *STATUS, *FOUND, *TOGETHER, *KEYWORDS, *CUT_OFF),
    "What it carries along": (*SETTINGS, *IDENTITY, *PACKAGE),
    "Parameters": (*PARAMETERS, *VALUES),
    "The end of a run": (*OPERATIONS, *ENDS),
    "Tokens": TOKENS,
    "What comes after a run": (*RESUME, *HOOKS, *SEQUELS),
    "What starts a run": STARTS,
}

MUTANTS: tuple[Mutant, ...] = tuple(mutant for table in TABLES.values() for mutant in table)
