"""Broken specs of every kind: mistakes and nothing else, and what was read can be used."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deltaplan.diagnostics import Source, render_all
from deltaplan.dsl import parse, spec_text, tree_text
from deltaplan.dsl.tree import Line, Spec

EXAMPLES = [
    path.read_text(encoding="utf-8") for path in sorted((Path(__file__).parent / "examples").glob("*.dl"))
]
SCRAPS = [
    *"{}()[];:=,.\"'#\n+-*/^<>%x\\@ 5a",
    *(
        "==",
        "//",
        "..",
        " x 5",
        "from ",
        "f(",
        "\r\n",
        "1e999",
        "45x",
        "\ufeff",
        "φ",
        "\nmodel ",
        "train {",
        '"\n',
    ),
]


def mutated(random: random.Random) -> str:
    """A piece of an example with a few scraps put in and a few characters taken out."""
    text = random.choice(EXAMPLES)
    start = random.randrange(len(text))
    text = text[start : start + random.randrange(20, 800)] if random.random() < 0.8 else text
    for _ in range(random.randrange(1, 8)):
        at = random.randrange(len(text) + 1)
        cut = random.choice([0, 0, 1, 3, 20])
        text = text[:at] + random.choice(SCRAPS) * random.choice([1, 1, 1, 3]) + text[at + cut :]
    return text


def lines(spec: Spec) -> Iterator[Line]:
    waiting = list(spec.lines)
    while waiting:
        line = waiting.pop()
        yield line
        waiting += line.body.lines if line.body else ()


def check(text: str) -> None:
    spec, mistakes = parse(Source("fuzz.dl", text))
    broken = [line for line in lines(spec) if line.broken]
    assert all(m.span and 0 <= m.span.start <= m.span.end <= len(text) for m in mistakes)
    assert all(m.message and m.code in render_all([m]) for m in mistakes)
    assert len(broken) <= len(mistakes) <= 101
    tree_text(spec)
    if not mistakes:
        assert parse(Source("again.dl", spec_text(spec)))[0] == spec


def scrap_heap(random: random.Random) -> str:
    return "".join(random.choice([*SCRAPS, "dense ", "a"]) for _ in range(random.randrange(60)))


def fuzz(make: Callable[[random.Random], str], seed: int, count: int) -> None:
    source = random.Random(seed)
    for _ in range(count):
        text = make(source)
        try:
            check(text)
        except Exception as error:
            raise AssertionError(repr(text)) from error


def test_mutated_specs_give_mistakes_and_nothing_else() -> None:
    fuzz(mutated, seed=1, count=400)


def test_heaps_of_scraps() -> None:
    fuzz(scrap_heap, seed=2, count=400)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10, 20))
def test_many_mutated_specs(seed: int) -> None:
    fuzz(mutated, seed, count=3000)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(20, 30))
def test_many_heaps_of_scraps(seed: int) -> None:
    fuzz(scrap_heap, seed, count=3000)
