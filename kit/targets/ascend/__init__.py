"""Ascend 310 and 310P with CANN."""
