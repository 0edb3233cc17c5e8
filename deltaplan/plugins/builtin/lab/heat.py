"""A matrix as a picture of its entries."""

from typing import Any

from deltaplan.plugins.builtin.lab.singular import Matrix


def heat(axes: Any, matrix: Matrix, before: str, after: str, entries: str) -> None:
    """Purple entries are positive, orange ones negative, white is 0. The words say what goes in, what comes
    out, and what an entry is."""
    limit = float(abs(matrix).max()) or 1.0
    image = axes.imshow(matrix, cmap="PuOr", vmin=-limit, vmax=limit, aspect="auto", interpolation="nearest")
    axes.figure.colorbar(image, ax=axes, label=entries)
    axes.set(xlabel=before, ylabel=after)
    axes.grid(False)
