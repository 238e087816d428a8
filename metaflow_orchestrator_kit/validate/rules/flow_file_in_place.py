from __future__ import annotations

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Confidence, Severity
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.commands import nothing_launched
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.features import compiler_place, mentions

_PACKAGED = (
    r"MetaflowPackage|get_package_commands|package_(url|sha)$|code_package|^copytree$|^copy2$|^copyfile$|"
    r"^tarfile$|^zipfile$|^make_archive$"
)
_FILE = r"^abspath$|^realpath$|^resolve$|^flow_file$|^FLOW_FILE$"
_FIX = (
    "Upload a MetaflowPackage at create and let the task unpack it (`environment."
    "get_package_commands`); on the same host copy the flow and what it imports."
)


class FlowFileInPlace(Rule):
    """Tasks run the deployer's own flow file, by its path.

    On another machine or in a container the path does not exist. On the same host a deployed flow
    changes when somebody edits the file or switches branches, in the middle of a run too. Ship
    the code that was deployed.
    """

    code = "MOK503"
    name = "flow-file-in-place"
    clauses = ("I3", "I4", "D11")
    severity = Severity.WARNING

    VALID = (
        Example("a package", compiler("""\
        def step(environment, package, node, sha, url):
            setup = environment.get_package_commands(url, "s3", package.package_metadata)
            return setup, ["python", "flow.py", "step", node, "--run-id", "r", "--task-id", "t"]
        """)),
    )  # fmt: skip
    INVALID = (
        Example("the absolute path", compiler("""\
        import os, sys

        def step(node):
            flow = os.path.abspath(sys.argv[0])
            return [sys.executable, flow, "step", node, "--run-id", "r"]  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        if nothing_launched(analysis, verdict):
            return
        place = compiler_place(analysis)
        if mentions(analysis, _PACKAGED):
            verdict.ok(place, "the code of the flow is packaged or copied")
        elif mentions(analysis, _FILE):
            text = "tasks run the flow file where it was deployed from; nothing packages its code"
            verdict.fail(place, text, _FIX, confidence=Confidence.MEDIUM)
        else:
            verdict.unsure(place, "where the flow file of a task comes from could not be told")
