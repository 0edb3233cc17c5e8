"""A starter spec for a csv file: looks at its columns, chooses the problem, writes the text."""

from deltaplan.runtime.starter.columns import Findings, look_at
from deltaplan.runtime.starter.text import starter_text

__all__ = ["Findings", "look_at", "starter_text"]
