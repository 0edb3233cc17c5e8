"""The work of reading and checking a spec grows with its lines, whatever they say.

Calls are counted, which no other program on the machine disturbs; `python -m benchmarks frontend` has times.
"""

from collections.abc import Callable
from functools import partial

import pytest
from counted import calls

import deltaplan
from deltaplan.diagnostics import DeltaplanError, Source
from deltaplan.dsl import parse

REST = "data {\ncsv 'd.csv'\ninputs a\ntargets y\n}\n".replace("'", '"')
TRAIN = "train {\nminimize mean(squared_error)\noptimizer adam\nepochs 1\nbatch full\n%s}\n"


def model(lines: list[str], before: str = "", train: str = "") -> str:
    body = "\n".join(["input 1", *lines, "output 1"])
    return f"{before}model m {{\n{body}\n}}\n{REST}{TRAIN % train}"


def named(count: int) -> list[str]:
    return [f"h{i} = dense 4 tanh" for i in range(count)]


SPECS: dict[str, Callable[[int], str]] = {
    "a chain": lambda n: model(["dense 4 tanh residual"] * n),
    "names": lambda n: model([f"h{i} = dense 4 from {f'h{i - 1}' if i else 'input'}" for i in range(n)]),
    "a join of all": lambda n: model(
        [f"h{i} = dense 1 from input" for i in range(n)]
        + ["concat from " + ", ".join(f"h{i}" for i in range(n))]
    ),
    "shared parameters": lambda n: model(["a = dense 1"] + ["dense 1 share=a"] * n),
    "blocks": lambda n: model(
        [f"b{i} 4" for i in range(n)], "".join(f"block b{i}(w) {{\ndense w tanh\n}}\n" for i in range(n))
    ),
    "residual lines": lambda n: model(["dense 4"] + ["residual {\ndense 4 tanh\n}"] * n),
    "params": lambda n: model(
        [f"dense p{i}" for i in range(n)], "".join(f"param p{i} = 3\n" for i in range(n))
    ),
    "params without a use": lambda n: model(["dense 1"], "".join(f"param p{i} = 3\n" for i in range(n))),
    "dead ends": lambda n: model([f"h{i} = dense 4 from input" for i in range(n)]),
    "dead ends of a long trunk": lambda n: model(
        ["t0 = dense 4"] + [f"d{i} = dense 4 from t{i}\nt{i + 1} = dense 4 from t{i}" for i in range(n)]
    ),
    "rates": lambda n: model(named(n), train="".join(f"lr_scale 2 on=h{i}\n" for i in range(n))),
    "definitions": lambda n: model(
        [f"dense 4 f{i}" for i in range(n)], "".join(f"activation f{i}(u) = u + sin(u)\n" for i in range(n))
    ),
    "mistakes": lambda n: model(["dense 4 tahn"] * n),
}


def check(text: str) -> None:
    try:
        deltaplan.loads(text)
    except DeltaplanError as told:
        str(told)


@pytest.mark.parametrize("name", SPECS)
def test_twice_the_lines_are_twice_the_work(name: str) -> None:
    """Without what the first lines cost alone: 15 lines more, and 30 more after them."""
    check(SPECS[name](1))  # what is made once
    first, second, third = (calls(partial(check, SPECS[name](count))) for count in (15, 30, 60))
    assert third - second < 2.15 * (second - first)


def test_to_check_is_not_much_more_than_to_parse() -> None:
    text = SPECS["a chain"](200)
    check(text)
    assert calls(lambda: check(text)) < 2 * calls(lambda: parse(Source("chain.dl", text)))
