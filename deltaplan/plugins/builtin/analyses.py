"""The instruments of the laboratory. Each is imported when it is used: a registry is made without numpy."""

from deltaplan.plugins.api import Attribute, Findings, Subject, analysis

SAMPLES = Attribute(
    "samples", "whole", default=1000, minimum=1, doc="samples of the training part, spread evenly"
)


@analysis("norms")
def norms(subject: Subject) -> Findings:
    """‖θ‖ and ‖θ‖², the spectral and Frobenius norm of every weight matrix"""
    from deltaplan.plugins.builtin.lab.norms import examine

    return examine(subject)


@analysis("lipschitz")
def lipschitz(subject: Subject) -> Findings:
    """How steep the net can be: a proven bound by layer, slopes that it reaches, bounds of its outputs"""
    from deltaplan.plugins.builtin.lab.lipschitz import examine

    return examine(subject)


@analysis("gradients", SAMPLES)
def gradients(subject: Subject, samples: int) -> Findings:
    """‖z‖, ‖δ‖ and ‖∂L/∂W‖ layer by layer, beside their bounds: whether slopes vanish or explode

    At the start, along training where the spec says `record parameters`, and at the end of a run.
    """
    from deltaplan.plugins.builtin.lab.gradients import examine

    return examine(subject, samples)
