"""The options that Metaflow's commands have, and which of them stand on which side.

Taken from `cli.py` and `cli_components/` of Metaflow 2.19; see clauses E7 and F1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate import edits
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.argv import Command, Side, Token
from metaflow_orchestrator_kit.validate.findings import Fix
from metaflow_orchestrator_kit.validate.model.values import names_in


def _flags(text: str) -> frozenset[str]:
    return frozenset(text.split())


TOP_LEVEL = _flags(
    "--quiet --not-quiet --metadata --environment --force-rebuild-environments "
    "--no-force-rebuild-environments --datastore --datastore-root --package-suffixes --with "
    "--pylint --no-pylint --event-logger --monitor --local-config-file --mode "
    "--config --config-value"
)
FLOW_DECORATORS = _flags("--branch --production --no-production --trigger")
STEP = _flags(
    "--run-id --task-id --input-paths --input-paths-filename --split-index --tag --namespace "
    "--retry-count --max-user-code-retries --clone-only --clone-run-id --ubf-context "
    "--num-parallel --help"
)
INIT = _flags("--run-id --task-id --tag --help")
DUMP = _flags("--private --no-private --max-value-size --include --file --help")

#: Options of `run`, `resume` and the schedulers' `trigger`; none of the three commands has them.
OF_OTHER_COMMANDS = _flags(
    "--run-param --origin-run-id --max-workers --max-num-splits --run-id-file --user-namespace "
    "--deployer-attribute-file --runner-attribute-file"
)
#: What other rules judge, each with its own explanation.
JUDGED_ELSEWHERE = _flags("--branch --environment --datastore-root")

_KNOWN = TOP_LEVEL | FLOW_DECORATORS | STEP | INIT | DUMP

_LAUNCHERS = _flags(
    "docker podman nerdctl kubectl oc ssh srun sbatch qsub bsub nomad ray gcloud aws"
)


def respelt(flag: str | None) -> str | None:
    """The option of Metaflow's that is meant by one that differs in `_` or case only."""
    meant = (flag or "").lower().replace("_", "-")
    return meant if flag and flag not in _KNOWN and meant in _KNOWN else None


def spelling(analysis: Analysis, token: Token) -> Fix | None:
    """The option as Metaflow spells it, in the line where it is written."""
    meant, module = respelt(token.flag), analysis.module(token.origin.path)
    if meant is None or token.flag is None or module is None:
        return None
    written = rf"{re.escape(token.flag)}(?![\w-])"
    edit = edits.on_line(module.path, module.lines, token.origin.line, written, meant)
    return Fix((edit,)) if edit else None


def options_before(command: Command) -> Iterator[Token]:
    """The literal options between the flow file and the sub-command."""
    tokens = command.side(Side.TOP)
    for position, token in enumerate(tokens):
        words = {t.text.rpartition("/")[2] for t in tokens[:position]}
        if token.flag and words.isdisjoint(_LAUNCHERS):
            yield token


def options_after(command: Command) -> Iterator[Token]:
    """The literal options after the sub-command."""
    return (t for t in command.side(Side.COMMAND) if t.flag and "\0" not in t.flag)


def is_nested(command: Command) -> bool:
    """Whether the command is of a group of its own, as ``kubernetes step`` is."""
    before = command.side(Side.TOP)
    if not before or "\0" in before[-1].text or not before[-1].text.isidentifier():
        return False
    flag = before[-2].flag if len(before) > 1 else None
    return flag is None or flag in {"--quiet", "--no-pylint", "--pylint", "--production"}


def plain(analysis: Analysis, *kinds: str) -> list[Command]:
    """The commands of these kinds that Metaflow itself defines."""
    return [c for c in analysis.of_kind(*kinds) if not is_nested(c)]


def names_before(analysis: Analysis, command: Command, flag: str) -> frozenset[str]:
    """The identifiers that the values of a top-level option were made from.

    In a generated program a placeholder inside a string literal stands for a value of the
    program that writes it; its names count as well, and so do those that a field was filled from.
    """
    holes = analysis.holes.get(command.function.module, {}) if command.function else {}
    names: set[str] = set()
    for option in command.options(flag, Side.TOP):
        values = [*option.values, *(v for h, v in holes.items() if _holds(option.text or "", h))]
        for value in values:
            names |= names_in(value)
    return analysis.made_from(names)


def _holds(text: str, hole: str) -> bool:
    return re.search(rf"\b{hole}\b", text) is not None


def belongs_after(flag: str) -> str:
    """Where an option of a command belongs, and which commands have none of that name."""
    has = {"step": STEP, "init": INIT, "dump": DUMP}
    homes = " and after ".join(f"`{kind}`" for kind, known in has.items() if flag in known)
    others = " and ".join(f"`{kind}`" for kind, known in has.items() if flag not in known)
    verb = "take" if " and " in others else "takes"
    return f"Put `{flag}` after {homes}" + (f"; {others} {verb} none." if others else ".")
