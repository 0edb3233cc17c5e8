"""The compiled stages as text: functions from an experiment and its plans to a string."""

from deltaplan.compiler.printers.letters import ascii
from deltaplan.compiler.printers.plan import plan_text
from deltaplan.compiler.printers.summary import summary, summary_data

__all__ = ["ascii", "plan_text", "summary", "summary_data"]
