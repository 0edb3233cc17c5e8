"""The garbage collector, paused while much is made that stays.

It looks for circles among new objects again and again, and finds none in what is imported or compiled: that
was a tenth of the time until a small net is trained.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


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
        gc.enable()
