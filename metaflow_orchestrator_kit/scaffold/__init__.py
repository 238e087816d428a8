"""`metaflow-orchestrator-scaffold`: writes a complete, working extension to start from."""
