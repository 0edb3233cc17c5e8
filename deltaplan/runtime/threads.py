"""How many threads there may be, and those of the libraries beneath numpy."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def blas_threads(count: int = 1) -> Iterator[None]:
    """BLAS on so many threads: its sums, and so its bits, change with the number, so it is 1 unless asked."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=count, user_api="blas"):
        yield


def cores() -> int:
    """The processor's cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
