"""Where the gradient check leaves numbers out: beside kinks of the objective."""

import numpy as np

import deltaplan
from deltaplan.runtime.gradcheck import gradcheck
from deltaplan.runtime.initial import initial

TIE = """
model m {
    input 1x3x1
    conv 1 kernel=1x2 init=zeros
    max_pool 1x2
    flatten
    output 1
}

train {
    minimize mean(squared_error)
    optimizer adam
    epochs 1
}
"""


def test_weights_on_both_sides_of_a_tie_of_a_maximum_are_left_out() -> None:
    """With the sample (1, 2, 1) the places are w₁ + 2w₂ and 2w₁ + w₂: equal at w = 0, and the larger one
    changes with the sign of either. The bias moves both alike."""
    graph = deltaplan.loads(TIE).graph
    data = {"input": np.array([1.0, 2.0, 1.0]).reshape(3, 1), "target output": np.array([[1.0]])}
    rows = {row.block: row for row in gradcheck(graph, initial(graph, 0), data, 1.0)}
    assert (rows["conv1.W"].checked, rows["conv1.W"].kinks) == (0, 2)
    assert (rows["conv1.b"].checked, rows["conv1.b"].kinks) == (1, 0)
    assert all(row.passed for row in rows.values())
