"""How much of a large net's data an instrument looks at, so that it ends soon where nothing else is asked."""

from deltaplan.plugins.api import Subject

MOST = 5e11  # operations: some ten seconds of machine code
FEW = 10  # samples


def affordable(subject: Subject, evaluations: float, usual: int | None = None, part: str = "train") -> int:
    """The samples on which so many evaluations of the loss take few operations: the usual number, or all,
    where that is possible."""
    problem = subject.problem_on(part)
    each = max(1.0, evaluations * problem.operations / problem.samples)
    return min(problem.samples, usual or problem.samples, max(FEW, int(MOST / each)))


def told(subject: Subject, samples: int, part: str = "train") -> tuple[str, ...]:
    """In words, where it is not all of them."""
    whole = subject.problem_on(part).samples
    return () if samples == whole else (f"on {samples:,} of the {whole:,} samples of `{part}`",)
