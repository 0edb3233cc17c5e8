"""The instruments of the laboratory. Each is imported when it is used: a registry is made without numpy."""

from deltaplan.plugins.api import Findings, Subject, analysis


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
