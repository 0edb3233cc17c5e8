"""Nets of many equal layers, in all the ways in which layers can be equal."""

import deltaplan
from deltaplan.compiler.plan import compile_plans

BODIES = {
    "chain": "dense 5 tanh",
    "residual": "dense 5 tanh residual",
    "two layers": "dense 5 tanh residual\n dense 5 relu",
    "two widths": "dense 7 tanh\n dense 5",
    "block": "residual { dense 5 tanh\n dense 5 }",
    "rows": "dense 40 tanh residual",
    "layer_norm": "dense 5 tanh residual\n layer_norm",
    "batch_norm": "dense 5 bias=false\n batch_norm relu",
}


def plans_of(model, objective="mean(squared_error)"):
    """The plans of a net with the lines of `model` between its input of 4 and its output of 1."""
    problem = f"train {{\n minimize {objective}\n optimizer adam\n epochs 1\n}}\n"
    return compile_plans(deltaplan.loads(f"model deep {{\n input 4\n {model}\n output 1\n}}\n{problem}"))


def plans(name, layers, objective="mean(squared_error)"):
    """Those of so many layers, which are a key of `BODIES` or lines of their own."""
    body = BODIES.get(name, name)
    first = 40 if "40" in body else 5
    return plans_of(f"dense {first} tanh\n repeat {layers} {{\n {body}\n }}", objective)
