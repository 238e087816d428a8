"""The value of an expression."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from metaflow_orchestrator_kit.validate.model import assign, calls, strings
from metaflow_orchestrator_kit.validate.model.state import merge_values
from metaflow_orchestrator_kit.validate.model.values import (
    Alt,
    Cell,
    Class,
    Cond,
    Conds,
    Const,
    Entry,
    Function,
    FunctionInfo,
    Item,
    ListCell,
    MapCell,
    ModuleValue,
    ObjectCell,
    Origin,
    Part,
    Ref,
    Text,
    Unknown,
    Value,
    both,
    fresh_id,
    key_of,
    names_in,
    options_of,
    text_of,
)

if TYPE_CHECKING:
    from metaflow_orchestrator_kit.validate.model.interpreter import Frame

_Element = TypeVar("_Element", Item, Entry)
_KINDS: dict[type[ast.expr], str] = {ast.List: "list", ast.Tuple: "tuple", ast.Set: "set"}


def source(node: ast.AST) -> str:
    """The node as source, short."""
    try:
        return ast.unparse(node)[:160]
    except (RecursionError, ValueError):
        return f"<{type(node).__name__}>"


def evaluate(frame: Frame, node: ast.expr) -> Value:
    """What *node* evaluates to, as far as it can be known."""
    frame.vm.step()
    match node:
        case ast.Constant(value=str()):
            return _string_constant(frame, node)
        case ast.Constant(value=value):
            return Const(value, frame.origin(node))
        case ast.JoinedStr():
            return _fstring(frame, node)
        case ast.Name(id=name):
            return calls.lookup(frame, name)
        case ast.Attribute(value=base, attr=attr):
            return calls.attribute(frame, evaluate(frame, base), attr, node)
        case ast.List() | ast.Tuple() | ast.Set():
            return frame.new(
                ListCell(_display(frame, node.elts), _KINDS[type(node)], frame.origin(node))
            )
        case ast.Dict():
            return _dict(frame, node)
        case ast.BinOp(left=left, op=op, right=right):
            return binary(frame, node, op, evaluate(frame, left), evaluate(frame, right))
        case ast.BoolOp():
            return _bool_op(frame, node)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            verdict = decide(frame, test)
            if verdict is not None:
                return evaluate(frame, body if verdict else orelse)
            cond = frame.vm.condition(frame, test)
            first, second = evaluate(frame, body), evaluate(frame, orelse)
            return merge_values(first, (cond,), second, (cond.negated(),))
        case ast.Call():
            return calls.call_node(frame, node)
        case ast.Subscript():
            return _subscript(frame, node)
        case ast.ListComp() | ast.SetComp() | ast.GeneratorExp():
            kind = {ast.ListComp: "list", ast.SetComp: "set"}.get(type(node), "generator")
            items: list[Item] = []
            _comprehend(frame, node.generators, lambda: items.append(_item(frame, node.elt)), items)
            return frame.new(ListCell(tuple(items), kind, frame.origin(node)))
        case ast.DictComp():
            return _dict_comp(frame, node)
        case ast.NamedExpr(target=target, value=value):
            computed = evaluate(frame, value)
            assign.assign(frame, target, computed)
            return computed
        case ast.Await(value=value) | ast.Starred(value=value):
            return evaluate(frame, value)
        case ast.Yield(value=value):
            _yield(frame, evaluate(frame, value) if value else Const(None), node, False)
            return Unknown(why="sent into a generator")
        case ast.YieldFrom(value=value):
            _yield(frame, evaluate(frame, value), node, True)
            return Unknown(why="sent into a generator")
        case ast.Lambda():
            owner = frame.function.owner if frame.function else None
            info = FunctionInfo(node, frame.module, owner, "<lambda>")
            return Function(info, None, frame.state.env)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int(number))):
            return Const(-number, frame.origin(node))
        case _:
            return _opaque(frame, node)


def _opaque(frame: Frame, node: ast.expr) -> Unknown:
    names: set[str] = set()
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            names |= names_in(evaluate(frame, child))
    return Unknown(frozenset(names), "not followed", frame.origin(node))


def _string_constant(frame: Frame, node: ast.Constant) -> Text:
    origin = _skip_continuation(frame, node, frame.origin(node))
    text = text_of(str(node.value), origin)
    remember(frame, text)
    return text


def _skip_continuation(frame: Frame, node: ast.expr, origin: Origin) -> Origin:
    """A string that opens with a backslash and a newline begins on the next line."""
    lines = frame.module.lines
    if node.lineno <= len(lines) and node.end_lineno != node.lineno:
        rest = lines[node.lineno - 1].rstrip()
        if rest.endswith(('"""\\', "'''\\")):
            return origin._replace(line=origin.line + 1)
    return origin


