"""A program within the file that checks it: samples, and what must come out."""

from collections.abc import Iterator, Mapping, Sequence

from deltaplan.compiler.loops.c.arguments import table
from deltaplan.compiler.loops.c.numbers import Real
from deltaplan.compiler.loops.c.ports import Source
from deltaplan.compiler.loops.c.predict import Prediction

TOLERANCE = {"float": 1e-4, "double": 1e-9}  # of the largest number of an output, or 1


def check(source: Source, prediction: Prediction, real: Real) -> str:
    """The part of the file that is compiled with -DNAME_SELF_TEST."""
    parts = [f"#ifdef {source.name.upper()}_SELF_TEST", "#include <stdio.h>", ""]
    parts += _tables(source, prediction, real)
    parts += [_differs(real), _main(source, prediction, real), "#endif\n"]
    return "\n".join(parts)


def _tables(source: Source, prediction: Prediction, real: Real) -> Iterator[str]:
    given: Sequence[tuple[Mapping[str, str], str]] = (
        ({node: array.name for node, array in prediction.inputs.items()}, "given"),
        ({node: array.name for node, array in prediction.outputs.items()}, "wanted"),
    )
    for names, word in given:
        for node, name in names.items():
            rows = [(c.inputs if word == "given" else c.outputs)[node] for c in source.checks]
            numbers = [number for row in rows for number in row]
            yield table(f"static const {real.type} {word}_{name}", numbers, real)


def _differs(real: Real) -> str:
    type_, zero = real.type, real.literal(0.0)
    return f"""\
/* whether numbers differ by more than the last digits of their largest */
static int differs(const {type_} *found, const {type_} *wanted, int n)
{{
    {type_} most = {real.literal(1.0)};
    for (int i = 0; i < n; i++)
        if ({real.function("fabs")}(wanted[i]) > most)
            most = {real.function("fabs")}(wanted[i]);
    for (int i = 0; i < n; i++) {{
        const {type_} d = found[i] - wanted[i];
        if (!((d > {zero} ? d : -d) <= {real.literal(TOLERANCE[type_])} * most))
            return 1;
    }}
    return 0;
}}
"""


def _main(source: Source, prediction: Prediction, real: Real) -> str:
    count = len(source.checks)
    lines = [f"static {real.type} found_{a.name}[{count * a.size}];" for a in prediction.outputs.values()]
    inputs = [f"given_{a.name}" for a in prediction.inputs.values()]
    outputs = [f"found_{a.name}" for a in prediction.outputs.values()]
    tests = [
        f"differs(found_{a.name}, wanted_{a.name}, {count * a.size})" for a in prediction.outputs.values()
    ]
    body = [
        f"    {source.name}_predict_batch({', '.join([str(count), *inputs, *outputs])});",
        f"    if ({' || '.join(tests)}) {{",
        f'        puts("{source.name}: the predictions are not those of deltaplan");',
        "        return 1;",
        "    }",
        f'    puts("{source.name}: {count} predictions are those of deltaplan");',
        "    return 0;",
    ]
    return "\n".join([*lines, "", "int main(void)", "{", *body, "}", ""])
