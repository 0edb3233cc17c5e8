"""What a check found, and all that was found of one contribution."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from deltaplan.plugins.contracts import Contribution

State = Literal["passed", "failed", "warned", "skipped"]


@dataclass(frozen=True, slots=True)
class Result:
    """One check: how it ended, and in words the worst point, or why it was skipped."""

    check: str
    state: State
    found: str = ""


Check = Callable[[Contribution], Result]


@dataclass(frozen=True, slots=True)
class Report:
    """All checks of a contribution, in their order."""

    contribution: Contribution
    results: tuple[Result, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing failed; warnings do not count."""
        return not any(result.state == "failed" for result in self.results)

    @property
    def title(self) -> str:
        return f"{self.contribution.kind} {self.contribution.name}"

    def __str__(self) -> str:
        lines = (f"  {r.check}: {r.state}{f', {r.found}' if r.found else ''}" for r in self.results)
        return "\n".join([self.title, *lines])
