"""Whatever lies in the directory: a clear answer, no traceback, no silence."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from metaflow_orchestrator_kit.validate.findings import Outcome, Report, Verdict
from metaflow_orchestrator_kit.validate.rules.examples import COMPILER, PLUGINS
from metaflow_orchestrator_kit.validate.runner import validate

Write = Callable[..., Path]
EXTRA = f"{PLUGINS}/acme/extra.py"

COMMAND = (
    "def command(obj, node, attempt):\n"
    '    return ["python", "f.py", "--environment", obj.environment.TYPE, "step", node,\n'
    '            "--run-id", "r", "--retry-count", str(attempt)]\n'
)


def _passed(report: Report) -> set[str]:
    """Which of the first nine rules passed."""
    passed = {o.code for o in report.outcomes if o.verdict is Verdict.PASS}
    return passed & {f"MOK00{n}" for n in range(1, 10)}


def _outcome(report: Report, code: str) -> Outcome:
    return next(o for o in report.outcomes if o.code == code)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"def broken(:\n    pass\n", "is not valid Python"),
        (b"# caf\xe9\nX = 1\n", "is not valid utf-8"),
        (b"X = 1\n\0\n", "NUL bytes"),
        (b"# -*- coding: no-such-codec -*-\nX = 1\n", "no usable encoding"),
        (b"x = " + b"(" * 5000 + b")" * 5000, "is"),
    ],
    ids=["syntax error", "not UTF-8", "NUL bytes", "unknown encoding", "deep parentheses"],
)
def test_a_file_that_cannot_be_read_is_a_finding(content: bytes, said: str, write: Write) -> None:
    root = write()
    (root / EXTRA).write_bytes(content)
    outcome = _outcome(validate(root), "MOK000")
    assert outcome.verdict is Verdict.FAIL
    assert outcome.findings[0].path == EXTRA
    assert said in outcome.findings[0].message


def test_a_configuration_module_that_cannot_be_read_passes_neither_of_its_rules(
    write: Write,
) -> None:
    root = write({f"{PLUGINS}/mfextinit_acme.py": "DEPLOYER_IMPL_PROVIDERS_DESC = [(\n"})
    report = validate(root)
    assert _outcome(report, "MOK001").verdict is Verdict.FAIL
    assert _outcome(report, "MOK002").verdict is not Verdict.PASS


def test_a_byte_order_mark_and_declared_encodings_are_read(write: Write) -> None:
    root = write({COMPILER: COMMAND})
    (root / EXTRA).write_bytes(b"\xef\xbb\xbfX = 1\n")
    (root / EXTRA.replace("extra", "latin")).write_bytes(b"# coding: latin-1\nX = '\xe9'\n")
    report = validate(root)
    assert all(o.code != "MOK000" for o in report.outcomes)


def test_an_empty_directory_passes_nothing(tmp_path: Path) -> None:
    report = validate(tmp_path)
    told = {o.code: o.verdict for o in report.outcomes if o.verdict is not Verdict.NOT_APPLICABLE}
    assert told == {"MOK001": Verdict.FAIL}


def test_a_directory_with_code_that_is_no_extension_passes_nothing(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("print('hello')\n")
    report = validate(tmp_path)
    assert _outcome(report, "MOK001").verdict is Verdict.FAIL
    assert not _passed(report)


def test_a_loop_of_symbolic_links_ends(write: Write) -> None:
    root = write({COMPILER: COMMAND})
    (root / PLUGINS / "loop").symlink_to(root, target_is_directory=True)
    (root / PLUGINS / "self.py").symlink_to(root / PLUGINS / "self.py")
    report = validate(root)
    assert any(s.reason == "symbolic link" for s in report.skipped)
    assert _outcome(report, "MOK000").findings[0].path == f"{PLUGINS}/self.py"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_permission_is_a_finding(write: Write) -> None:
    root = write({EXTRA: "X = 1\n"})
    (root / EXTRA).chmod(0)
    assert "cannot be read" in _outcome(validate(root), "MOK000").findings[0].message


@pytest.mark.parametrize(
    "source",
    [
        "x = " + " + ".join(["'a'"] * 900) + "\n",
        "x = " + "[" * 80 + "]" * 80 + "\n",
        "".join(f"def f{n}(a=f{n - 1}):\n    return f{n - 1}(a)\n" for n in range(1, 300)),
        "def f(x):\n    return f(f(x))\nx = f(f(f(1)))\n",
        "x = [1]\nx.append(x)\nx += x\ny = {'a': x}\ny['b'] = y\n",
        "class A(A):\n    TYPE = A.TYPE\nclass B(C): pass\nclass C(B): pass\n",
        "from . import extra\nfrom .extra import *\nextra.extra.x()\n",
        "x = '%s %s %(a)s {} {0} {a.b[0]!r:>{w}}' % 1\ny = x.format(*x, **x)\nz = '%' % ()\n",
        "x = ''.join('step --run-id init')\nx = x[::-1][x:x]['a'](*x, **x)\n",
        "while True:\n    try:\n        continue\n    finally:\n        break\n",
        "def g():\n    yield from g()\n    x = yield\nx = [*g(), *[y for y in g() for g in y]]\n",
        "match x:\n    case [1, *rest]: pass\n    case {'a': b}: pass\n    case _ if y: pass\n",
        "x = lambda *a, **k: x(*a, **k)\nx(1)(2)\ndel x, x[0], x.y\n",
    ],
    ids=range(13),
)
def test_odd_code_is_followed_or_left_but_never_crashes(source: str, write: Write) -> None:
    report = validate(write({EXTRA: source, COMPILER: COMMAND}))
    assert _outcome(report, "MOK006").verdict is Verdict.PASS


def test_a_file_of_five_megabytes_is_read(write: Write) -> None:
    filler = "".join(f"V{n} = 'value number {n} of many'\n" for n in range(150_000))
    assert len(filler) > 5_000_000
    report = validate(write({EXTRA: filler, COMPILER: COMMAND}))
    assert _outcome(report, "MOK006").verdict is Verdict.PASS


def test_many_branches_and_alternatives_stay_bounded(write: Write) -> None:
    lines = ["def build(a):", "    cmd = ['python', 'f.py']"]
    for n in range(200):
        lines += [f"    if a.x{n}:", f"        cmd += ['--opt{n}', a.y{n}]",
                  "    else:", f"        cmd = cmd + ['--other{n}']"]  # fmt: skip
    lines.append("    return cmd + ['step', a.n, '--run-id', 'r', '--retry-count', a.retry]")
    report = validate(write({COMPILER: "\n".join(lines) + "\n"}))
    assert _outcome(report, "MOK006").verdict in (Verdict.PASS, Verdict.UNSURE)


def test_the_standard_library_does_not_crash_it(tmp_path: Path) -> None:
    import email

    package = Path(email.__file__).parent
    (tmp_path / "email").mkdir()
    for path in package.glob("*.py"):
        (tmp_path / "email" / path.name).write_bytes(path.read_bytes())
    report = validate(tmp_path)
    assert not _passed(report)