def _fstring(frame: Frame, node: ast.JoinedStr) -> Text:
    start = _skip_continuation(frame, node, frame.origin(node))
    parts: list[Part] = []
    newlines = 0
    for value in node.values:
        line = min(start.line + newlines, max(start.end_line, start.line))
        here = Origin(start.path, line, start.column if not newlines else 1, start.end_line)
        if isinstance(value, ast.Constant):
            parts.append(Part(str(value.value), here, (), fresh_id()))
            newlines += str(value.value).count("\n")
        elif isinstance(value, ast.FormattedValue):
            inner = evaluate(frame, value.value)
            parts.extend(strings.parts_of(inner, here, value.conversion == ord("r")))
    text = Text(tuple(parts))
    remember(frame, text)
    return text


def remember(frame: Frame, text: Text) -> None:
    """Keep a string that may hold a command, an environment or a program."""
    plain = text.skeleton()
    if len(plain) > 8 and ("--" in plain or "METAFLOW_" in plain or "\n" in plain):
        frame.vm.texts.append((text, snapshot(frame, [text]), frame.function))


def _item(frame: Frame, node: ast.expr) -> Item:
    return Item(evaluate(frame, node), frame.origin(node), (), fresh_id())


def _display(frame: Frame, nodes: Sequence[ast.expr]) -> tuple[Item, ...]:
    items: list[Item] = []
    for node in nodes:
        if isinstance(node, ast.Starred):
            items.extend(elements(frame, evaluate(frame, node.value), frame.origin(node)))
        else:
            items.append(_item(frame, node))
    return tuple(items)


def _dict(frame: Frame, node: ast.Dict) -> Value:
    found: list[Entry] = []
    for key, value in zip(node.keys, node.values, strict=True):
        if key is None:
            found.extend(entries(frame, evaluate(frame, value), frame.origin(value)))
        else:
            name, computed = evaluate(frame, key), evaluate(frame, value)
            found.append(Entry(name, computed, frame.origin(key), (), fresh_id()))
    return frame.new(MapCell(tuple(found), frame.origin(node)))


def _dict_comp(frame: Frame, node: ast.DictComp) -> Value:
    found: list[Entry] = []

    def add() -> None:
        key = evaluate(frame, node.key)
        value = evaluate(frame, node.value)
        found.append(Entry(key, value, frame.origin(node), (), fresh_id()))

    _comprehend(frame, node.generators, add, found)
    return frame.new(MapCell(tuple(found), frame.origin(node)))


def _comprehend(
    frame: Frame,
    generators: list[ast.comprehension],
    emit: Callable[[], object],
    found: list[_Element],
) -> None:
    """Run *emit* for each element; what it added gets the conditions it was added under."""
    first, rest = generators[0], generators[1:]
    iterated = evaluate(frame, first.iter)
    items = elements(frame, iterated)
    if len(items) > 64:
        items = [Item(Unknown(names_in(iterated)), frame.origin(first.iter), many=True)]
    saved = dict(frame.state.env)
    names = {n.id for n in ast.walk(first.target) if isinstance(n, ast.Name)}
    fresh = names - frame.loop_names
    for item in items:
        conds: Conds = item.conds
        if item.many:
            conds = (*conds, Cond(source(first.iter), True, "loop"))
        else:
            frame.loop_names |= fresh
        assign.assign(frame, first.target, item.value)
        wanted = True
        for test in first.ifs:
            verdict = decide(frame, test)
            if verdict is False:
                wanted = False
                break
            if verdict is None:
                conds = (*conds, frame.vm.condition(frame, test))
        if wanted:
            before = len(found)
            if rest:
                _comprehend(frame, rest, emit, found)
            else:
                emit()
            for position in range(before, len(found)):
                found[position] = found[position].under(conds)
        frame.loop_names -= fresh
    frame.state.env = saved


