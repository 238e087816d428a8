"""``python -m metaflow_orchestrator_kit.compliance.lab FOLDER LOCK``, started by the plugin."""

import sys

from metaflow_orchestrator_kit.compliance.lab.main import run

run(sys.argv[1], int(sys.argv[2]))
