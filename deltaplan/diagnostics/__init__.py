"""Spans, diagnostics and their drawing: the ground floor."""

from deltaplan.diagnostics.diagnostic import (
    DeltaplanError,
    Diagnostic,
    Note,
    PluginError,
    Problems,
    SpecError,
    mistake,
)
from deltaplan.diagnostics.names import nearest
from deltaplan.diagnostics.render import as_data, in_order, render, render_all
from deltaplan.diagnostics.source import Source, Span

__all__ = [
    "DeltaplanError",
    "Diagnostic",
    "Note",
    "PluginError",
    "Problems",
    "Source",
    "Span",
    "SpecError",
    "as_data",
    "in_order",
    "mistake",
    "nearest",
    "render",
    "render_all",
]