def binary(frame: Frame, node: ast.AST, op: ast.operator, left: Value, right: Value) -> Value:
    """``left <op> right``."""
    origin = frame.origin(node)
    if isinstance(op, ast.Add):
        if _is_list(frame, left) or _is_list(frame, right):
            cells = [c for c in (frame.cell(left), frame.cell(right)) if isinstance(c, ListCell)]
            items = (
                *elements(frame, left, left_origin(left, origin)),
                *elements(frame, right, left_origin(right, origin)),
            )
            kind = cells[0].kind if cells else "list"
            return frame.new(ListCell(items[:2000], kind, origin))
        if isinstance(left, Text) or isinstance(right, Text):
            text = strings.concatenate([left, right], origin)
            remember(frame, text)
            return text
    if isinstance(op, ast.Mod) and isinstance(left, Text):
        text = strings.format_percent(left, _percent_argument(frame, right), origin)
        remember(frame, text)
        return text
    if isinstance(op, ast.BitOr) and any(isinstance(frame.cell(v), MapCell) for v in (left, right)):
        merged = (*entries(frame, left, origin), *entries(frame, right, origin))
        return frame.new(MapCell(tuple(merged), origin))
    if isinstance(op, ast.Mult) and isinstance(left, Text) and integer(right) is not None:
        times = integer(right) or 0
        if 0 <= times <= 20:
            return Text(left.parts * times)
    if isinstance(op, ast.Mult) and isinstance(frame.cell(left), ListCell):
        return left
    a, b = integer(left), integer(right)
    if a is not None and b is not None and isinstance(op, ast.Add | ast.Sub | ast.Mult):
        result = a + b if isinstance(op, ast.Add) else a - b if isinstance(op, ast.Sub) else a * b
        if abs(result) < 10**12:
            return Const(result, origin)
    return Unknown(names_in(left) | names_in(right), "computed", origin)


def left_origin(value: Value, fallback: Origin) -> Origin:
    if isinstance(value, Unknown | Const) and value.origin is not None:
        return value.origin
    return fallback


def _is_list(frame: Frame, value: Value) -> bool:
    return any(isinstance(frame.cell(v), ListCell) for _, v in options_of(value))


def _percent_argument(frame: Frame, right: Value) -> Callable[[str | int], Value]:
    cell = frame.cell(right)

    def answer(key: str | int) -> Value:
        if isinstance(key, str):
            return lookup_key(frame, right, key)
        if isinstance(cell, ListCell) and cell.kind == "tuple":
            plain = not any(i.many for i in cell.items)
            if plain and key < len(cell.items):
                return cell.items[key].value
            return Unknown(names_in(right), "a formatted value")
        return right if key == 0 else Unknown(names_in(right), "a formatted value")

    return answer


def _bool_op(frame: Frame, node: ast.BoolOp) -> Value:
    """``a or b``, ``a and b``: one of the operands."""
    is_or = isinstance(node.op, ast.Or)
    values: list[tuple[Conds, Value]] = []
    conds: Conds = ()
    for position, operand in enumerate(node.values):
        value = evaluate(frame, operand)
        known = strings.truth(value)
        last = position == len(node.values) - 1
        cond = Cond(source(operand), True, "if")
        if last or known is is_or:
            values.append((conds, value))
            break
        if known is (not is_or):
            continue
        # "x and [...]": x itself is only the result when it is empty.
        if is_or:
            values.append(((*conds, cond), value))
        conds = (*conds, cond.negated() if is_or else cond)
    if len(values) == 1 and is_or:
        return values[0][1]
    if not is_or:
        value = values[-1][1]
        return Alt(((conds, value), ((conds[0].negated(),), Const(None)))) if conds else value
    result = values[0][1]
    for extra_conds, value in values[1:]:
        result = merge_values(result, values[0][0], value, extra_conds)
    return result


