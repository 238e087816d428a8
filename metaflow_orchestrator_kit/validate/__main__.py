"""``python -m metaflow_orchestrator_kit.validate``."""

import sys

from metaflow_orchestrator_kit.validate.cli import main

sys.exit(main())
