"""The order of imports in a rendered module.

A template cannot sort what it imports: where ``.NAME_engine`` belongs among the kit's modules
depends on NAME. An author whose linter sorts imports would otherwise start with its complaints.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_STATEMENT = r"from \.\w+ import (?:\([^()]*\)|[^\n()]+)\n"
_RUN = re.compile(rf"^(?P<indent> *){_STATEMENT}(?:(?P=indent){_STATEMENT})+", re.MULTILINE)
_MODULE = re.compile(r"^ *from \.(?P<module>\w+) import ", re.MULTILINE)


def imports_sorted(source: str) -> str:
    """The source with each run of relative imports in the order of the modules' names."""
    return _RUN.sub(lambda run: "".join(sorted(_statements(run[0]), key=_module)), source)


def _statements(run: str) -> Iterator[str]:
    starts = [match.start() for match in _MODULE.finditer(run)]
    for start, end in zip(starts, [*starts[1:], len(run)], strict=True):
        yield run[start:end]


def _module(statement: str) -> str:
    match = _MODULE.match(statement)
    return match["module"] if match else ""
