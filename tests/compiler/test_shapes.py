"""Shapes and parameters of layers, and what a layer that breaks its contract is told."""

from collections.abc import Callable
from typing import Any

import pytest

from deltaplan.compiler.nodes import Join, Layer, Use, show_shape
from deltaplan.compiler.shapes import join_shape, parameters_of, trace
from deltaplan.diagnostics import PluginError, Source, Span, SpecError
from deltaplan.plugins.api import layer
from deltaplan.plugins.loader import builtin_registry

SPAN = Span(Source("m.dl", "odd"), 0, 3)


def node(forward: Callable[..., Any], bias: bool = True, **values: object) -> Layer:
    contract = layer("odd")(forward)
    return Layer(name="odd1", span=SPAN, use=Use(contract, values, SPAN), bias=bias)


def dense(width: int, bias: bool = True) -> Layer:
    contract = builtin_registry().find("layer", "dense")
    assert contract
    return Layer(name="dense1", span=SPAN, use=Use(contract, {"width": width}, SPAN), bias=bias)


def test_dense_has_a_matrix_and_an_offset() -> None:
    w, b = parameters_of(dense(5), (3,))
    assert (w.name, w.shape, w.fan_in, w.fan_out, w.role, w.size) == ("W", (5, 3), 3, 5, "weight", 15)
    assert (b.name, b.shape, b.fan_in, b.fan_out, b.role, b.size) == ("b", (5,), 3, 5, "bias", 5)
    assert trace(dense(5), (3,)).shape == (5,)
    assert [p.name for p in parameters_of(dense(5, bias=False), (3,))] == ["W"]


def test_map_broadcasts_as_numpy_does() -> None:
    def odd(builder: Any, x: Any) -> Any:
        return builder.map(lambda u, v: u + v, x, builder.weight("w", (4, 1), 1, 1))

    assert trace(node(odd), (3,)).shape == (4, 3)
    with pytest.raises(SpecError, match="shapes 2x5x3 and 4x1 do not go together"):
        trace(node(odd), (2, 5, 3))


def nothing(builder: Any, x: Any) -> Any:
    return None


def raising(builder: Any, x: Any) -> Any:
    return x.nothing


def doubled(builder: Any, x: Any) -> Any:
    builder.bias("b", (1,), 1)
    return builder.map(lambda u, v: u * v, x, builder.bias("b", (1,), 1))


def hollow(builder: Any, x: Any) -> Any:
    return builder.weight("w", (0,), 1, 1)


@pytest.mark.parametrize(
    ("forward", "reason"),
    [
        (nothing, "NoneType, not a tensor"),
        (raising, "AttributeError"),
        (doubled, "two parameters of the name 'b'"),
        (hollow, r"the shape of 'w' is \(0,\)"),
    ],
)
def test_a_layer_that_breaks_its_contract_is_named(forward: Callable[..., Any], reason: str) -> None:
    with pytest.raises(PluginError, match=reason) as error:
        trace(node(forward), (3,))
    assert error.value.diagnostics[0].span == SPAN
    assert "`odd`" in str(error.value)


@pytest.mark.parametrize(
    ("kind", "given", "shape"),
    [
        ("concat", [(2,), (3,), (2,)], (7,)),
        ("concat", [(4, 2), (4, 3)], (4, 5)),
        ("add", [(3,), (3,)], (3,)),
        ("mul", [(3, 2), (3, 2)], (3, 2)),
    ],
)
def test_shapes_of_joins(kind: str, given: list[tuple[int, ...]], shape: tuple[int, ...]) -> None:
    assert join_shape(kind, given, SPAN) == shape


@pytest.mark.parametrize(
    ("kind", "given"), [("add", [(3,), (1,)]), ("concat", [(3, 2), (3,)]), ("concat", [(3, 2), (2, 2)])]
)
def test_joins_never_broadcast(kind: str, given: list[tuple[int, ...]]) -> None:
    first = Join(name="a", span=SPAN, kind="add")
    with pytest.raises(SpecError, match=f"{show_shape(given[0])} and {show_shape(given[1])}"):
        join_shape(kind, given, SPAN, [first, first])
