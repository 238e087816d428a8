"""Failures that an author knows of: a file that keeps a red suite honest while it is repaired."""
