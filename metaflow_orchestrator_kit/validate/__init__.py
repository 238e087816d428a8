"""Reads an orchestrator extension, without importing it, and names the clauses that it breaks."""
