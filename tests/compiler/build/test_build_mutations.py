"""Mutated specs: whatever a file says, building it ends in an experiment or in mistakes that are told."""

import random
import re
from contextlib import suppress
from pathlib import Path

import pytest
from mutations import mutated

import deltaplan
from deltaplan.compiler.build import ExpansionLimits
from deltaplan.diagnostics import DeltaplanError

ERRORS = Path(__file__).parents[2] / "errors" / "build"
LIMITS = ExpansionLimits(layers=200, parameters=10**6, bytes=10**8)
HOUSE = """
param width = 8
param act = tanh
param skips = true
block unit(n, f) { residual project relu { dense n f; dense n } }
model house {
    photo = input 6
    facts = input 3
    activation elu
    t = dense 2 x width, 16 relu from photo
    unit 32, tanh
    u = unit n=8 f=act
    seen = dense 8 0.5*leaky_relu(0.1) residual=skips
    known = dense 8 act residual=pad init=uniform(-1, 1) bias=false from facts
    concat from seen, known
    dropout 20%
    repeat 2 { h = dense width/2; residual { dense 4; shortcut { dense 4 } } }
    price = output 1 from u
    style = output 5 from u
}
data {
    csv "a.csv" delimiter=tab
    inputs photo=[a, b, c, d, e, f] facts=rest
    targets price=p style="the style"
    split train=60% validation=20% seed=3
    standardize inputs
}
train {
    minimize mean(0.3*squared_error(on=price) + cross_entropy(on=style)) + 2*l2(1e-4, on=[t, output])
    optimizer sgd(0.1, momentum=0.9)
    steps 50
    batch 32
}"""
PIECE = re.compile(r"\w+|\s+|.", re.DOTALL)
SPARE = [
    *PIECE.findall(HOUSE),
    "1e9",
    "0",
    "-1",
    "true",
    "residual",
    "from",
    "{",
    "}",
    "(",
    ")",
    "^",
    "[",
    "]",
]


def spare(pieces: list[str], at: int, chance: random.Random, way: int) -> None:
    pieces[at] = chance.choice(SPARE)


def build_all(seed: int, count: int) -> None:
    chance = random.Random(seed)
    texts = [HOUSE, HOUSE, *(path.read_text() for path in sorted(ERRORS.glob("*.dl")))]
    sources = [PIECE.findall(text) for text in texts if "use " not in text]
    for _ in range(count):
        text = mutated(chance.choice(sources), chance, spare)
        with suppress(DeltaplanError):
            deltaplan.loads(text, limits=LIMITS)


def test_mutated_specs_never_crash() -> None:
    deltaplan.loads(HOUSE)
    build_all(0, 120)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1, 11))
def test_many_mutated_specs_never_crash(seed: int) -> None:
    build_all(seed, 1000)
