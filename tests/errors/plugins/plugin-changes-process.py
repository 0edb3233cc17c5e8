import os
import random

from deltaplan.plugins.api import activation, sin

os.chdir("..")
random.seed(1)


@activation("wave")
def wave(u):
    """u + sin u"""
    return u + sin(u)
