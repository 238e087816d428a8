from __future__ import annotations

import ast

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.host import Host, host
from metaflow_orchestrator_kit.validate.host_names import is_guarded, modules_bound
from metaflow_orchestrator_kit.validate.programs import Program, programs, source
from metaflow_orchestrator_kit.validate.promoted import is_promoted
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler

_CONFIG = "metaflow.metaflow_config"
_FIX = (
    "Look the name up in Metaflow's source; guard an import that only some releases have with "
    "`try: ... except ImportError:` and state the oldest Metaflow that you need."
)


class UnknownMetaflowName(Rule):
    """Code uses a name that Metaflow does not have.

    An import inside a function or in generated code fails only when it runs: in a task, on a
    worker, after the deployment looked fine. The names are looked up in the source of the
    installed Metaflow, without importing it.
    """

    code = "MOK906"
    name = "unknown-metaflow-name"
    clauses = ("A10", "M3")
    severity = Severity.ERROR

    VALID = (
        Example("names that exist", compiler("""\
        from metaflow.exception import MetaflowException
        from metaflow.metaflow_config import DATASTORE_SYSROOT_LOCAL
        from metaflow import util

        def options(top):
            return util.dict_to_cli_options(top)
        """)),
        Example("an import that may fail", compiler("""\
        from metaflow.util import get_username

        try:
            from metaflow.parameters import Config
        except ImportError:
            Config = None
        """)),
        Example("modules that the extension itself adds to Metaflow", {
            "metaflow_extensions/acme/toplevel/acme_tools.py": "def bake(): ...",
            "metaflow_extensions/acme/toplevel/__init__.py":
                '__mf_promote_submodules__ = ["plugins.acme"]',
            **compiler("""\
                from metaflow.acme_tools import bake
                from metaflow.plugins.acme import acme_deployer
            """)}),
    )  # fmt: skip
    INVALID = (
        Example("moved elsewhere", compiler("""\
        def is_config(value):
            from metaflow.parameters import Config  # <-- here
            return isinstance(value, Config)
        """)),
        Example("no such module", compiler("""\
        from metaflow.orchestrator_tools import compile_flow  # <-- here
        """)),
        Example("an attribute of a module", compiler("""\
        from metaflow import util

        def name():
            return util.get_user_name_of_flow()  # <-- here
        """)),
        Example("a setting that there is not", compiler("""\
        from metaflow.metaflow_config import (  # <-- here
            DATASTORE_SYSROOT_LOCAL,
            DATASTORE_SYSROOT_FLOPPY,
        )
        """)),
        Example("in generated code", compiler('''\
        TEMPLATE = """
        import sys
        from metaflow.datastore.flow_store import open_store  # <-- here
        store = open_store(sys.argv[1])
        """
        ''')),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        metaflow = host()
        if metaflow is None:
            verdict.not_applicable("Metaflow is not installed beside the validator")
            return
        for program in programs(analysis):
            _check_imports(analysis, program, metaflow, verdict)
            _check_attributes(program, metaflow, verdict)
        if not verdict.findings and not verdict.evidence:
            verdict.not_applicable("nothing of Metaflow is imported")


def _defined_here(analysis: Analysis, name: str) -> bool | None:
    """Whether a setting is one that extensions add: unknown when this one has a config of its own.

    Metaflow's settings are all written down, and extensions may add theirs as they load.
    """
    own = any("config" in m.dotted.split(".") for m in analysis.project.modules)
    return None if own or not name.isupper() else False


def _check_imports(analysis: Analysis, program: Program, metaflow: Host, verdict: Judge) -> None:
    for node in program.nodes(ast.ImportFrom):
        module = node.module or ""
        if node.level or not (module == "metaflow" or module.startswith("metaflow.")):
            continue
        if "mok_" in source(node) or is_guarded(program, node):
            continue
        for alias in node.names:
            found = metaflow.has(module, alias.name)
            if found is None and module == _CONFIG:
                found = _defined_here(analysis, alias.name)
            if found is False and is_promoted(analysis.project, f"{module}.{alias.name}"):
                found = True
            match found:
                case False:
                    what = f"`{alias.name}` of `{module}`"
                    if not metaflow.exists(module):
                        what = f"the module `{module}`"
                    text = f"{what} does not exist in Metaflow {metaflow.version}"
                    verdict.fail(program.place(node), text, _FIX)
                case True:
                    verdict.ok(program.place(node), f"`{module}.{alias.name}` exists")


def _check_attributes(program: Program, metaflow: Host, verdict: Judge) -> None:
    """``util.name`` after ``from metaflow import util``, and ``metaflow.a.b.name``."""
    bound = modules_bound(program, metaflow)
    if not bound:
        return
    for node in program.nodes(ast.Attribute):
        if not isinstance(node.ctx, ast.Load) or not isinstance(node.value, ast.Name):
            continue
        module = bound.get(node.value.id)
        if module is None or is_guarded(program, node):
            continue
        if metaflow.has(module, node.attr) is False:
            text = f"`{node.attr}` of `{module}` does not exist in Metaflow {metaflow.version}"
            verdict.fail(program.place(node), text, _FIX)
