"""The plans of an experiment together with it, so that they can show themselves."""

from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.plan import Plans, compile_plans
from deltaplan.compiler.printers.page import preformatted
from deltaplan.compiler.printers.plan import plan_text
from deltaplan.records import dataclass


@dataclass(frozen=True, slots=True, repr=False)
class Compiled(Plans):
    """Plans whose text, for `print` and in a notebook, are the recursions in the lecture's notation."""

    experiment: Experiment

    def __str__(self) -> str:
        batch = self.experiment.train.batch if self.experiment.train else None
        return plan_text(self.experiment, self, batch)

    def __repr__(self) -> str:
        plans = (plan for plan in (self.train, self.evaluate, self.predict) if plan)
        steps = ", ".join(f"{plan.name} {len(plan.steps)}" for plan in plans)
        return f"<plans of `{self.experiment.name}`, steps: {steps}>"

    def _repr_html_(self) -> str:
        return preformatted(str(self))


def compiled(experiment: Experiment, fused: bool = True) -> Compiled:
    """The plans of an experiment; without `fused` every step of the graph stays a step of its own."""
    plans = compile_plans(experiment, fused)
    return Compiled(plans.train, plans.evaluate, plans.predict, plans.update, experiment)
