"""The file that the runner writes and every pytest process of the suite reads.

It is Metaflow's own ``ux_test_config.yaml`` with one backend, and a section of the kit's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml

from metaflow_orchestrator_kit.capabilities import parse_all
from metaflow_orchestrator_kit.compliance.case import Need
from metaflow_orchestrator_kit.compliance.foreign import every_case
from metaflow_orchestrator_kit.compliance.generated.cases import random_cases
from metaflow_orchestrator_kit.compliance.lab.settings import LabSettings
from metaflow_orchestrator_kit.compliance.select import Plan, select

VERSION = 1


class ConfigError(Exception):
    """A configuration file cannot be used; the message names the file and the key."""


@dataclass(frozen=True, slots=True)
class Backend:
    """One entry of ``backends`` in Metaflow's format."""

    name: str
    scheduler_type: str | None
    cluster: str | None = None
    decospec: str | None = None
    deploy_args: dict[str, Any] = field(default_factory=dict)
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Suite:
    """Everything that the pytest processes have to agree on."""

    backend: Backend
    directory: str
    token: str
    declared: list[str] | None = None
    requested: list[str] | None = None
    select: list[str] = field(default_factory=list)
    slots: int = 4
    timeout: float | None = None
    isolated: bool = True
    again: str = ""
    """The command that runs the suite, without ``--select``."""
    table: bool = True
    """Whether pytest's own summary shows the table."""
    random_flows: int = 0
    """How many flows of random shape are run, too."""
    large: bool = False
    """Whether cases that take long are run, too."""
    unreachable: dict[str, str] = field(default_factory=dict)
    """What cuts the scheduler off: variables, in capital letters, and deploy arguments."""
    tools: list[str] = field(default_factory=list)
    """Names of the needs that programs on this machine meet; see :mod:`.tools`."""
    seed: int = 0

    @property
    def results(self) -> Path:
        """Where verdicts are written as they come, one JSON object per line."""
        return Path(self.directory) / "results.jsonl"

    @property
    def flows(self) -> Path:
        """Where the random flows are written."""
        return Path(self.directory) / "random_flows"

    def plan(self) -> Plan:
        """What happens to every case."""
        requested = None if self.requested is None else parse_all(self.requested)
        cases = list(every_case())
        if self.random_flows:
            supported = select(self.declared, requested, cases).capabilities
            cases += random_cases(self.random_flows, self.seed, supported, self.flows)
        return select(self.declared, requested, cases, self.select, self._granted())

    def _granted(self) -> set[Need]:
        needs = {Need.LARGE: self.large, Need.UNREACHABLE: bool(self.unreachable)}
        here = {Need[name] for name in self.tools}
        return {need for need, given in needs.items() if given} | here

    def lab(self) -> LabSettings:
        """What the lab has to know."""
        assert self.backend.scheduler_type is not None
        return LabSettings(
            directory=self.directory,
            scheduler_type=self.backend.scheduler_type,
            token=self.token,
            deploy_args=self.backend.deploy_args,
            decospecs=[self.backend.decospec] if self.backend.decospec else [],
            slots=self.slots,
            timeout=self.timeout,
            isolated=self.isolated,
            unreachable=self.unreachable,
        )

    def save(self, file: Path) -> None:
        """Write the file."""
        section = asdict(self)
        backend = section.pop("backend")
        document = {"backends": [backend], "compliance": {"version": VERSION, **section}}
        file.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")

    @classmethod
    def load(cls, file: Path) -> Suite:
        """Read a file that :meth:`save` wrote.

        Raises:
            ConfigError: it was not, or by another version.
        """
        document = _document(file)
        section = document.get("compliance")
        if not isinstance(section, dict) or section.pop("version", None) != VERSION:
            raise ConfigError(
                f"{file}: no section 'compliance' with version {VERSION}; "
                "run metaflow-orchestrator-test, which writes it."
            )
        try:
            return cls(backend=read_backends(file)[0], **section)
        except TypeError as error:
            raise ConfigError(f"{file}: section 'compliance': {error}") from None


def read_backends(file: Path) -> list[Backend]:
    """The enabled backends that have a scheduler, in the order of the file.

    Raises:
        ConfigError: the file is not in Metaflow's format, or has no such backend.
    """
    entries = _document(file).get("backends")
    if not isinstance(entries, list) or not entries:
        raise ConfigError(f"{file}: 'backends' must be a list with at least one entry.")
    backends = [_backend(file, number, entry) for number, entry in enumerate(entries)]
    usable = [one for one in backends if one.enabled and one.scheduler_type]
    if not usable:
        raise ConfigError(f"{file}: no enabled backend has a scheduler_type.")
    return usable


def _backend(file: Path, number: int, entry: Any) -> Backend:
    place = f"{file}: backends[{number}]"
    if not isinstance(entry, Mapping):
        raise ConfigError(f"{place} must be a mapping with name and scheduler_type.")
    known = {item.name for item in fields(Backend)}
    unknown = sorted(set(map(str, entry)) - known)
    if unknown:
        raise ConfigError(
            f"{place}: unknown key '{unknown[0]}'; known: {', '.join(sorted(known))}."
        )
    values = {**entry, "deploy_args": entry.get("deploy_args") or {}}
    values.setdefault("scheduler_type", None)
    values.setdefault("name", values["scheduler_type"] or f"backend {number}")
    if not isinstance(values["deploy_args"], Mapping):
        raise ConfigError(f"{place}: deploy_args must be a mapping of names to values.")
    for key in ("scheduler_type", "cluster", "decospec"):
        if values.get(key) is not None and not isinstance(values[key], str):
            raise ConfigError(f"{place}: {key} must be text or null.")
    return Backend(**{**values, "deploy_args": dict(values["deploy_args"])})


def _document(file: Path) -> dict[str, Any]:
    try:
        document = yaml.safe_load(file.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read ({error.strerror}).") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"{file}: not valid YAML ({reason}).") from None
    if not isinstance(document, dict):
        raise ConfigError(f"{file}: must be a mapping with the key 'backends'.")
    return document
