"""The compiled stages as text: functions from an experiment and its plans to a string."""

from deltaplan.compiler.printers.graph_dot import graph_dot
from deltaplan.compiler.printers.graph_mermaid import graph_mermaid
from deltaplan.compiler.printers.graph_text import graph_text
from deltaplan.compiler.printers.plan import plan_text
from deltaplan.compiler.printers.summary import summary, summary_data
from deltaplan.diagnostics.letters import ascii

__all__ = ["ascii", "graph_dot", "graph_mermaid", "graph_text", "plan_text", "summary", "summary_data"]
