"""What every part of the builder needs: the registry, the bounds, and the report that mistakes go into."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import field
from pathlib import Path
from typing import ParamSpec, TypeVar

from deltaplan.compiler.build.form import Form
from deltaplan.compiler.measured import Measured
from deltaplan.diagnostics import DeltaplanError, Diagnostic, Problems
from deltaplan.dsl.mistakes import TooManyMistakes
from deltaplan.plugins.registry import Registry
from deltaplan.records import dataclass

P = ParamSpec("P")
T = TypeVar("T")
MOST_MISTAKES = 100  # of one file


class Told(Exception):  # noqa: N818  the mistake is in the report
    """A mistake that is in the report already: what depends on it is left out in silence."""


class Overflow(Exception):  # noqa: N818  the same
    """A bound is reached, and told: nothing more of the model is expanded."""


@dataclass(frozen=True, slots=True)
class ExpansionLimits:
    """Bounds on what a spec may expand to, checked while it grows. `bytes` counts the parameters, their
    gradient and the values of one sample at 4 bytes each: what training needs at the very least."""

    layers: int = 10_000
    parameters: int = 100_000_000
    bytes: int = 4 << 30


@dataclass(frozen=True, slots=True)
class Context:
    """`folder` is where the paths of the spec begin; `incomplete` tells that a plugin or an import is lost,
    `unmeasured` that the data could not be measured, which is told."""

    registry: Registry
    limits: ExpansionLimits
    folder: Path
    problems: Problems
    forms: dict[tuple[str, str], Form] = field(default_factory=dict)  # by kind and name, made once
    incomplete: bool = False
    measured: Measured = field(default_factory=Measured)
    unmeasured: bool = False

    def refuse(self, mistake: Diagnostic) -> Told:
        """Puts the mistake into the report; raise what comes back to leave the thing out."""
        count = len(self.problems)
        if count < MOST_MISTAKES:
            self.problems.add(mistake)
        elif count == MOST_MISTAKES:
            self.problems.add(TooManyMistakes(limit=MOST_MISTAKES))
        return Told()

    def attempt(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """The result of a piece of work, or None where it met a mistake; the mistake is in the report."""
        with suppress(Told):
            try:
                return work(*args, **kwargs)
            except DeltaplanError as error:
                for mistake in error.diagnostics:
                    self.refuse(mistake)
        return None
