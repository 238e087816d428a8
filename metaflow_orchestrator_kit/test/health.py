"""What only a process with Metaflow can find out about an installation.

Importing this module imports no Metaflow; calling its functions does.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import io
import re
import sys
from pathlib import Path

_NAME = re.compile(r"[A-Za-z0-9._-]+")

_PLACE = "metaflow-orchestrator-kit-doctor/written"


def datastore_problem() -> str | None:
    """Why the configured datastore cannot be used; None when what is written can be read."""
    from metaflow import metaflow_config
    from metaflow.plugins import DATASTORES

    kind = metaflow_config.DEFAULT_DATASTORE
    try:
        storage_of = next(one for one in DATASTORES if kind == one.TYPE)
        root = storage_of.get_datastore_root_from_config(lambda *_, **__: None)
        storage = storage_of(root)
        storage.save_bytes(iter([(_PLACE, io.BytesIO(b"hello"))]), overwrite=True)
        with storage.load_bytes([_PLACE]) as loaded:
            read = [Path(file).read_bytes() for _, file, _ in loaded if file]
    except StopIteration:
        return f"Metaflow knows no datastore of the type '{kind}'."
    except Exception as error:  # every storage has errors of its own
        return f"{type(error).__name__}: {error}"
    if kind == "local":  # no folder there may look like a flow
        with contextlib.suppress(OSError):
            file = Path(root) / _PLACE
            file.unlink()
            file.parent.rmdir()
    return None if read == [b"hello"] else "What was written was not read again."


def sdk_loaded(distribution: str | None) -> list[str]:
    """Modules that an extension requires, Metaflow does not, and ``import metaflow`` loads.

    A task imports Metaflow, and with it the extension; there the scheduler's SDK need not be
    installed (clause A6).
    """
    if distribution is None:
        return []
    own = _required(distribution.split()[0]) - _required("metaflow") - {"metaflow"}
    loaded = {name.partition(".")[0] for name in sys.modules}
    providers = importlib.metadata.packages_distributions()
    return sorted(
        name for name in loaded if {_normal(one) for one in providers.get(name, ())} & own
    )


def _required(distribution: str) -> set[str]:
    """Names of what a distribution requires, itself and by others."""
    found: set[str] = set()
    waiting = [distribution]
    while waiting:
        name = waiting.pop()
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            for text in importlib.metadata.requires(name) or ():
                match = _NAME.match(text)
                if match and "extra ==" not in text and _normal(match[0]) not in found:
                    found.add(_normal(match[0]))
                    waiting.append(match[0])
    return found


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
