"""Targets: one folder for each kind of hardware with its toolchain."""
