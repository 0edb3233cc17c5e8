"""Metrics: how good predictions are, in the data's own units. Arrays bring their own arithmetic."""

from collections.abc import Callable
from math import nan
from typing import Any

from deltaplan.plugins.api import Expr, abs, equal, mean, metric, sqrt, where

Total = Callable[[Expr], Expr]


@metric("rmse", of="values", better="lower")
def rmse(u: Expr, y: Expr, n: Expr, total: Total) -> Expr:
    """√ of the mean of (ŷ − y)² over samples and outputs"""
    return sqrt(mean(total((u - y) ** 2)) / n)


@metric("mae", of="values", better="lower")
def mae(u: Expr, y: Expr, n: Expr, total: Total) -> Expr:
    """The mean of |ŷ − y| over samples and outputs"""
    return mean(total(abs(u - y))) / n


@metric("r2", of="values", better="higher")
def r2(u: Expr, y: Expr, m: Expr, total: Total) -> Expr:
    """1 − Σ(ŷ − y)²/Σ(y − ȳ)² for each output whose target varies, then the mean; else not a number"""
    spread = total((y - m) ** 2)
    explained = where(spread > 0, 1 - total((u - y) ** 2) / spread, 0)
    return mean(explained) / mean(where(spread > 0, 1, 0))


@metric("accuracy", of="classes", better="higher")
def accuracy(u: Expr, y: Expr, n: Expr, total: Total) -> Expr:
    """The share of samples whose class is right"""
    return mean(total(where(equal(u, y), 1, 0))) / n


@metric("f1", of="members", better="higher")
def f1(u: Expr, y: Expr, total: Total) -> Expr:
    """2TP/(2TP + FP + FN) for each class, then the mean; of yes or no that of yes

    0 for a class that is neither there nor decided.
    """
    both = total(u + y)
    return mean(where(both > 0, 2 * total(u * y) / both, 0))


@metric("auc", of="scores", better="higher")
def auc(predicted: Any, target: Any) -> float:
    """The share of pairs, one of the class and one not, of which the first scores higher; the mean of classes

    Ties count half; of yes or no it is that of yes (Hanley and McNeil, 1982). Not a number where a class is
    not there, or alone.
    """
    found = [_area(scores, members) for scores, members in zip(predicted, target, strict=True)]
    return float(sum(found) / len(found))


def _area(scores: Any, members: Any) -> float:
    """From the ranks: (Σ ranks of the class − P(P + 1)/2)/(P·(N − P)); equal scores share their rank."""
    import numpy as np

    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (counts.cumsum() - (counts - 1) / 2)[place]
    inside, outside = float(members.sum()), float((1 - members).sum())
    if not inside or not outside:
        return nan
    return float((ranks[members > 0].sum() - inside * (inside + 1) / 2) / (inside * outside))


@metric("confusion", of="members", better="higher", gives="table")
def confusion(predicted: Any, target: Any) -> Any:
    """How many samples of each class, by row, are decided for each class, by column"""
    return target @ predicted.T
