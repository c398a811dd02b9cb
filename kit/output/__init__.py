"""Formats for machines that several commands print: GitHub annotations, JUnit XML."""
