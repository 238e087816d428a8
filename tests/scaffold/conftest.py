"""A miniature of the templates, so that writing is tested apart from what is written."""

from pathlib import Path

import pytest

from metaflow_orchestrator_kit.scaffold import names, render

MINIATURE = {
    "extension/README.md.j2": "# [[ title ]] on [[ engine ]]\n",
    "extension/.github/workflows/ux-tests-__type__.yml.j2": 'on: "${{ github.ref }}"\n',
    "extension/metaflow_extensions/__module__/plugins/__module__/plan.py": "X = '[[ type ]]'\n",
    "extension/metaflow_extensions/__module__/plugins/__module__/__init__.py": "",
    "extension/metaflow_extensions/__module__/plugins/__module__/__module___cli.py.j2": (
        'NAME = f"{[[ module | tojson ]]}"\n[% if engine == "small" %]\nSMALL = 1\n[% endif %]\n'
    ),
    "extension/__pycache__/left.pyc": "bytes",
    "engines/small/metaflow_extensions/__module__/plugins/__module__/__module___engine.py.j2": (
        "class [[ class_prefix ]]Engine: ...\n"
    ),
    "engines/small/metaflow_extensions/__module__/plugins/__module__/small_store.py": "",
    "engines/other/README.md.j2": "# Other\n",
}


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    root = tmp_path / "templates"
    for path, text in MINIATURE.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


@pytest.fixture
def project(templates: Path) -> render.Project:
    return render.project(render.Answers(names.parse("my-scheduler"), "small"), templates)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty folder to write into."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder
