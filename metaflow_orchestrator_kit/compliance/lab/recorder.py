"""Keeps what deployer commands write to their attribute file, on its way to Metaflow."""

from __future__ import annotations

import json
from typing import Any

_contents: list[str] = []


def install() -> None:
    """Listen to Metaflow's own reading of the file; before any extension imports it."""
    import metaflow.runner.deployer_impl as implementation
    import metaflow.runner.utils as utils

    read = utils.handle_timeout

    def handle_timeout(*arguments: Any, **keywords: Any) -> Any:
        content = read(*arguments, **keywords)
        _contents.append(content)
        return content

    utils.handle_timeout = handle_timeout
    implementation.handle_timeout = handle_timeout


def last() -> dict[str, Any]:
    """The object that was written last; empty when nothing was, or no object."""
    try:
        value = json.loads(_contents[-1])
    except (IndexError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
