from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Confidence, Severity
from metaflow_orchestrator_kit.validate.programs import Program, programs
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.format_fields import Filling, fillings

_FIX = "Name the same things on both sides; double a brace or a % that is text."


class TemplateUnfilled(Rule):
    """A template asks for what it is not given, or is given what it has no place for.

    A brace of the generated code that is not doubled, a `%` that is text, a field whose value was
    forgotten: `create` ends with a KeyError or a TypeError for every flow. The other way round, a
    value that was worked out and has no place in the template is lost: tags, an option, a part of
    a name that should make it unique.

    Name the same things on both sides, and double the braces or % that are text.
    """

    code = "MOK990"
    name = "template-not-filled"
    clauses = ("D12",)
    severity = Severity.ERROR

    VALID = (
        Example("both sides", compiler('''\
        SOURCE = """
        def task(run_id):
            return {{"run": run_id, "step": {step!r}}}, "100%"
        """
        def source(step):
            return SOURCE.format(step=step)
        def name(flow, step):
            return "%(flow)s-%(step)s at 100%%" % {"flow": flow, "step": step}
        ''')),
        Example("what is not known", compiler("""\
        def source(template, name, **values):
            return template.format(**values), "%s %s" % (name, tuple(values))
        """)),
    )  # fmt: skip
    INVALID = (
        Example("a brace of the program", compiler('''\
        def source(step):
            return """  # <-- here
        def task(run_id):
            return {"run": run_id, "step": {step!r}}
        """.format(step=step)
        ''')),
        Example("a percent sign without a name", compiler("""\
        def source(step):
            return "raise Failed('%(step)s ended with %d' % code)" % {"step": step}  # <-- here
        """)),
        Example("a value without a place", compiler("""\
        def job_name(flow, step, attempt):
            return "{flow}-{step}".format(flow=flow, step=step, attempt=attempt)  # <-- here
        """)),
        Example("too few values", compiler("""\
        def source(run, step):
            return "%s/%s/%s" % (run, step)  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable("no constant template is filled by format or %")
        for program in programs(analysis):
            if not program.whole:
                continue
            for filling in fillings(program):
                _judge(program, filling, verdict)


def _judge(program: Program, filling: Filling, verdict: Judge) -> None:
    place = program.place(filling.template)
    first = place._replace(end_line=place.line)
    if filling.broken:
        verdict.fail(first, f"this template cannot be filled: {filling.broken}", _FIX)
        return
    wanted = {f for f in filling.fields if f.isidentifier()}
    strange = sorted(f for f in filling.fields - wanted if f and not f.isdigit())
    missing = sorted(wanted - filling.given.keys())
    unused = sorted(filling.given.keys() - wanted)
    if strange and filling.given:
        text = f"`{{{strange[0]}` is taken for a field of the template"
        verdict.fail(first, text, _FIX)
    elif missing and (filling.given or filling.count or isinstance(filling.node, ast.Call)):
        verdict.fail(first, f"the template asks for `{missing[0]}`, which it is not given", _FIX)
    elif unused:
        verdict.fail(
            program.place(filling.given[unused[0]]),
            f"`{unused[0]}` is given to a template that has no place for it",
            "Put it where it belongs, or do not pass it.",
            severity=Severity.WARNING,
            confidence=Confidence.MEDIUM,
        )
    else:
        verdict.ok(place, "the template is given what it asks for")
