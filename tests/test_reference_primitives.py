"""Convolutions and pools against values and gradients recorded in float64 PyTorch (tests/reference)."""

from pathlib import Path

import numpy as np
import pytest
from programs import convolution, run, window

from deltaplan.compiler.differentiate import differentiate
from deltaplan.compiler.steps import Pool, Tensor, Unpool
from deltaplan.compiler.windows import Window

HERE = Path(__file__).parent / "reference" / "primitives"


def conv(made, groups=1):
    def step(x, w, y):
        return convolution("y", x[:-1], y[:-1], (x[-1], y[-1]), made, groups)

    return step


def pool(kind, made):
    def step(x, y):
        return Pool(inputs=(Tensor("x", x, True),), outputs=(Tensor("y", y, True),), kind=kind, window=made)

    return step


def unpool(made):
    return lambda x, y: Unpool(inputs=(Tensor("x", x, True),), outputs=(Tensor("y", y, True),), window=made)


CASES = {
    "conv1d": conv(window(3)),
    "conv1d_causal": conv(window(3, dilation=2, before=4)),
    "conv1d_groups": conv(window(2, stride=2, before=1, after=1), 2),
    "conv2d": conv(window(3, 2)),
    "conv2d_same": conv(window(3, 3, before=1, after=1)),
    "conv2d_strides": conv(Window((3, 3), (2, 3), (1, 1), (1, 2), (1, 2))),
    "conv2d_dilated": conv(Window((3, 2), (1, 1), (2, 3), (0, 0), (0, 0))),
    "conv2d_depthwise": conv(window(3, 3, before=1, after=1), 3),
    "conv2d_point": conv(window(1, 1, stride=2)),
    "max_pool1d": pool("max", window(3, stride=2, before=1, after=1)),
    "max_pool2d": pool("max", window(2, 2, stride=2)),
    "max_pool2d_overlapping": pool("max", window(3, 3, stride=2, before=1, after=1)),
    "sum_pool2d": pool("sum", Window((2, 3), (2, 3), (1, 1), (0, 0), (0, 0))),
    "sum_pool2d_padded": pool("sum", window(3, 3, stride=2, before=1, after=1)),
    "unpool2d": unpool(Window((2, 3), (2, 3), (1, 1), (0, 0), (0, 0))),
}


def ours(name, array):
    """Channels last, then the samples; kernels [out, *kernel, in]."""
    return np.moveaxis(array, 1, -1) if name in ("w", "gw") else np.moveaxis(array, (0, 1), (-1, -2))


@pytest.mark.parametrize("name", CASES)
def test_recorded_values_and_gradients(name):
    arrays = {key: ours(key, array) for key, array in np.load(HERE / f"{name}.npz").items()}
    shapes = [arrays[key].shape[: None if key == "w" else -1] for key in ("x", "w", "y") if key in arrays]
    step = CASES[name](*shapes)
    seed = Tensor("gy", step.output.shape, True)
    backward, adjoints = differentiate((step,), {step.output: seed}, step.inputs)
    values = {t: arrays[t.name] for t in (*step.inputs, seed)}
    found = run((step, *backward), values, [step.output, *(adjoints[t] for t in step.inputs)])
    for key, array in zip(("y", *(f"g{t.name}" for t in step.inputs)), found, strict=True):
        np.testing.assert_allclose(array, arrays[key], rtol=0, atol=1e-12 * np.abs(arrays[key]).max())


def test_no_recorded_case_is_left_out():
    assert set(CASES) == {path.stem for path in HERE.glob("*.npz")}
