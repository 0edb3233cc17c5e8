"""No table over the operations has a hole."""

import pytest

from deltaplan.plugins.expressions import LEAVES, OPAQUE, REDUCTIONS, Op
from deltaplan.plugins.expressions.algebra import SIMPLER
from deltaplan.plugins.expressions.derivatives import DERIVATIVES
from deltaplan.plugins.expressions.floats import FLOATS, VECTORS
from deltaplan.plugins.expressions.intervals import INTERVALS
from deltaplan.plugins.expressions.reductions import REDUCE


@pytest.mark.parametrize(
    ("table", "ops"),
    [
        (DERIVATIVES, set(Op)),
        (INTERVALS, set(Op) - LEAVES),
        (FLOATS, set(Op) - LEAVES - REDUCTIONS - OPAQUE),
        (VECTORS, set(REDUCTIONS)),
        (REDUCE, set(REDUCTIONS)),
    ],
    ids=["derivatives", "intervals", "floats", "vectors", "reduce"],
)
def test_no_hole(table, ops):
    assert set(table) == ops


def test_simplification_needs_no_row_for_each():
    assert set(SIMPLER) <= set(Op)
