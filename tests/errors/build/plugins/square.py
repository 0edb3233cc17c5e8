"""A layer for vectors of four values alone, for the test of shapes."""

from deltaplan.plugins.api import layer


@layer("square")
def square(builder, x):
    """W x, for vectors of 4 alone"""
    return builder.matmul(builder.weight("W", (4, 4), fan_in=4, fan_out=4), x)
