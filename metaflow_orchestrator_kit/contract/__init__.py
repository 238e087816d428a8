"""The contract between Metaflow and an orchestrator extension, as data.

Rules, cases, templates, documents and messages cite its clauses by id. Importing this
package imports neither Metaflow nor pytest; a clause is read when it is asked for::

    >>> from metaflow_orchestrator_kit.contract import clause
    >>> clause("A1").level
    <Level.MUST_NOT: 'MUST NOT'>
"""

from metaflow_orchestrator_kit.contract.explanation import explain
from metaflow_orchestrator_kit.contract.loader import clause, group, letters, load
from metaflow_orchestrator_kit.contract.model import (
    Clause,
    ContractError,
    Evidence,
    Group,
    Level,
    UnknownClause,
)

__all__ = [
    "Clause",
    "ContractError",
    "Evidence",
    "Group",
    "Level",
    "UnknownClause",
    "clause",
    "explain",
    "group",
    "letters",
    "load",
]
