from __future__ import annotations

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.packaging import read_packaging
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule

#: Build backends that write no top_level.txt into the wheel.
_SILENT = (
    "hatchling", "flit_core", "flit", "poetry", "pdm", "uv_build", "maturin", "scikit_build_core",
)  # fmt: skip
_FIX = (
    'Build with setuptools (build-backend = "setuptools.build_meta"), or have a build hook write '
    "top_level.txt with the line metaflow_extensions."
)


def _built_by(backend: str) -> dict[str, str]:
    return {"pyproject.toml": f'[build-system]\nrequires = ["x"]\nbuild-backend = "{backend}"\n'}


class TopLevelNotRecorded(Rule):
    """The built wheel will not be recognised as a Metaflow extension.

    Metaflow knows an installed extension by `top_level.txt` in its dist-info, which setuptools
    writes, and hatchling, flit, poetry, pdm and uv do not. Without it the extension is found by a
    fallback that is dropped as soon as any other extension is installed: the command line says
    "No such command" and `Deployer` has no such method, on the day a colleague installs another.

    Build with setuptools.
    """

    code = "MOK102"
    name = "top-level-not-recorded"
    clauses = ("A3",)
    severity = Severity.ERROR

    VALID = (
        Example("setuptools", _built_by("setuptools.build_meta")),
        Example("no build backend, which is setuptools", {
            "pyproject.toml": '[project]\nname = "metaflow-acme"\n'}),
        Example("a setup.py", {"setup.py": "from setuptools import setup\nsetup()\n"}),
    )  # fmt: skip
    INVALID = (
        Example("hatchling", {"pyproject.toml": '[build-system]\nrequires = ["hatchling"]\n'
            'build-backend = "hatchling.build"  # <-- here\n'}),
        Example("poetry", {"pyproject.toml": "[build-system]\n"
            'build-backend = "poetry.core.masonry.api"  # <-- here\n'}),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        if not any(e.kind == "extension" for e in analysis.project.extensions):
            verdict.not_applicable("no extension is built from here")
            return
        packaging = read_packaging(analysis.project)
        if packaging is None:
            verdict.not_applicable("there is no pyproject.toml or setup.py here")
            return
        backend = packaging.backend
        if backend is None or backend.value.partition(".")[0] not in _SILENT:
            verdict.ok(backend.origin if backend else packaging.place, "built with setuptools")
        elif "top_level" in packaging.text:
            verdict.unsure(backend.origin, "a build hook may write top_level.txt")
        else:
            verdict.fail(
                backend.origin,
                f"`{backend.value}` writes no top_level.txt, by which Metaflow recognises an "
                "extension",
                _FIX,
            )