def _subscript(frame: Frame, node: ast.Subscript) -> Value:
    base = evaluate(frame, node.value)
    if isinstance(node.slice, ast.Slice):
        cell = frame.cell(base)
        if isinstance(cell, ListCell):
            return _slice(frame, cell, node.slice)
        return Unknown(names_in(base), "a slice", frame.origin(node))
    key = evaluate(frame, node.slice)
    cell = frame.cell(base)
    number = integer(key)
    if isinstance(cell, ListCell) and number is not None:
        plain = not any(i.many or i.conds for i in cell.items)
        if plain and -len(cell.items) <= number < len(cell.items):
            return cell.items[number].value
    if isinstance(cell, MapCell) and key_of(key) is not None:
        return lookup_key(frame, base, key_of(key) or "")
    names = names_in(base) | names_in(key)
    literal = key_of(key)
    if literal is not None:
        names |= {literal}
    return Unknown(names, "an element", frame.origin(node))


def _slice(frame: Frame, cell: ListCell, node: ast.Slice) -> Value:
    low = integer(evaluate(frame, node.lower)) if node.lower else None
    high = integer(evaluate(frame, node.upper)) if node.upper else None
    unclear = (node.lower and low is None) or (node.upper and high is None) or node.step
    if unclear or any(i.many or i.conds for i in cell.items):
        items = [replace(i, conds=both((Cond("slice", True, "if"),), i.conds)) for i in cell.items]
        return frame.new(replace(cell, items=tuple(items)))
    return frame.new(replace(cell, items=cell.items[low:high]))


def lookup_key(frame: Frame, mapping: Value, key: str) -> Value:
    """``mapping[key]`` for a literal key."""
    cell = frame.cell(mapping)
    if not isinstance(cell, MapCell):
        return Unknown(names_in(mapping) | {key}, "looked up in something unknown")
    result: Value | None = None
    names: frozenset[str] = frozenset({key})
    for entry in cell.entries:
        name = key_of(entry.key)
        if name == key:
            result = (
                entry.value
                if result is None or not entry.conds
                else merge_values(result, (), entry.value, entry.conds)
            )
        elif name is None:
            names |= names_in(entry.value) | names_in(entry.key)
    return result if result is not None else Unknown(names, "a key that is not known")


def elements(frame: Frame, value: Value, origin: Origin | None = None) -> list[Item]:
    """What iterating *value* gives; one ``many`` item when that is not known."""
    where = origin or Origin(frame.module.path, 1, 1, 1)
    match value:
        case Alt(options=options):
            return [i.under(conds) for conds, v in options for i in elements(frame, v, origin)]
        case Const(value=None):
            return []
        case Text() if value.literal() == "":
            return []
        case Ref():
            cell = frame.cell(value)
            if isinstance(cell, ListCell):
                return list(cell.items)
            if isinstance(cell, MapCell):
                return [
                    Item(e.key, e.origin, e.conds, fresh_id())
                    if e.key is not None
                    else Item(e.value, e.origin, e.conds, fresh_id(), many=True)
                    for e in cell.entries
                ]
        case _:
            pass
    if not isinstance(value, Unknown):
        value = Unknown(names_in(value), "not a list that could be followed", where)
    return [Item(value, value.origin or where, (), fresh_id(), many=True)]


def entries(frame: Frame, value: Value, origin: Origin) -> list[Entry]:
    """The entries of a mapping, or of a list of pairs."""
    cell = frame.cell(value)
    if isinstance(cell, MapCell):
        return list(cell.entries)
    if isinstance(value, Alt):
        return [e.under(c) for c, v in value.options for e in entries(frame, v, origin)]
    if isinstance(value, Const):
        return []
    if isinstance(cell, ListCell):
        pairs: list[Entry] = []
        for item in cell.items:
            pair = frame.cell(item.value)
            if isinstance(pair, ListCell) and len(pair.items) == 2 and not item.many:
                key, held = pair.items[0].value, pair.items[1].value
                pairs.append(Entry(key, held, item.origin, item.conds, fresh_id()))
            else:
                pairs.append(Entry(None, item.value, item.origin, item.conds, fresh_id()))
        return pairs
    unknown = value if isinstance(value, Unknown) else Unknown(names_in(value), "", origin)
    return [Entry(None, unknown, origin, (), fresh_id())]


