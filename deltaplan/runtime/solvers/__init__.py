"""Training by a solver: Python control around loss and gradient, which either backend computes."""

from deltaplan.runtime.solvers.trainer import SolverTrainer

__all__ = ["SolverTrainer"]
