"""The garbage collector, paused while much is made that stays.

It looks for circles among new objects again and again, and finds none in what is imported or compiled: that
was a tenth of the time until a small net is trained.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

FRESH = 100  # collections of young objects in a process that has only begun


@contextmanager
def uncollected() -> Iterator[None]:
    """Collects nothing meanwhile. One that stands in another does nothing."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        _pass_as_old()
        gc.enable()


def _pass_as_old() -> None:
    """While a process begins, counts what was made as old without a look at it: nearly all of it stays. Later
    the collector goes through it once, so that a process that compiles again and again does not grow."""
    begun = gc.get_stats()[0]["collections"]
    if begun < FRESH and not gc.get_freeze_count():
        gc.freeze()
        gc.unfreeze()
        gc.collect(0)  # of what is left, nothing; it is counted
