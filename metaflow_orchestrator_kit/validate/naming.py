"""Expressions that make names and ids, and whether anything keeps different ones apart."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.plugins import deployer_types, subclasses
from metaflow_orchestrator_kit.validate.project import Module
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.walking import walk

Function = ast.FunctionDef | ast.AsyncFunctionDef
#: What the name of a deployment, flow, job or run is called.
NAME = regex(r"(?:^|_)(?:name|id|uuid|slug|identifier|branch)$|^(?:name|identifier|slug)", re.I)
_HASH = regex(r"hash|sha\d|md5|digest|crc32|uuid4|token_hex|adler|blake", re.I)
_NO_NAME = regex(r"hash|digest|hex|sha\d|md5|uuid\d|token|secret|msg|message|error|text|log", re.I)


def names_matter(analysis: Analysis) -> bool:
    """Whether the extension deploys or starts something, so that its names are identities."""
    return bool(
        analysis.of_kind("init", "step")
        or deployer_types(analysis.project)
        or subclasses(analysis.project, "DeployedFlow")
    )


def functions(module: Module) -> Iterator[Function]:
    """Every function and method of a module."""
    for node in walk(module.tree):
        if isinstance(node, Function):
            yield node


def hashes(node: ast.AST) -> bool:
    """Whether something is hashed, or a random id made, below a node."""
    return any(
        (isinstance(n, ast.Attribute) and _HASH.search(n.attr))
        or (isinstance(n, ast.Name) and _HASH.search(n.id))
        for n in walk(node)
    )


def is_name(node: ast.expr) -> bool:
    """Whether an expression reads as a name or an id, and not as a digest, a token or a text."""
    last = _last(node)
    return bool(last and NAME.search(last) and not _NO_NAME.search(ast.unparse(node)))


def made_names(function: Function) -> Iterator[ast.expr]:
    """What a function that is called like a name returns, and what it assigns to names."""
    named = bool(NAME.search(function.name) or re.search(r"_to_|sanit|slug|normal", function.name))
    for node in walk(function):
        match node:
            case ast.Return(value=ast.expr() as value) if named:
                yield value
            case ast.Assign(targets=targets, value=value) if any(map(is_name, targets)):
                yield value


def _last(node: ast.expr) -> str:
    """The word an expression ends in, conversions of its text left aside."""
    while True:
        match node:
            case ast.Call(func=ast.Attribute(value=inner, attr=attr)) if attr in (
                "lower", "upper", "strip", "replace", "rstrip", "lstrip",
            ):  # fmt: skip
                node = inner
            case ast.Attribute(attr=attr):
                return attr
            case ast.Name(id=name):
                return name
            case _:
                return ""
