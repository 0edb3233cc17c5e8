"""Rows for the compiler: a deep chain through its stages, and texts that ask for too much."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from time import process_time

import deltaplan
from benchmarks.measure import Row, interleaved, median, ratio
from deltaplan.compiler.plan import compile_plans
from deltaplan.diagnostics import DeltaplanError, Source
from deltaplan.dsl import parse

DEPTHS = (10, 100, 1000)
LONG = (1250, 2500, 5000, 9990)  # lines of a spec: what `check` takes beside its parse, and twice the lines
SPEC = """
model deep {{
    input 4
{layers}
    output 1
}}

data {{
    csv "deep.csv"
    inputs a, b, c, d
    targets y
}}

train {{
    minimize mean(squared_error)
    optimizer adam
    epochs 1
    batch full
}}
"""
HOSTILE = {
    "30,000 nested braces": "model m {\n" * 30_000,
    "a line of 10 MB": "model m { dense " + "1 " * 5_000_000 + "}",
    "dense 1000000000000": "model m {\n    input 1\n    dense 1000000000000\n    output 1\n}\n",
    "repeats of repeats": "model m {\n    input 1\n" + "repeat 1000 {\n" * 9 + "dense 2\n" + "}\n" * 10,
    "binary junk": bytes(range(256)).decode("latin-1") * 4000,
}


def deep(layers: int) -> str:
    """A chain of so many lines, each a dense layer with a skip."""
    return SPEC.format(layers="    dense 4  tanh  residual\n" * layers)


def rows(turns: int) -> Iterator[Row]:
    for depth in DEPTHS:
        yield from stages(depth, turns if depth < max(DEPTHS) else max(1, turns // 5))
    yield from lines(max(3, turns // 3))
    for name, text in HOSTILE.items():
        yield Row(f"refused: {name}", refusal(text) * 1e3, "ms")


def stages(depth: int, turns: int) -> Iterator[Row]:
    text = deep(depth)
    experiment = deltaplan.loads(text)
    runs: dict[str, Callable[[], object]] = {
        "parse": lambda: parse(Source("deep.dl", text)),
        "parse and build": lambda: deltaplan.loads(text),
        "plan": lambda: compile_plans(experiment),
    }
    times = interleaved(runs, turns)
    for name in runs:
        value = median(times, name)
        yield Row(f"{name}, {depth} layers", value * 1e3, "ms", note=f"{value / depth * 1e6:,.0f} µs a layer")


def lines(turns: int) -> Iterator[Row]:
    """Longer and longer specs: what `check` takes beside their parse, and beside half the lines."""
    texts = {count: deep(count) for count in LONG}
    runs: dict[str, Callable[[], object]] = {}
    for count, text in texts.items():
        runs[f"parse {count}"] = partial(parse, Source("deep.dl", text))
        runs[f"check {count}"] = partial(deltaplan.loads, text)
    times = interleaved(runs, turns)
    for half, count in pairwise((0, *LONG)):
        name = f"check {count}"
        read, value = f"parse {count}", median(times, name) * 1e3
        yield Row(f"check, {count:,} lines", value, "ms", ratio(times, name, read), "its parse", 2.5)
        if half:
            grown = ratio(times, name, f"check {half}")
            yield Row(f"check, {count:,} lines", value, "ms", grown, f"{half:,} lines", 2.3)


def refusal(text: str) -> float:
    """The seconds until a text is refused."""
    begin = process_time()
    try:
        deltaplan.loads(text)
    except DeltaplanError:
        return process_time() - begin
    raise AssertionError("a text that asks for too much was accepted")
