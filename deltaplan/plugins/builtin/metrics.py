"""Metrics: how good predictions are, in the data's own units. Arrays bring their own arithmetic."""

from math import nan, sqrt
from typing import Any

from deltaplan.plugins.api import metric


@metric("rmse", of="values", better="lower")
def rmse(predicted: Any, target: Any) -> float:
    """√ of the mean of (ŷ − y)² over samples and outputs"""
    return sqrt(((predicted - target) ** 2).mean())


@metric("mae", of="values", better="lower")
def mae(predicted: Any, target: Any) -> float:
    """The mean of |ŷ − y| over samples and outputs"""
    return float(abs(predicted - target).mean())


@metric("r2", of="values", better="higher")
def r2(predicted: Any, target: Any) -> float:
    """1 − Σ(ŷ − y)²/Σ(y − ȳ)² for each output, then the mean; not a number where a target does not vary"""
    residual = ((predicted - target) ** 2).sum(axis=1)
    total = ((target - target.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    return float((1 - residual / total).mean()) if (total > 0).all() else nan


@metric("accuracy", of="classes", better="higher")
def accuracy(predicted: Any, target: Any) -> float:
    """The share of samples whose class is right"""
    return float((predicted == target).mean())
