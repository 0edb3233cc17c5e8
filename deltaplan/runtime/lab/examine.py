"""`deltaplan.examine`: an analysis by its name, on runs and specs."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from deltaplan.compiler.experiment import Experiment
from deltaplan.diagnostics import DeltaplanError, Diagnostic, mistake, nearest
from deltaplan.plugins.contracts import Analysis, Unfit, Value
from deltaplan.plugins.examining import Findings, Picture
from deltaplan.plugins.loader import builtin_registry
from deltaplan.plugins.registry import Registry
from deltaplan.runtime.lab.subject import Subject, subject_of_run, subject_of_spec
from deltaplan.runtime.run import Run, open_
from deltaplan.runtime.session import experiment_of
from deltaplan.runtime.threads import blas_threads

Target = Run | Experiment | str | os.PathLike[str]


@mistake
class NoSuchAnalysis(Diagnostic):
    code: ClassVar[str] = "no-such-analysis"
    title: ClassVar[str] = "no analysis `{name}`"
    help: ClassVar[str] = "{mend}"
    name: str
    mend: str


@mistake
class NotExaminable(Diagnostic):
    code: ClassVar[str] = "not-examinable"
    title: ClassVar[str] = "`{analysis}` {what}"
    help: ClassVar[str] = "{mend}"
    analysis: str
    what: str
    mend: str


@dataclass(frozen=True, slots=True)
class Examination:
    """What `name` found in `subject`; see `Findings` for its parts. It draws itself."""

    name: str
    subject: str
    findings: Findings

    @property
    def arrays(self) -> Mapping[str, Any]:
        """The numbers behind it, by name."""
        return self.findings.arrays

    def draw(self, axes: Any, panel: int = 0) -> None:
        """One panel of the picture on matplotlib axes of one's own."""
        panels = self._picture.panels
        if not 0 <= panel < len(panels):
            raise _unexaminable(self.name, f"has no panel {panel}", f"it has {len(panels)}, counted from 0")
        panels[panel].draw(axes)

    def figure(self, dark: bool = False) -> Any:
        """The whole picture as a matplotlib figure. It needs the extra `lab`."""
        from deltaplan.runtime.lab.figures import figure_of

        return figure_of(self._picture, dark)

    def save(self, path: str | os.PathLike[str], dark: bool = False) -> Path:
        """The picture as a file, of the kind that its suffix names: svg, png or pdf."""
        from deltaplan.runtime.lab.figures import save_figure

        return save_figure(self._picture, Path(path), dark)

    @property
    def _picture(self) -> Picture:
        """DeltaplanError where there is none."""
        if self.findings.picture is None:
            raise _unexaminable(self.name, "has no picture here", "its numbers are in `arrays`")
        return self.findings.picture

    def __str__(self) -> str:
        return "\n".join(self.findings.says)


def examine(
    name: str,
    *targets: Target,
    x: Any = None,
    y: Any = None,
    seed: int | None = None,
    params: Mapping[str, Value] | None = None,
    registry: Registry | None = None,
    **options: Value,
) -> Examination:
    """Runs the analysis `name` on a run, the folder of one, an experiment or the path of a .dl file.

    `x` and `y` stand for the data, as for `train`; `seed` picks the parameters of a spec. The other keywords
    are the options of the analysis. DeltaplanError where there is no such analysis, where an option is none
    of its own or out of bounds, or where it cannot look at such a model.
    """
    contract = analysis_of(name, registry)
    given = checked_options(contract, options)
    subjects = [_subject(target, x, y, seed, params) for target in targets]
    return Examination(name, ", ".join(s.name for s in subjects), _examined(contract, subjects, given))


def analysis_of(name: str, registry: Registry | None = None) -> Analysis:
    """The analysis of that name, or an error with the nearest one."""
    registry = registry or builtin_registry()
    contract = registry.find("analysis", name)
    if contract is None:
        similar = nearest(name, registry.names("analysis"))
        mend = (
            f"similar name: `{similar}`" if similar else f"there are {', '.join(registry.names('analysis'))}"
        )
        raise DeltaplanError(NoSuchAnalysis(name=name, mend=mend))
    return contract


def checked_options(contract: Analysis, options: Mapping[str, Value]) -> dict[str, Value]:
    """Every option with its value, defaults put in."""
    known = {attribute.name: attribute for attribute in contract.attributes}
    for name, value in options.items():
        if name not in known:
            similar = nearest(name, known)
            mend = f"similar name: `{similar}`" if similar else f"it has {', '.join(known) or 'no options'}"
            raise _unfit(contract, f"has no option `{name}`", mend)
        if not known[name].allows(value):
            raise _unfit(contract, f"takes no `{name}={value}`", f"`{name}` is {known[name].condition}")
    missing = [a.name for a in contract.attributes if a.required and a.name not in options]
    if missing:
        raise _unfit(contract, f"needs `{missing[0]}`", known[missing[0]].condition)
    return {name: options.get(name, attribute.default) for name, attribute in known.items()}


def _examined(contract: Analysis, subjects: list[Subject], options: Mapping[str, Value]) -> Findings:
    if contract.trained and not all(subject.trained for subject in subjects):
        raise _unfit(contract, "looks at runs, and this is a spec", "train it first: `deltaplan train`")
    if not contract.several and len(subjects) != 1:
        raise _unfit(contract, f"looks at one model, not at {len(subjects)}", "name one run or spec")
    if not subjects:
        raise _unfit(contract, "looks at runs or specs, and none is named", "name one or more")
    try:
        with blas_threads():
            return contract.examine(tuple(subjects) if contract.several else subjects[0], **options)
    except Unfit as fault:
        raise _unfit(contract, fault.message, fault.help) from None


def _unfit(contract: Analysis, what: str, mend: str) -> DeltaplanError:
    return _unexaminable(contract.name, what, mend)


def _unexaminable(name: str, what: str, mend: str) -> DeltaplanError:
    return DeltaplanError(NotExaminable(analysis=name, what=what, mend=mend))


def _subject(target: Target, x: Any, y: Any, seed: int | None, params: Mapping[str, Value] | None) -> Subject:
    if isinstance(target, Run):
        return subject_of_run(target, x, y)
    if isinstance(target, str | os.PathLike) and Path(target).is_dir():
        return subject_of_run(open_(target), x, y)
    return subject_of_spec(experiment_of(target, params, x, y), seed, x, y)
