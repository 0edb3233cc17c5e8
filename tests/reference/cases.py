"""The models whose values are recorded: every activation, skip, loss and regularizer, alone and together."""

from dataclasses import dataclass

from nets import Dense, Net
from problems import Problem, Term

SPEC = """{net}
data {{
    csv "{data}.csv"
    inputs {inputs}
    targets {targets}
}}

train {{
    {problem}
    optimizer sgd(lr=0.1)
    steps 1
    batch full
    precision float64
}}
"""

REGRESSION = Problem()


@dataclass(frozen=True)
class Case:
    """A spec; `str` is its text. The seed is that of the parameters."""

    name: str
    net: Net
    problem: Problem = REGRESSION
    seed: int = 1

    def __str__(self) -> str:
        return SPEC.format(
            net=self.net,
            data=self.problem.target,
            inputs=columns("x", self.net.inputs),
            targets=columns("y", self.problem.targets),
            problem=self.problem,
        )


def columns(letter: str, count: int) -> str:
    return ", ".join(f"{letter}{k}" for k in range(1, count + 1))


def dense(*lines: Dense, inputs: int = 3, outputs: int = 1) -> Net:
    return Net(inputs, lines, outputs)


ACTIVATIONS = {
    "identity": Dense((4, 5)),
    "sigmoid": Dense((4, 5), "sigmoid"),
    "tanh": Dense((4, 5), "tanh"),
    "relu": Dense((4, 5), "relu"),
    "leaky_relu": Dense((4, 5), "leaky_relu", (0.01,)),
    "leaky_relu_steep": Dense((4, 5), "leaky_relu", (0.2,)),
    "elu": Dense((4, 5), "elu", (1.0,)),
    "elu_flat": Dense((4, 5), "elu", (0.5,)),
    "softplus": Dense((4, 5), "softplus"),
    "silu": Dense((4, 5), "silu"),
    "gelu": Dense((4, 5), "gelu"),
    "mish": Dense((4, 5), "mish"),
    "half_tanh": Dense((4, 5), "tanh", factor=0.5),
    "double_sigmoid": Dense((4, 5), "sigmoid", factor=2.0),
    "tenth_leaky_relu": Dense((4, 5), "leaky_relu", (0.2,), factor=0.1),
}
RESIDUAL = {
    name: Dense((4, 4, 4), line.activation, line.parameters, line.factor, "residual")
    for name, line in ACTIVATIONS.items()
}
TANH = dense(Dense((4,), "tanh"))
TWO = dense(Dense((5, 4), "tanh"), outputs=2)
CLASSES = Problem((Term("cross_entropy"),))

SHAPES = (
    Case("linear", dense(outputs=2), Problem(targets=2)),
    Case("no_bias", dense(Dense((4, 3), "tanh", bias=False))),
    Case("two_lines", dense(Dense((5,), "relu"), Dense((3, 3), "tanh", residual="residual"))),
    Case("pad", dense(Dense((3, 5), "tanh", residual="residual=pad"))),
    Case("project", dense(Dense((5, 5, 2), "silu", residual="residual=project"))),
    Case("deep", dense(Dense((5,) * 10 + (1,), "leaky_relu", (0.01,), residual="residual"), inputs=1)),
)
LOSSES = (
    Case("two_outputs", TWO, Problem(targets=2)),
    Case("summed", TWO, Problem(targets=2, over="sum")),
    Case("absolute_error", TWO, Problem((Term("absolute_error"),), targets=2)),
    Case("huber", TWO, Problem((Term("huber", (1.0,)),), targets=2)),
    Case("huber_narrow", TWO, Problem((Term("huber", (0.3,)),), targets=2)),
    Case("hinge", TWO, Problem((Term("hinge"),), targets=2)),
    Case("logistic", TANH, Problem((Term("logistic"),))),
    Case("logistic_two", TWO, Problem((Term("logistic"),), targets=2)),
    Case("cross_entropy", dense(Dense((5, 4), "relu"), outputs=3), CLASSES),
    Case("cross_entropy_residual", dense(Dense((3, 3), "gelu", residual="residual"), outputs=3), CLASSES),
    Case("cross_entropy_linear", dense(outputs=3), CLASSES),
    Case("mixed", TANH, Problem((Term("squared_error", factor=0.3), Term("absolute_error")))),
)
REGULARIZERS = (
    Case("l1", TANH, Problem(regularizers=(Term("l1", (0.01,)),))),
    Case("l2", TANH, Problem(regularizers=(Term("l2", (0.1,)),))),
    Case("elastic", TANH, Problem(regularizers=(Term("elastic", (0.01, 0.1)),))),
    Case("l2_biases", TANH, Problem(regularizers=(Term("l2", (0.1,), on="biases"),))),
    Case("l1_parameters", TANH, Problem(regularizers=(Term("l1", (0.02,), on="parameters"),))),
    Case("penalties", TWO, Problem(regularizers=(Term("l2", (0.1,)), Term("l1", (0.02,))), targets=2)),
    Case(
        "everything",
        dense(Dense((4, 4), "elu", (0.5,), 0.5, "residual"), outputs=3),
        Problem((Term("cross_entropy", factor=0.7),), (Term("l2", (0.01,)), Term("l1", (0.001,))), "sum"),
    ),
)
CASES = (
    *(Case(f"plain_{name}", dense(line)) for name, line in ACTIVATIONS.items()),
    *(Case(f"residual_{name}", dense(line)) for name, line in RESIDUAL.items()),
    *SHAPES,
    *LOSSES,
    *REGULARIZERS,
)
