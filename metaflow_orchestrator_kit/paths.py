"""Where the kit's data folders are, in a checkout and in an installed wheel."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def _data(name: str) -> Path:
    """A data folder: inside the wheel it sits under ``_data``, in a checkout beside the package.

    Raises:
        FileNotFoundError: neither place has it, so the installation is incomplete.
    """
    for candidate in (_PACKAGE / "_data" / name, _PACKAGE.parent / name):
        if candidate.is_dir():
            return candidate
    raise FileNotFoundError(
        f"The kit's '{name}' folder is missing from this installation; "
        "reinstall metaflow-orchestrator-kit."
    )


def templates() -> Path:
    """The folder that generated extensions are rendered from."""
    return _data("templates")


def compliance_flows() -> Path:
    """The folder of flows that the compliance suite deploys."""
    return _data("compliance_flows")
