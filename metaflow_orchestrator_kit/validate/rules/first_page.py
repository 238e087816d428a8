from __future__ import annotations

import ast
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Confidence, Severity
from metaflow_orchestrator_kit.validate.programs import Program, called, programs
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.assigned import made_of
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import objects
from metaflow_orchestrator_kit.validate.rules.syntax import literal, words_of

_LIMIT = regex(r"^(?:limit|size|page_?size|per_?page|max_?results|maxResults|pageSize)$")
_GOES_ON = regex(
    r"continue|next|cursor|offset|paginat|^page$|page_?(?:no|num|token|index)|token|last_"
    r"|total|has_more|islice|batch",
)
_ASKS = regex(r"^(?:get|request|list\w*|search\w*|query\w*|find\w*)$")
_FIX = "Ask until no page is left: by the answer's `next`, or by a growing offset."
_HEAD = """\
from metaflow.runner.deployer import DeployedFlow

class AcmeFlow(DeployedFlow):
    @classmethod
    def list_deployed_flows(cls, flow_name=None):
"""


class FirstPageOnly(Rule):
    """A list is asked of the scheduler, and only its first page is read.

    Everything works while there are few deployments or runs. With more than fit on a page, the
    rest is never listed, a deployment of that name "does not exist", and create makes a second one.
    """

    code = "MOK987"
    name = "first-page-only"
    clauses = ("B12",)
    severity = Severity.WARNING

    VALID = (
        Example("until no page is left", objects(_HEAD + """\
            page = 0
            while found := session.get(URL, params={"size": 100, "page": page}).json()["results"]:
                yield from found
                page += 1
        """)),
        Example("the newest one", objects(_HEAD + """\
            return session.get(URL, params={"limit": 1}).json()["results"][0]
        """)),
    )  # fmt: skip
    INVALID = (
        Example("a hundred of them", objects(_HEAD + """\
            found = session.get(URL, params={"size": 100}, timeout=9)  # <-- here
            for item in found.json()["results"]:
                yield item["id"]
        """)),
        Example("what a cloud's client lists", objects(_HEAD + """\
            found = client.list_state_machines()["stateMachines"]  # <-- here
            return [m["name"] for m in found]
        """)),
        Example("with a variable's limit", objects(_HEAD + """\
            params = {"limit": 100}
            found = client.list_namespaced_custom_object(GROUP, NAME, **params)  # <-- here
            yield from found["items"]
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable("no list of limited length is asked for")
        for program in programs(analysis):
            if program.generated:
                continue
            for call in program.nodes(ast.Call):
                function = program.function(call) if _ASKS.search(called(call)) else None
                if function is None:
                    continue
                limits = _limits(program, call)
                if limits and all(literal(limit) in (0, 1) for limit in limits):
                    verdict.ok(program.place(call), "one is asked for, or none")
                    continue
                if not limits and not _of_a_cloud(program, call):
                    continue
                if any(_GOES_ON.search(word) for word in words_of(function)):
                    verdict.ok(program.place(call), "the following pages are asked for")
                else:
                    verdict.fail(
                        program.place(call),
                        f"`{called(call)}` answers one page, and the others are never asked for",
                        _FIX,
                        confidence=Confidence.MEDIUM,
                    )


def _limits(program: Program, call: ast.Call) -> list[ast.expr]:
    """What limits the length of the answer: a keyword, or an entry of `params`."""
    given = {k.arg: k.value for k in call.keywords}
    for name in ("params", None):
        if name in given:
            given.update(_mapping(program, given[name]))
    return [v for k, v in given.items() if k and _LIMIT.search(k)]


def _mapping(program: Program, value: ast.expr) -> dict[str | None, ast.expr]:
    """The entries of a dictionary, written here or given to the variable in this function."""
    return {
        str(literal(key)): entry
        for mapping in _dictionaries(program, value)
        for key, entry in zip(mapping.keys, mapping.values, strict=True)
        if key is not None
    }


def _dictionaries(program: Program, value: ast.expr) -> Iterator[ast.Dict]:
    for made in made_of(program, value):
        if isinstance(made, ast.Dict):
            yield made


def _of_a_cloud(program: Program, call: ast.Call) -> bool:
    """``client.list_things(...)["things"]``: the answer of AWS, a page with `nextToken`."""
    around = next(program.parents(call), None)
    return (
        called(call).startswith("list_")
        and isinstance(call.func, ast.Attribute)
        and isinstance(around, ast.Subscript)
        and isinstance(literal(around.slice), str)
    )
