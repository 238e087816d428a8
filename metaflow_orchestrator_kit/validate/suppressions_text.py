"""``# mok: ignore[CODE] reason`` outside Python: in YAML, shell, TOML and templates.

The comment of a template engine, ``{# mok: ignore[CODE] reason #}``, is one as well. It stands at
the end of the line that is reported, or alone on a line before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from metaflow_orchestrator_kit.validate.modules import lines_of
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.sources import read
from metaflow_orchestrator_kit.validate.suppressions import Suppression

_COMMENT = regex(
    r"(?:^|(?<=\s))(?P<open>\{\{!|\{?#)-?\s*mok:\s*ignore\b\s*"
    r"(?:\[(?P<codes>[^\]]*)\])?(?P<reason>.*)"
)
_CLOSED = regex(r"\s*-?(?:#\}|\}\}).*")


def in_files(root: Path, paths: Iterable[str]) -> list[Suppression]:
    """The comments of these files below *root*, in order; of what cannot be read, none."""
    found: list[Suppression] = []
    for path in sorted(set(paths)):
        try:
            text = read(root / path)
        except ValueError:
            continue
        if "mok:" in text:
            found.extend(_of(path, lines_of(text)))
    return found


def _of(path: str, lines: list[str]) -> Iterator[Suppression]:
    for number, line in enumerate(lines, 1):
        matched = _COMMENT.search(line)
        if matched is None:
            continue
        reason = matched["reason"]
        if matched["open"] != "#":
            reason = _CLOSED.sub("", reason)
        codes = tuple(c.strip() for c in (matched["codes"] or "").split(",") if c.strip())
        spoken_of = number
        if not line[: matched.start()].strip():
            following = (n for n in range(number, len(lines)) if _says_something(lines[n]))
            spoken_of = next(following, number - 1) + 1
        yield Suppression(
            path, number, matched.start() + 1, spoken_of, spoken_of, codes,
            reason.strip(" \t:-–—"), line,
        )  # fmt: skip


def _says_something(line: str) -> bool:
    """Whether a line is more than a comment."""
    return bool(line.strip()) and not line.lstrip().startswith(("#", "{#", "{{!"))
