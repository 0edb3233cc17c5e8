"""Any text at all, read, formatted, checked, rendered and compiled as the verbs do: what is wrong with it is
told, and what is right says the same after formatting and after rendering."""

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from made_specs import changed, made

import deltaplan
from deltaplan.compiler.build import ExpansionLimits
from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.printers.graph_text import graph_text
from deltaplan.compiler.render import render
from deltaplan.diagnostics import DeltaplanError, Source, SpecError
from deltaplan.dsl import parse
from deltaplan.dsl.formatter import format_text

SPECS = Path(__file__).parents[1] / "specs"
SHARD = 500
LIMITS = ExpansionLimits(layers=200, parameters=10**6, bytes=10**8)


def journey(text: str) -> str:
    """How far a spec comes: `unread` for its syntax, `refused` by the build, or `compiled`."""
    source = Source("fuzz.dl", text)
    tree, mistakes = parse(source)
    if mistakes:
        with pytest.raises(SpecError) as refused:
            format_text(source)
        assert refused.value.diagnostics == mistakes
    else:
        formatted = format_text(source)
        assert parse(Source("fuzz.dl", formatted)) == (tree, ())
        assert format_text(Source("fuzz.dl", formatted)) == formatted
    try:
        experiment = deltaplan.loads(text, "fuzz.dl", folder=SPECS, limits=LIMITS)
    except DeltaplanError as told:
        check_told(told)
        return "unread" if mistakes else "refused"
    assert not mistakes
    return compiled(experiment)


def check_told(told: DeltaplanError) -> None:
    text = str(told)
    assert all(f"[{diagnostic.code}]" in text for diagnostic in told.diagnostics)


def compiled(experiment: Experiment) -> str:
    """The rendered spec gives the same graph and plans."""
    rendered = render(experiment)
    again = deltaplan.loads(rendered, "again.dl", folder=SPECS, limits=LIMITS)
    assert said(graph_text(again)) == said(graph_text(experiment))
    assert said(str(deltaplan.compile(again))) == said(str(deltaplan.compile(experiment)))
    assert str(deltaplan.compile(experiment, fused=False))
    return "compiled"


def said(text: str) -> str:
    """A printed graph or plan without the numbers of lines, and without blanks, which depend on them."""
    return re.sub(r":\d+$|\s", "", text, flags=re.MULTILINE)


def fuzz(make: Callable[[Random], str], seeds: range) -> Counter[str]:
    """How many came how far. A seed is one spec, so that a failure can be had again by itself."""
    ends: Counter[str] = Counter()
    for seed in seeds:
        text = make(Random(seed))
        try:
            ends[journey(text)] += 1
        except Exception as error:
            raise AssertionError(f"{make.__name__}, seed {seed}:\n{text}") from error
    return ends


@pytest.mark.slow
@pytest.mark.parametrize(("make", "count"), [(made, 25), (changed, 120)])
def test_every_text_is_told_or_compiled(make: Callable[[Random], str], count: int) -> None:
    ends = fuzz(make, range(count))
    assert min(ends["compiled"], ends["refused"]) > 5


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "shard" in metafunc.fixturenames:
        metafunc.parametrize("shard", range(metafunc.config.getoption("--fuzz") // SHARD))


@pytest.mark.long
def test_as_many_texts_as_are_asked_for(shard: int) -> None:
    """Every fifth shard by the grammar, which costs more of a spec: it comes further."""
    make, seeds = (changed, made)[shard % 5 == 0], range(shard * SHARD, (shard + 1) * SHARD)
    assert fuzz(make, seeds).total() == SHARD
