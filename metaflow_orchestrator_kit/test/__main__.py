"""``python -m metaflow_orchestrator_kit.test``."""

from metaflow_orchestrator_kit.test.cli import main

if __name__ == "__main__":
    main()
