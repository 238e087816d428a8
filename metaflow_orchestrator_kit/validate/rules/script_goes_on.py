from __future__ import annotations

from collections.abc import Iterator, Sequence

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Confidence, Severity
from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.source_lines import Line, strings_of

_SHELL = regex(r"^\s*#!.*\b(?:ba|da|k|z)?sh\b")
_STOPS = regex(r"^\s*(?:set\s+(?:-\w*e|-o\s+errexit)|trap\b.*\b(?:ERR|EXIT)\b)|^\s*#!.*sh\s+-\w*e")
_LAUNCH = regex(r"\b(?:init|step)\b.*--run-id")
_LOOKED_AT = regex(r"&&|\|\||^\s*(?:if|while|until|exec|!)\b|\$\?")
_HEREDOC = regex(r"<<-?\s*[\"']?(\w+)")
_CLOSING = regex(r"^\s*(?:\}|fi|done|esac|then|else)?\s*(?:#.*)?$")


class ScriptGoesOn(Rule):
    """A shell script runs a step and goes on with the next line, whatever became of the step.

    The script ends with the code of its last command: a step that failed in the middle is a
    success for the scheduler. Begin the script with `set -e`.
    """

    code = "MOK320"
    name = "script-goes-on-after-a-failed-step"
    clauses = ("F20", "L2")
    severity = Severity.ERROR

    VALID = (
        Example("set -e", compiler('''\
        SCRIPT = """#!/bin/bash
        set -euo pipefail
        python flow.py --quiet init --run-id r --task-id p
        python flow.py --quiet step start --run-id r --task-id t
        """
        ''')),
        Example("the last command", compiler('''\
        SCRIPT = """#!/bin/sh
        cd /work
        python flow.py --quiet step start \\\\
            --run-id r --task-id t
        """
        ''')),
        Example("looked at", compiler('''\
        SCRIPT = """#!/bin/sh
        python flow.py --quiet init --run-id r --task-id p || exit 1
        python flow.py --quiet step start --run-id r --task-id t
        code=$?
        rm -rf /scratch
        exit $code
        """
        ''')),
    )  # fmt: skip
    INVALID = (
        Example("an echo at the end", compiler('''\
        SCRIPT = """#!/bin/bash
        cd /work
        python flow.py --quiet step start --run-id r --task-id t  # <-- here
        echo done
        """
        ''')),
        Example("a list of lines", compiler("""\
        def script(name):
            lines = [
                "#!/bin/sh",
                "python flow.py --quiet init --run-id r --task-id p",  # <-- here
                f"python flow.py --quiet step {name} --run-id r --task-id t",
            ]
            return lines
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable("no shell script is written that runs init or a step")
        for module in analysis.project.modules:
            for lines in strings_of(module):
                script = _script(lines)
                stops = any(_STOPS.search(line.text) for line in script)
                for command, following in _launching(script):
                    place = Origin(module.path, command.number, 1, command.number)
                    looked_at = _LOOKED_AT.search(command.text) or "$?" in following
                    if stops or looked_at or not following:
                        verdict.ok(place, "the script fails when the step does")
                    else:
                        verdict.fail(
                            place,
                            "the script goes on after this, and ends with its last command's code",
                            "Begin the script with `set -e`.",
                            confidence=Confidence.MEDIUM,
                        )
                        break  # One fault of the script, however many steps it runs.


def _script(lines: Sequence[Line]) -> Sequence[Line]:
    """The lines of a shell script: all of them, or what another script writes to a file."""
    for number, line in enumerate(lines):
        if _SHELL.match(line.text):
            opened = _HEREDOC.search(lines[number - 1].text) if number else None
            inner = lines[number:]
            ends = [n for n, last in enumerate(inner) if opened and last.text.strip() == opened[1]]
            return inner[: ends[0]] if ends else inner if not number else []
    return []


def _launching(lines: Sequence[Line]) -> Iterator[tuple[Line, str]]:
    """The commands of a script that run init or a step, and the next command, if there is one."""
    commands = [command for command in joined_lines(lines) if not _CLOSING.match(command.text)]
    for number, command in enumerate(commands):
        if _LAUNCH.search(command.text):
            following = commands[number + 1 : number + 2]
            yield command, following[0].text if following else ""


def joined_lines(lines: Sequence[Line]) -> Iterator[Line]:
    """The lines, with those joined that end in a backslash."""
    begun: Line | None = None
    for line in lines:
        text = line.text if begun is None else f"{begun.text} {line.text.strip()}"
        begun = Line(text.rstrip().rstrip("\\"), line.number if begun is None else begun.number)
        if not text.rstrip().endswith("\\"):
            yield begun
            begun = None
    if begun is not None:
        yield begun
