"""Try mutants, and show which were killed: ``python tests/mutants [MUTANT|CASE|CAPABILITY ...]``.

Without names, all of them. Results are kept as they come, in a file that ``--resume`` reads.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path

import mutants_page as page
import mutants_results as results
from mutant import Mutant
from mutants_sample import waits_for_a_clock
from mutants_trial import CASES, ROOT, Outcome, attempt, scaffold
from table import MUTANTS, TABLES


def main() -> int:
    """Try the mutants that the command line names; 0 when all were killed."""
    options = _arguments()
    try:
        chosen = _chosen(options.names)
    except ValueError as error:
        print(f"mutants: {error}", file=sys.stderr)
        return 2
    kept: Path = options.results
    if not options.resume and not options.names:
        kept.unlink(missing_ok=True)
    done = results.read(kept, MUTANTS) if options.resume else {}
    outcomes = {m.id: done[m.id] for m in chosen if m.id in done and done[m.id].killed}
    left = [mutant for mutant in chosen if mutant.id not in outcomes]
    print(f"{len(left)} mutants to try, {options.jobs} at a time; {len(outcomes)} are known.")
    start = time.monotonic()
    outcomes |= _try_all(left, options.jobs, kept, options.keep)
    print(_table([(mutant, outcomes[mutant.id]) for mutant in chosen]))
    killed = sum(outcome.killed for outcome in outcomes.values())
    print(f"{killed} of {len(chosen)} mutants killed, in {time.monotonic() - start:.0f} s.")
    if options.write:
        known = results.read(kept, MUTANTS)
        options.write.write_text(page.page(TABLES, known, _versions()), encoding="utf-8")
        print(f"Wrote {options.write}.")
    return 0 if killed == len(chosen) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python tests/mutants", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="MUTANT|CASE|CAPABILITY")
    parser.add_argument("--jobs", type=int, default=(os.cpu_count() or 2) + 1)
    parser.add_argument("--resume", action="store_true", help="leave out what was killed before")
    parser.add_argument("--results", type=Path, default=ROOT / ".mutants" / "results.jsonl")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the evidence there")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the page, at the end")
    return parser.parse_args()


def _chosen(names: Sequence[str]) -> list[Mutant]:
    """The mutants of these names, those that kill such a case, or a case of such a capability."""
    known = {mutant.id for mutant in MUTANTS} | set(CASES) | {c.cap.name for c in CASES.values()}
    for name in names:
        if name not in known:
            raise ValueError(f"There is no mutant, case or capability '{name}'.")

    def fits(mutant: Mutant) -> bool:
        caps = {CASES[case].cap.name for case in mutant.kills}
        return not names or bool({mutant.id, *mutant.kills, *caps} & set(names))

    return [mutant for mutant in MUTANTS if fits(mutant)]


def _try_all(mutants: list[Mutant], jobs: int, kept: Path, keep: Path | None) -> dict[str, Outcome]:
    folder = Path(tempfile.mkdtemp(prefix="mok-mutants-")) if keep is None else keep.resolve()
    pristine = scaffold(folder)
    outcomes: dict[str, Outcome] = {}

    def go(mutant: Mutant) -> Outcome:
        own = folder / "trials" / mutant.id
        shutil.rmtree(own, ignore_errors=True)
        try:
            return attempt(mutant, pristine, own)
        except Exception as error:
            return Outcome(mutant.id, 0.0, {}, [f"{type(error).__name__}: {error}"])
        finally:
            if keep is None:
                shutil.rmtree(own, ignore_errors=True)

    # Those that wait for a clock take minutes and little else: all of them start at once.
    waiting = [mutant for mutant in mutants if waits_for_a_clock(mutant)]
    with ThreadPoolExecutor(max(1, len(waiting))) as long, ThreadPoolExecutor(jobs) as short:
        pending: dict[Future[Outcome], Mutant] = {}
        try:
            for mutant in mutants:
                pending[(long if mutant in waiting else short).submit(go, mutant)] = mutant
            for number, future in enumerate(as_completed(pending), 1):
                mutant, outcome = pending[future], future.result()
                outcomes[mutant.id] = outcome
                results.add(kept, mutant, outcome, {"versions": _versions()})
                _show(number, len(mutants), outcome)
        except KeyboardInterrupt:
            for future in pending:
                future.cancel()
            raise
        finally:
            if keep is None:
                shutil.rmtree(folder, ignore_errors=True)
    return outcomes


def _show(number: int, total: int, outcome: Outcome) -> None:
    verdict = "killed" if outcome.killed else "NOT KILLED"
    print(f"[{number:3}/{total}] {verdict:<10} {outcome.mutant:<40} {outcome.seconds:6.1f} s")
    for problem in outcome.problems:
        print(f"      {problem}")
    sys.stdout.flush()


def _table(outcomes: Sequence[tuple[Mutant, Outcome]]) -> str:
    width = max(len(mutant.id) for mutant in MUTANTS) + 2
    lines = [f"\n{'mutant':<{width}}{'verdict':<12}cases", "-" * 79]
    for mutant, outcome in outcomes:
        verdict = "killed by" if outcome.killed else "NOT KILLED"
        first, *others = mutant.kills
        lines.append(f"{mutant.id:<{width}}{verdict:<12}{first}")
        lines += [f"{'':<{width + 12}}{case}" for case in others]
    return "\n".join([*lines, "-" * 79])


def _versions() -> str:
    metaflow = importlib.metadata.version("metaflow")
    return f"Python {platform.python_version()} and Metaflow {metaflow}"
