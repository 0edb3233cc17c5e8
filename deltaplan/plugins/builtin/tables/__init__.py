"""Readers of the built-in data sources: a file to named columns."""
