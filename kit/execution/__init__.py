"""Runs a plan: executor, reproduction, parts of it, progress."""
