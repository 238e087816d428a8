"""The contract of a Metaflow orchestrator extension, and the tools that hold one to it.

Importing this package imports neither Metaflow nor pytest: an extension's declaration,
and a continuous-integration script, can afford it anywhere.
"""

from metaflow_orchestrator_kit.capabilities import OPTIONAL, REQUIRED, Cap

__all__ = ["OPTIONAL", "REQUIRED", "Cap", "__version__"]
__version__ = "0.2.0"
