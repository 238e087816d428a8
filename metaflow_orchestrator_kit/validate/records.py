"""Small classes of named values, and patterns, that cost next to nothing until they are used.

``dataclasses`` imports ``inspect`` and compiles six functions for each class, and a frozen one
sets every field through ``object.__setattr__``: with some sixty classes, of which a run makes
hundreds of thousands of objects, that was a tenth of a run before it began. A record compiles one
piece of source for each class, and the type checker alone keeps its fields from being set.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform
else:

    def dataclass_transform(**_known: object) -> Callable[[Any], Any]:
        return lambda decorator: decorator


T = TypeVar("T")


class _Made:
    """What a field holds in a new record when nothing else is given."""

    def __init__(self, factory: Callable[[], object]) -> None:
        self.factory = factory


def field(*, default_factory: Callable[[], T]) -> T:
    """A field that starts as what the factory answers."""
    return cast("T", _Made(default_factory))


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(*, frozen: bool = True, eq: bool = True) -> Callable[[type[T]], type[T]]:
    """A class with a slot for each annotated field, in this order.

    Records are equal when their class and fields are, unless *eq* is false; ``frozen`` ones can
    be hashed. Methods that the class has itself are kept.
    """

    def make(cls: type[T]) -> type[T]:
        held = dict(vars(cls))
        own = [n for n, t in cls.__annotations__.items() if not str(t).startswith("ClassVar")]
        names = (*getattr(cls, "__match_args__", ()), *own)
        given = {**getattr(cls, "__given__", {}), **{n: held.pop(n) for n in own if n in held}}
        held.pop("__dict__", None)
        held.pop("__weakref__", None)
        held |= {"__slots__": tuple(own), "__match_args__": names, "__given__": given}
        for name, function in _methods(names, given, frozen, eq).items():
            held.setdefault(name, function)
        kind: Any = type(cls)
        made: type[T] = kind(cls.__name__, cls.__bases__, held)
        made.__qualname__ = cls.__qualname__
        return made

    return make


def _methods(
    names: tuple[str, ...], given: dict[str, object], frozen: bool, eq: bool
) -> dict[str, Any]:
    scope: dict[str, Any] = {}
    arguments: list[str] = []
    body: list[str] = []
    for name in names:
        value = name
        if name in given:
            scope[f"given_{name}"] = given[name]
            arguments.append(f"{name}=given_{name}")
            kept = given[name]
            if isinstance(kept, _Made):
                scope[f"make_{name}"] = kept.factory
                value = f"make_{name}() if {name} is given_{name} else {name}"
        else:
            arguments.append(name)
        body.append(f"    self.{name} = {value}")
    mine, theirs = ("(" + "".join(f"{who}.{n}, " for n in names) + ")" for who in ("self", "other"))
    lines = [f"def __init__(self, {', '.join(arguments)}):", *body]
    if eq:
        lines += [
            "def __eq__(self, other):",
            "    if other is self: return True",
            "    if other.__class__ is not self.__class__: return NotImplemented",
            f"    return {mine} == {theirs}",
        ]
        if frozen:
            lines += ["def __hash__(self):", f"    return hash({mine})"]
    exec("\n".join(lines), scope)
    return {
        "__repr__": _repr,
        **{n: scope[n] for n in ("__init__", "__eq__", "__hash__") if n in scope},
    }


def _repr(self: Any) -> str:
    fields = ", ".join(f"{n}={getattr(self, n)!r}" for n in self.__match_args__)
    return f"{type(self).__qualname__}({fields})"


def as_dict(made: Any) -> dict[str, Any]:
    """The fields of a record by name."""
    return {name: getattr(made, name) for name in made.__match_args__}


def replace(made: T, **changes: Any) -> T:
    """The same record with other values in these fields."""
    kept = {name: getattr(made, name) for name in made.__match_args__}  # type: ignore[attr-defined]
    kept.update(changes)
    return made.__class__(**kept)


class _Pattern:
    """A regular expression that is compiled when it is first used, and then is as fast as any."""

    def __init__(self, source: str, flags: int) -> None:
        self.given = source, flags

    def __getattr__(self, name: str) -> Any:
        compiled = re.compile(*self.given)
        if not name.startswith("__"):
            for method in ("search", "match", "fullmatch", "findall", "finditer", "split", "sub"):
                setattr(self, method, getattr(compiled, method))
        return getattr(compiled, name)


def regex(source: str, flags: int = 0) -> re.Pattern[str]:
    """``re.compile``, later: most rules meet nothing that they need theirs for."""
    return cast("re.Pattern[str]", _Pattern(source, flags))
