"""Samples of which each begins before the one before it has ended: the numbers stay, few wait at once."""

from dataclasses import replace

import pytest
from nests import AVX2, AVX512, carried_out, most_at_once
from programs import experiment

from deltaplan.compiler.loops.nest import Affine, Fold, For, Load, Store, affine, statements
from deltaplan.compiler.loops.schedule.nearby import renamed, written_by
from deltaplan.compiler.loops.stack import stack
from deltaplan.compiler.lower import lower


def kernel(model, samples, machine=AVX2["float64"]):
    """The kernel that takes samples through the whole of a narrow net, many nets at once."""
    net = experiment(*model, inputs=2)
    made = stack(lower(net.graph, "predict"), "double", machine, samples, penalty=False)
    (program,) = made.blocks.values()
    return program.kernels[0]


def net(width, activation="leaky_relu residual"):
    return "input 2", f"dense 3x{width}, 1 {activation}", "output 1"


def placed(statement, sample):
    """A statement with a number for the variable of samples."""
    if not isinstance(statement, Load | Store):
        return statement
    index = []
    for place in map(affine, statement.index):
        moved = sum(factor for name, factor in place.terms if name == "b")
        others = tuple(term for term in place.terms if term[0] != "b")
        index.append(Affine(others, place.offset + moved * sample))
    return replace(statement, index=tuple(index))


def written_out(body):
    """Bodies without loops over samples: each turn by itself, with locals of its own."""
    flat, names = [], {}
    for s in body:
        match s:
            case For(body=within):
                turns = range(s.begin, s.end, s.step)
                flat += [placed(inner, sample) for sample in turns for inner in within]
            case Fold(body=within):
                names |= {a.name: a.first for a in s.accumulators}
                for sample in range(s.begin, s.end):
                    own = {name: f"{name}@{sample}" for inner in within for name in written_by(inner)}
                    flat += [
                        renamed(as_local(placed(inner, sample), own), {**names, **own}) for inner in within
                    ]
                    names |= {a.name: own[a.factors[0]] for a in s.accumulators}
            case _:
                flat.append(renamed(placed(s, 0), names))
    return flat


def as_local(statement, names):
    """A statement that writes locals by their new names."""
    written = written_by(statement)
    if isinstance(statement, Store):
        return statement
    if len(written) == 1 and hasattr(statement, "name"):
        return replace(statement, name=names[written[0]])
    return replace(statement, outputs=tuple(names[name] for name in written))


@pytest.mark.parametrize("samples", [2, 3, 7])
@pytest.mark.parametrize("model", [net(1), net(5), net(8, "tanh")])
def test_the_numbers_are_those_of_samples_side_by_side(model, samples):
    (overlapping,) = kernel(model, samples).body
    assert any(isinstance(s, Fold) and s.variable == "b" for s in overlapping.body)
    expected = {}
    for over_samples in kernel(model, samples, AVX512["float32"]).body:
        (nets,) = over_samples.body
        expected |= carried_out(written_out([replace(over_samples, body=nets.body)]))
    found = carried_out(written_out(overlapping.body))
    by_place = {(b.name, affine(i[1]).offset): n for (b, i), n in expected.items()}
    assert {(b.name, affine(i[1]).offset): n for (b, i), n in found.items()} == pytest.approx(by_place)
    assert len(found) == samples


def test_the_second_half_of_a_sample_stands_beside_the_first_of_the_next():
    (nets,) = kernel(net(5), 40).body
    (turn,) = [s for s in nets.body if isinstance(s, Fold)]
    assert len(turn.accumulators) == 5  # of a layer, nothing else
    assert most_at_once(turn.body) <= 16 + 1  # a weight is read where it is multiplied
    places = [affine(s.index[1]) for s in turn.body if isinstance(s, Load | Store)]
    samples = [place.offset for place in places if dict(place.terms).get("b")]
    assert sorted(samples) == [-1, -1, 0, 0]  # a target and a loss, two inputs


def test_one_sample_has_none_beside_it():
    assert not any(isinstance(s, Fold) for s in statements(kernel(net(5), 1).body))
