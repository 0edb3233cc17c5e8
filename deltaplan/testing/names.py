"""Names, and what is said of a contribution."""

from deltaplan.plugins.contracts import Contribution
from deltaplan.plugins.loader import builtin_registry
from deltaplan.testing.report import Result

LONGEST = 120  # letters of the docstring's first line, which `plugins list` shows


def check_names(contribution: Contribution) -> Result:
    """No built-in of its kind has the name; parameters have names that a spec can hold (decorators see to
    that)."""
    known = builtin_registry().entries.get(contribution.kind, {}).get(contribution.name)
    if known is not None and known != contribution:
        return Result("names", "failed", f"the {known.kind} `{known.name}` comes with deltaplan")
    return Result("names", "passed")


def check_docstring(contribution: Contribution) -> Result:
    """Its first line says what it is."""
    first = contribution.doc.strip().partition("\n")[0]
    if not first:
        return Result("docstring", "failed", "it has none: write the formula and where it comes from")
    if len(first) > LONGEST:
        return Result("docstring", "warned", f"its first line has {len(first)} letters, more than {LONGEST}")
    return Result("docstring", "passed")


def check_manifest(contribution: Contribution) -> Result:
    """That of its plugin, which was read and compared with the module when that was loaded."""
    owner = contribution.owner
    return Result("manifest", "passed", f"{owner.plugin} {owner.version} says what the module contributes")
