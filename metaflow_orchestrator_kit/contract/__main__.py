"""Print the contract.

``python -m metaflow_orchestrator_kit.contract > docs/contract.md`` writes the page, an id or
a group's letter as argument prints that part, and ``--unchecked`` lists what nothing checks.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from metaflow_orchestrator_kit.contract.explanation import explain
from metaflow_orchestrator_kit.contract.loader import clause
from metaflow_orchestrator_kit.contract.model import ContractError, UnknownClause
from metaflow_orchestrator_kit.contract.page import page
from metaflow_orchestrator_kit.contract.traceability import unchecked


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit code is 0, or 2 for an id that is not there."""
    parser = argparse.ArgumentParser(
        prog="python -m metaflow_orchestrator_kit.contract",
        description="Print the contract as a page of Markdown, or one clause, or one group.",
    )
    parser.add_argument("id", nargs="?", help="a clause, such as A1, or a group, such as A")
    parser.add_argument(
        "--unchecked",
        action="store_true",
        help="list the MUST and MUST NOT clauses that no rule and no case cites",
    )
    options = parser.parse_args(arguments)
    try:
        if options.unchecked:
            text = "".join(f"{id:<4} {clause(id).title}\n" for id in unchecked())
        elif options.id is not None:
            text = f"{explain(options.id)}\n"
        else:
            text = page()
    except (UnknownClause, ContractError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
