"""The plans of an experiment that is to be trained: kept from before, or made when they are asked for."""

from functools import cached_property
from typing import TYPE_CHECKING

from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.plans import Draw, Parameter, Plan, Plans, Statistic
from deltaplan.runtime.data.dataset import Dataset

if TYPE_CHECKING:
    from deltaplan.compiler.optimize import Update
    from deltaplan.runtime.kept import Kept, Place
    from deltaplan.runtime.native_loop import NativeLoop


class Prepared:
    """An experiment with its plans. What compiles is imported only where something is not kept."""

    def __init__(
        self,
        experiment: Experiment,
        plans: Plans | None = None,
        kept: "Kept | None" = None,
        place: "Place | None" = None,
    ) -> None:
        self.experiment, self.kept, self.place = experiment, kept, place
        self.made: NativeLoop | None = None  # compiled by this process
        self._plans = plans

    @property
    def plans(self) -> Plans:
        if self._plans is None:
            from deltaplan.compiler.plan import compile_plans

            self._plans = compile_plans(self.experiment)
        return self._plans

    @property
    def train(self) -> Plan | None:
        return self.plans.train

    @property
    def update(self) -> "Update | None":
        return self.plans.update

    @property
    def evaluate(self) -> Plan:
        """The outputs and the loss of each sample."""
        if self.kept:
            return self.kept.evaluate
        return self._plans.evaluate if self._plans else self._evaluate

    @cached_property
    def _evaluate(self) -> Plan:
        from deltaplan.compiler.plan import evaluate_plan

        return evaluate_plan(self.experiment.graph)

    @cached_property
    def raw(self) -> Plan:
        """Predictions as the model gives them, before the links of its losses."""
        if self.kept:
            return self.kept.raw
        from deltaplan.compiler.plan import predict_plan

        return predict_plan(self.experiment.graph, linked=False)

    @cached_property
    def draws(self) -> tuple[Draw, ...]:
        """How each block of θ begins."""
        if self.kept:
            return self.kept.draws
        from deltaplan.runtime.initial import draws_of

        return draws_of(self.experiment.graph)

    @property
    def blocks(self) -> tuple[Parameter | Statistic, ...]:
        """All that makes up a model's vector: θ, and the running statistics behind it."""
        trace = self.evaluate.trace
        return (*trace.parameters, *trace.statistics)

    def loop(self, dataset: Dataset) -> "NativeLoop":
        """The loop in machine code: the one that is kept, if it is for as many samples. NoScheduleError where
        there is no code for it."""
        if self.kept and fits(self.kept.loop, dataset):
            return self.kept.loop
        from deltaplan.runtime.native_code import native_loop

        self.made = native_loop(self.experiment, dataset, self.plans)
        return self.made

    def keep(self, dataset: Dataset) -> None:
        """Keeps what was compiled, where that has a place."""
        if self.place is None or self.made is None:
            return
        from deltaplan.runtime.kept import Kept, files_of, keep

        files = files_of(self.experiment, dataset.files)
        if files is not None:
            kept = Kept(self.experiment, self.draws, self.evaluate, self.raw, self.made, files)
            keep(self.place, kept)


def fits(loop: "NativeLoop", dataset: Dataset) -> bool:
    """Whether a loop is for so many samples; all else of the data is in the spec."""
    looked_at = len(dataset.parts.get("validation", dataset.parts["train"])) if loop.validation else 0
    checks = "validation" in dataset.parts
    return (loop.samples, loop.validation, loop.checks) == (len(dataset.parts["train"]), looked_at, checks)