def integer(value: Value) -> int | None:
    if isinstance(value, Const) and type(value.value) is int:
        return value.value
    return None


def decide(frame: Frame, test: ast.expr) -> bool | None:
    """Whether *test* holds, when that is certain."""
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            inner = decide(frame, operand)
            return None if inner is None else not inner
        case ast.BoolOp(op=op, values=values):
            answers = [decide(frame, v) for v in values]
            if isinstance(op, ast.And):
                return False if False in answers else None if None in answers else True
            return True if True in answers else None if None in answers else False
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return _compare(frame, op, evaluate(frame, left), evaluate(frame, right))
        case ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"):
            return False
        case _:
            value = evaluate(frame, test)
            cell = frame.cell(value)
            if isinstance(cell, ListCell | MapCell):
                size = cell.items if isinstance(cell, ListCell) else cell.entries
                certain = [e for e in size if not e.conds and not getattr(e, "many", False)]
                return True if certain else (False if not size else None)
            if isinstance(cell, ObjectCell) or isinstance(value, Function | Class | ModuleValue):
                return None
            return strings.truth(value)


def _compare(frame: Frame, op: ast.cmpop, left: Value, right: Value) -> bool | None:
    if isinstance(op, ast.In | ast.NotIn):
        key = key_of(left)
        items = elements(frame, right)
        known = [key_of(i.value) for i in items]
        if key is None or any(i.many or i.conds for i in items) or None in known:
            return None
        return (key in known) is isinstance(op, ast.In)
    a, b = _plain(left), _plain(right)
    if a is None or b is None:
        none = Const(None)
        if isinstance(op, ast.Is | ast.IsNot) and isinstance(right, Const):
            solid = isinstance(left, Text | Ref | Function | Class)
            if solid and right.value == none.value:
                return isinstance(op, ast.IsNot)
        return None
    same = type(a[0]) is type(b[0]) and a[0] == b[0]
    if isinstance(op, ast.Eq | ast.Is):
        return same
    if isinstance(op, ast.NotEq | ast.IsNot):
        return not same
    return None


def _plain(value: Value) -> tuple[object] | None:
    if isinstance(value, Const):
        return (value.value,)
    literal = key_of(value)
    return (literal,) if literal is not None else None


def _yield(frame: Frame, value: Value, node: ast.expr, many: bool) -> None:
    if frame.yields is None:
        return
    ref = Ref(frame.yields)
    cell = frame.cell(ref)
    if isinstance(cell, ListCell):
        origin = frame.origin(node)
        new = elements(frame, value, origin) if many else [Item(value, origin, (), fresh_id())]
        frame.store(ref, replace(cell, items=(*cell.items, *new)[:2000]))


def record(
    frame: Frame,
    kind: str,
    name: str,
    receiver: Value | None,
    node: ast.AST,
    args: Sequence[Value],
    kwargs: Sequence[tuple[str, Value, Conds, Origin]] = (),
) -> None:
    """Remember something that a rule may ask about."""
    from metaflow_orchestrator_kit.validate.model.interpreter import Event

    origin = frame.origin(node)
    items = tuple(Item(a, origin) for a in args)
    frame.vm.events.append(
        Event(
            kind,
            name,
            receiver,
            items,
            tuple(kwargs),
            origin,
            frame.function,
            frame.state.path,
            snapshot(frame, [*args, *(v for _, v, _, _ in kwargs)]),
        )
    )


def snapshot(frame: Frame, values: Sequence[Value]) -> dict[int, Cell]:
    """The cells that *values* reach, as they are now."""
    cells: dict[int, Cell] = {}
    waiting = list(values)
    while waiting and len(cells) < 500:
        match waiting.pop():
            case Text(parts=parts):
                waiting.extend(p.content for p in parts if not isinstance(p.content, str))
            case Alt(options=options):
                waiting.extend(v for _, v in options)
            case Ref(cell=number) as ref if number not in cells:
                cell = frame.cell(ref)
                if cell is None:
                    continue
                cells[number] = cell
                if isinstance(cell, ListCell):
                    waiting.extend(i.value for i in cell.items)
                elif isinstance(cell, MapCell):
                    waiting.extend(e.value for e in cell.entries)
            case _:
                pass
    return cells
