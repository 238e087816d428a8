from __future__ import annotations

from collections.abc import Iterator, Sequence

from metaflow_orchestrator_kit.validate import edits
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Fix, Severity
from metaflow_orchestrator_kit.validate.model.strings import shift
from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.syntax import calls, index, literal

_CALL = regex(r"(?m)^[^#\n]*?(?P<call>get_task_datastore)\s*\((?P<args>[^()]*)\)")
_FIRST = regex(r"attempt\s*=\s*0\b")


class FirstAttemptRead(Rule):
    """What a task decided is read from its first attempt.

    With `attempt=0` a step that failed once and then succeeded has no fan-out width, no chosen
    branch and no artifacts: the run stops, or goes on with a default. Leave `attempt` out; the
    datastore then finds the latest attempt that is done.
    """

    code = "MOK310"
    name = "first-attempt-read"
    clauses = ("F10", "I1")
    severity = Severity.ERROR

    VALID = (
        Example("the latest attempt", compiler("""\
        def width(datastore, run, step, task):
            tds = datastore.get_task_datastore(run, step, task)
            return int(tds["_foreach_num_splits"])
        """)),
    )  # fmt: skip
    INVALID = (
        Example("the first", compiler("""\
        def width(datastore, run, step, task):
            tds = datastore.get_task_datastore(run, step, task, attempt=0, mode="r")  # <-- here
            return int(tds["_foreach_num_splits"])
        """)),
        Example("in a line of a generated program", compiler("""\
        def lines(step):
            return [
                "  tds = fds.get_task_datastore(run_id, %r, t, attempt=0)" % step,  # <-- here
                "  width = tds['_foreach_num_splits']",
            ]
        """)),
        Example("in a shell script's program", compiler('''\
        SCRIPT = """
        python3 - <<'PY'
        tds = fds.get_task_datastore(
            "$RUN_ID", "split", "task", attempt=0, mode="r",
        )
        print(tds["_foreach_num_splits"])
        PY
        """
        ''')),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        places: list[Origin] = []
        files: dict[str, Sequence[str]] = {m.path: m.lines for m in analysis.project.modules}
        for module, call in calls(analysis, "get_task_datastore"):
            place = analysis.place(module, call)
            given = {k.arg: literal(k.value) for k in call.keywords}
            if given.get("mode") in ("w", "d"):
                verdict.ok(place, "an attempt is written")
            elif given.get("attempt") == 0:
                places.append(place)
            else:
                verdict.ok(place, "the latest attempt is read")
        for place in (*_in_texts(analysis), *_in_strings(analysis)):
            # The same call, read in another way: a string's lines are counted roughly.
            if all(p.path != place.path or abs(p.line - place.line) > 2 for p in places):
                places.append(place)
        for place in places:
            verdict.fail(
                place,
                "the datastore is asked for the task's first attempt (`attempt=0`)",
                "Leave `attempt` out: the latest attempt that is done is found then.",
                fix=_fix(files.get(place.path, ()), place),
            )
        if not places:
            verdict.not_applicable("no task is read from the datastore")


def _fix(lines: Sequence[str], place: Origin) -> Fix | None:
    """`attempt=None`, which is what leaving it out means, in the first line that has it."""
    for number in range(place.line, max(place.end_line, place.line + 4) + 1):
        edit = edits.on_line(place.path, lines, number, _FIRST.pattern, "attempt=None")
        if edit is not None:
            return Fix((edit,))
    return None


def _in_strings(analysis: Analysis) -> Iterator[Origin]:
    """Calls inside literals, which may be fragments of a program."""
    for module, node in index(analysis).strings:
        text = node.value if isinstance(node.value, str) else ""
        if "get_task_datastore" in text and module not in analysis.positions:
            place = analysis.place(module, node)
            for begin in _first_attempts(text):
                yield shift(place, text, begin)


def _in_texts(analysis: Analysis) -> Iterator[Origin]:
    """Calls inside strings that are put together."""
    for written in analysis.texts:
        for part in written.parts:
            if not isinstance(part.content, str) or "get_task_datastore" not in part.content:
                continue
            if next(_first_attempts(written.skeleton("_")), None) is not None:
                begin = part.content.find("get_task_datastore")
                yield shift(part.origin, part.content, begin)


def _first_attempts(text: str) -> Iterator[int]:
    """Where the calls begin that ask for the first attempt."""
    for match in _CALL.finditer(text):
        if _FIRST.search(match["args"]):
            yield match.start("call")
