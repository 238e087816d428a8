"""Questions about the syntax tree of all modules, generated ones too, worked out once.

The argv and the environment model answer what reaches a command. These answer the rest: which
names the code knows, where a call, a comparison or a handler stands, and in which function.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from operator import itemgetter

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.project import Module
from metaflow_orchestrator_kit.validate.records import field, record, regex
from metaflow_orchestrator_kit.validate.walking import Nodes, nodes_of, walk

_WORD = regex(r"[A-Za-z_]\w*")
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
#: The field of a kind of node that holds its name.
_NAMED_BY: dict[type, str] = {
    ast.Name: "id",
    ast.Attribute: "attr",
    ast.arg: "arg",
    ast.keyword: "arg",
    ast.FunctionDef: "name",
    ast.AsyncFunctionDef: "name",
    ast.ClassDef: "name",
}
_LABEL = "syntax"
_Place = tuple[str, int, int]


@record(frozen=False)
class Index:
    """Every node by its type, its parent, and the words of the code."""

    by_type: dict[type, list[tuple[Module, ast.AST]]] = field(default_factory=dict)
    parents: dict[ast.AST, ast.AST] = field(default_factory=dict)
    words: set[str] = field(default_factory=set)
    strings: list[tuple[Module, ast.Constant]] = field(default_factory=list)
    calls: dict[str, list[tuple[int, Module, ast.Call]]] = field(default_factory=dict)
    placed: dict[type, list[tuple[_Place, tuple[Module, ast.AST]]]] = field(default_factory=dict)
    ordered: dict[tuple[type, ...], list[tuple[Module, ast.AST]]] = field(default_factory=dict)


def index(analysis: Analysis) -> Index:
    """The index of *analysis*, made when it is first asked for."""
    known = analysis.memo.get(_LABEL)
    if isinstance(known, Index):
        return known
    made = Index()
    for module in analysis.modules():
        _read(made, module)
    for skeleton in {text.skeleton(" ") for text in analysis.texts}:
        made.words.update(_WORD.findall(skeleton))
    analysis.memo[_LABEL] = made
    return made


def _read(made: Index, module: Module) -> None:
    nodes = nodes_of(module.tree)
    docs = _docstrings(nodes)
    for kind, found in nodes.by_type.items():
        if docs and (kind is ast.Expr or kind is ast.Constant):
            found = [node for node in found if node not in docs]
        made.by_type.setdefault(kind, []).extend([(module, node) for node in found])
    made.parents.update(nodes.parents)
    words = made.words
    words.update(node.name for node in nodes.of(ast.FunctionDef))
    words.update(node.name for node in nodes.of(ast.AsyncFunctionDef))
    words.update(node.id for node in nodes.of(ast.Name))
    words.update(node.attr for node in nodes.of(ast.Attribute))
    words.update(node.arg for node in nodes.of(ast.arg))
    words.update(node.name for node in nodes.of(ast.ClassDef))
    words.update(node.arg for node in nodes.of(ast.keyword) if node.arg)
    for alias in nodes.of(ast.alias):
        words.update(alias.name.split("."))
    texts: set[str] = set()
    for constant in reversed(nodes.of(ast.Constant)):
        if constant.value.__class__ is str and constant not in docs:
            made.strings.append((module, constant))
            texts.add(str(constant.value))
    words.update(_WORD.findall("\n".join(texts)))


def _docstrings(nodes: Nodes) -> set[ast.AST]:
    """The statements that only document, and the strings in them."""
    documented = (node for kind in _DOCUMENTED for node in nodes.of(kind))
    found = {doc for node in documented if (doc := _docstring(node)) is not None}
    return found | {doc.value for doc in found if isinstance(doc, ast.Expr)}


def _docstring(node: ast.AST) -> ast.AST | None:
    """The statement that only documents; a bare string anywhere is one too."""
    if isinstance(node, _DOCUMENTED) and node.body:
        first = node.body[0]
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
            return first
    return None


def nodes(analysis: Analysis, *types: type) -> Iterator[tuple[Module, ast.AST]]:
    """Every node of these types, in the order of the source."""
    made = index(analysis)
    found = made.ordered.get(types)
    if found is None:
        placed = [entry for kind in types for entry in _placed(made, kind)]
        placed.sort(key=itemgetter(0))
        found = made.ordered[types] = [pair for _, pair in placed]
    return iter(found)


def _placed(made: Index, kind: type) -> list[tuple[_Place, tuple[Module, ast.AST]]]:
    """The nodes of a type with their places, in order; most types are asked for several times."""
    known = made.placed.get(kind)
    if known is None:
        known = made.placed[kind] = [(_order(pair), pair) for pair in made.by_type.get(kind, ())]
        known.sort(key=itemgetter(0))
    return known


def _order(pair: tuple[Module, ast.AST]) -> _Place:
    node = pair[1]
    return pair[0].path, getattr(node, "lineno", 0), getattr(node, "col_offset", 0)


def calls(analysis: Analysis, *names: str) -> Iterator[tuple[Module, ast.Call]]:
    """Calls of a function or method of one of these names."""
    known = index(analysis).calls
    if not known:
        for number, (module, node) in enumerate(nodes(analysis, ast.Call)):
            if isinstance(node, ast.Call):
                known.setdefault(terminal(node.func), []).append((number, module, node))
    found = [place for name in dict.fromkeys(names) for place in known.get(name, ())]
    # Each number is there once: the order of the source, whatever the names.
    yield from ((module, node) for _, module, node in sorted(found, key=itemgetter(0)))


def mentions(analysis: Analysis, *words: str) -> bool:
    """Whether one of the words occurs in code or strings, docstrings and comments apart."""
    return not index(analysis).words.isdisjoint(words)


def words_of(node: ast.AST) -> set[str]:
    """The identifiers and the words of strings below *node*, docstrings apart."""
    known: set[str] | None = getattr(node, "_mok_words", None)
    if known is not None:
        return known
    words: set[str] = set()
    docs: set[ast.AST] = set()
    texts: set[str] = set()
    for current in walk(node):  # The order matters: what a docstring documents comes before it.
        kind = current.__class__
        attribute = _NAMED_BY.get(kind)
        if attribute is not None:
            words.add(getattr(current, attribute))
            if kind in _DOCUMENTED and (doc := _docstring(current)) is not None:
                docs.add(doc.value)  # type: ignore[attr-defined]
        elif kind is ast.Constant:
            value = current.value  # type: ignore[attr-defined]
            if value.__class__ is str and current not in docs:
                texts.add(value)
        elif kind is ast.alias:
            words.update(current.name.split("."))  # type: ignore[attr-defined]
        elif kind is ast.Module and (doc := _docstring(current)) is not None:
            docs.add(doc.value)  # type: ignore[attr-defined]
    words.discard(None)  # The keyword of `**rest`.
    words.update(_WORD.findall("\n".join(texts)))
    node._mok_words = words  # type: ignore[attr-defined]
    return words


def words_at(node: ast.AST) -> set[str]:
    """The identifier or the words of the string that *node* itself is."""
    attribute = _NAMED_BY.get(node.__class__)
    if attribute is not None:
        name = getattr(node, attribute)
        return {name} if name else set()
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return set(_WORD.findall(node.value))
    return set()


def above(analysis: Analysis, node: ast.AST) -> Iterator[ast.AST]:
    """The nodes around *node*, nearest first."""
    parents = index(analysis).parents
    current = parents.get(node)
    while current is not None:
        yield current
        current = parents.get(current)


def function_of(analysis: Analysis, node: ast.AST) -> ast.AST | None:
    """The function (or, outside of one, the module) that *node* stands in."""
    last: ast.AST | None = None
    for last in above(analysis, node):
        if isinstance(last, ast.FunctionDef | ast.AsyncFunctionDef):
            return last
    return last


_LONGEST_CHAIN = 200
"""No person writes more, and asking every link of a longer one would take quadratic time."""


def terminal(node: ast.AST | None) -> str:
    """The last identifier of a name, an attribute, a call or an item: ``b`` of ``a.b[0]()``."""
    for _ in range(_LONGEST_CHAIN):
        match node:
            case ast.Name(id=name):
                return name
            case ast.Attribute(attr=name):
                return name
            case ast.Subscript(value=inner) | ast.Call(func=inner) | ast.Await(value=inner):
                node = inner
            case _:
                break
    return ""


def literal(node: ast.AST | None) -> object:
    """The constant that *node* is, ``...`` when it is none."""
    return node.value if isinstance(node, ast.Constant) else ...


def has_constant(node: ast.AST, value: object) -> bool:
    """Whether the constant *value* stands anywhere below *node*."""
    return any(
        isinstance(n, ast.Constant) and type(n.value) is type(value) and n.value == value
        for n in walk(node)
    )
