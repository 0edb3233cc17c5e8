"""Pictures as SVG text: no library, equal bytes for equal numbers, readable on light and dark pages."""

from deltaplan.runtime.svg.curves import fit, loss_curve

__all__ = ["fit", "loss_curve"]
