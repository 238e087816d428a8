"""Observes scenarios in a process of its own: see :mod:`.main`."""
