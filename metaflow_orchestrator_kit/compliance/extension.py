"""Looks at the installed extension through Metaflow, without knowing anything of its code.

Importing this module imports no Metaflow; calling its functions does.
"""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from metaflow_orchestrator_kit.compliance import declaration


@dataclass(frozen=True, slots=True)
class Extension:
    """An extension, as far as it can be seen from outside."""

    type: str
    """``DeployerImpl.TYPE``, which is also the name of the command group."""
    module: str
    distribution: str | None
    declared: tuple[str, ...] | None
    """Its ``SUPPORTED_CAPABILITIES``; None when it declares nothing."""
    metaflow: str
    notes: dict[str, str] = field(default_factory=dict)
    """Its ``CAPABILITY_NOTES``: how far a capability is supported, or why not."""
    unreachable: dict[str, str] = field(default_factory=dict)
    """Its ``UNREACHABLE``: settings under which there is no scheduler to be found."""

    @property
    def method(self) -> str:
        """The name of the method of ``Deployer``."""
        return self.type.replace("-", "_")


class WrongDeclaration(Exception):
    """The extension's notes on its capabilities cannot be read; the message says which."""


class NoSuchExtension(Exception):
    """No installed deployer has that type; the message says which ones there are."""


def find(scheduler_type: str) -> Extension:
    """The installed extension of that type; hyphens and underscores are the same.

    Raises:
        NoSuchExtension: there is none.
        WrongDeclaration: its CAPABILITY_NOTES or UNREACHABLE are none.
    """
    import metaflow  # noqa: F401  # the plugins need it to be complete
    from metaflow.plugins import DEPLOYER_IMPL_PROVIDERS

    wanted = scheduler_type.replace("-", "_")
    types = {provider.TYPE: provider for provider in DEPLOYER_IMPL_PROVIDERS}
    for name, provider in types.items():
        if name.replace("-", "_") == wanted:
            declared = _declared(provider)
            return Extension(
                type=name,
                module=provider.__module__,
                distribution=_distribution(provider.__module__),
                declared=declared,
                notes=_notes(provider, declared or ()),
                unreachable=_unreachable(provider),
                metaflow=importlib.metadata.version("metaflow"),
            )
    raise NoSuchExtension(f"Metaflow knows the deployers {', '.join(sorted(types)) or 'none'}.")


def _declared(provider: type) -> tuple[str, ...] | None:
    """The declaration: in the module of the deployer class, or an attribute of the class."""
    value = _constant(provider, "SUPPORTED_CAPABILITIES")
    return None if value is None else tuple(str(getattr(item, "name", item)) for item in value)


def _notes(provider: type, declared: tuple[str, ...]) -> dict[str, str]:
    notes = _constant(provider, declaration.NAME)
    if notes is None:
        return {}
    wrong = declaration.problems(notes, declared)
    if wrong:
        raise WrongDeclaration(f"{provider.__module__}: {'; '.join(wrong.values())}.")
    return dict(notes)


def _unreachable(provider: type) -> dict[str, str]:
    found = _constant(provider, declaration.UNREACHABLE)
    if found is None:
        return {}
    wrong = declaration.unreachable_problem(found)
    if wrong:
        raise WrongDeclaration(f"{provider.__module__}: {wrong}.")
    return dict(found)


def _constant(provider: type, name: str) -> Any:
    for place in (provider, sys.modules.get(provider.__module__)):
        value = getattr(place, name, None)
        if value is not None:
            return value
    return None


def _distribution(module: str) -> str | None:
    """``name version`` of the distribution that ships a module, when its files say so."""
    file = getattr(sys.modules.get(module), "__file__", None)
    if not module.startswith("metaflow_extensions.") or file is None:
        return None
    package = module.split(".")[1]
    for distribution in importlib.metadata.distributions():
        top = distribution.read_text("top_level.txt") or ""
        if "metaflow_extensions" not in top.split():
            continue
        name = distribution.metadata["Name"] or ""
        shipped = {part.parts[1] for part in distribution.files or () if len(part.parts) > 2}
        if package in shipped or name.replace("-", "_").endswith(package):
            return f"{name} {distribution.version}"
    return None


def split_deploy_args(
    scheduler_type: str, given: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The user's deploy arguments as keywords of the deployer, and of ``create()``.

    Metaflow's own suite hands all of them to ``create()``. So do we, except for those that
    only the command group knows. Text is converted to the type of its option.
    """
    from metaflow.cli import start

    group = start.get_command(None, scheduler_type)
    create = group.commands.get("create") if group is not None else None
    of_group = {option.name: option for option in getattr(group, "params", ())}
    of_create = {option.name: option for option in getattr(create, "params", ())}
    deployer: dict[str, Any] = {}
    creation: dict[str, Any] = {}
    for key, value in given.items():
        name = key.replace("-", "_")
        if name not in of_create and name in of_group:
            deployer[name] = _typed(of_group[name], value)
        else:
            creation[name] = _typed(of_create.get(name), value)
    return deployer, creation


def _typed(option: Any, value: Any) -> Any:
    if option is None or not isinstance(value, str):
        return value
    if getattr(option, "is_flag", False):
        return value.strip().lower() in ("1", "true", "yes", "on")
    try:
        converted = option.type.convert(value, option, None)
    except Exception:  # a custom type may raise anything: Metaflow's own message is better
        return value
    return [converted] if option.multiple else converted
