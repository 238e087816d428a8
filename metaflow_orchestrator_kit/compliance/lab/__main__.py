"""``python -m metaflow_orchestrator_kit.compliance.lab FOLDER LOCK PARENT``; the plugin does."""

import sys

from metaflow_orchestrator_kit.compliance.lab.main import run

run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
