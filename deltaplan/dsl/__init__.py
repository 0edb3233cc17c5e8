"""Text to tree and back. Importing it is cheap: the parser is built when the first text is read."""

from deltaplan.dsl.limits import Limits, read
from deltaplan.dsl.outline import tree_text
from deltaplan.dsl.parse import parse
from deltaplan.dsl.printer import line_text, spec_text, value_text

__all__ = ["Limits", "line_text", "parse", "read", "spec_text", "tree_text", "value_text"]
