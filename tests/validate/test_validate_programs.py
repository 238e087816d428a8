"""Python wherever it stands: in modules, and in the strings that become programs."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Callable
from pathlib import Path

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.host import host
from metaflow_orchestrator_kit.validate.model.strings import shift
from metaflow_orchestrator_kit.validate.programs import Program, calls, programs
from metaflow_orchestrator_kit.validate.project import load
from metaflow_orchestrator_kit.validate.rules.examples import COMPILER
from metaflow_orchestrator_kit.validate.rules.passed_task_ids import fragments

Write = Callable[..., Path]


def _read(write: Write, text: str) -> list[Program]:
    root = write({COMPILER: textwrap.dedent(text)})
    return [p for p in programs(Analysis(load(root))) if p.path == COMPILER]


def _lines(found: list[Program], name: str) -> list[int]:
    return sorted(p.place(c).line for p in found for c in calls(p, name))


def test_a_template_is_read_with_the_lines_of_its_file(write: Write) -> None:
    found = _read(
        write,
        '''\
        TEMPLATE = """\\
        import os

        def run(tag):
            os.system("x")
        """
        ''',
    )
    assert _lines(found, "system") == [5]


def test_a_filled_in_template_keeps_its_lines_where_backslashes_continue_some(
    write: Write,
) -> None:
    found = _read(
        write,
        '''\
        def rendered(name):
            return f"""\\
        import os
        def {name}(tag):
            os.system("x" \\
                      + "y")
            os.system("z")
        """
        ''',
    )
    assert _lines(found, "system") == [5, 7]


def test_a_fragment_begins_behind_the_backslash_that_follows_its_quotes(write: Write) -> None:
    text = '''\
        def rendered(node, deco):
            return f"""\\
                {deco}
                def {node.name}(run_id):
                    run_step("{node.name}", run_id, "1")
            """
        '''
    root = write({COMPILER: textwrap.dedent(text)})
    ((found, place),) = fragments(Analysis(load(root)), "run_step")
    assert place.line == 3
    assert shift(place, found, found.index("run_step")).line == 5


def test_lines_that_are_concatenated_keep_their_lines(write: Write) -> None:
    found = _read(
        write,
        r"""
        def code(name, head):
            return (
                'import os\n'
                + head
                + '    def run():\n'
                '        os.system(%r)\n'
            ) % name
        """,
    )
    assert _lines(found, "system") == [7]


def test_lines_that_a_helper_emits_are_one_program(write: Write) -> None:
    found = _read(
        write,
        """
        def code(out):
            out.emit("try:")
            out.emit("    value = read()")
            out.emit("except Exception:")
            out.emit("    value = 1")
        """,
    )
    (program,) = [p for p in found if p.generated]
    assert program.whole
    assert [program.place(t).line for t in program.nodes(ast.Try)] == [3]


def test_a_line_that_a_list_of_two_is_joined_to_is_left_open(write: Write) -> None:
    found = _read(
        write,
        """\
        def rendered(self, name):
            self.lines.append(", ".join([name, "b"]))
            self.lines.append("import os")
            self.lines.append("def run(tag):")
            self.lines.append("    os.system(tag)")
        """,
    )
    assert _lines(found, "system") == [5]


def test_statements_are_read_one_by_one_where_the_whole_is_no_program(write: Write) -> None:
    found = _read(
        write,
        '''
        TEMPLATE = """
        {{#each steps}} {{name}}: begin
        requests.get(
            url,
        )
        {{/each}}
        """
        ''',
    )
    assert _lines(found, "get") == [4]
    assert all(not p.whole for p in found if p.generated)


def test_docstrings_and_prose_are_no_programs(write: Write) -> None:
    found = _read(
        write,
        '''
        """Run it so:

        import os
        os.system("x")
        """
        HELP = """Deploys the flow.
        Nothing else happens."""
        ''',
    )
    assert [p for p in found if p.generated] == []


def test_a_sum_of_a_thousand_strings_stops_nothing(write: Write) -> None:
    many = " + ".join(f"'line {n}'" for n in range(900))
    found = _read(write, f"X = {many}\nY = '''\nimport os\nos.system(x)\n'''\n")
    assert _lines(found, "system") == [4]


def test_the_installed_metaflow_is_known_without_importing_it() -> None:
    metaflow = host()
    assert metaflow is not None
    assert metaflow.has("metaflow.exception", "MetaflowException") is True
    assert metaflow.has("metaflow.util", "no_such_function") is False
    assert metaflow.has("metaflow.no_such_module", "x") is False
    assert metaflow.has("metaflow.plugins", "DATASTORES") is not False
