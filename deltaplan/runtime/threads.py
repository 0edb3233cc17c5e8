"""Threads of the libraries beneath numpy."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def blas_threads(count: int = 1) -> Iterator[None]:
    """BLAS on so many threads: its sums, and so its bits, change with the number, so it is 1 unless asked."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=count, user_api="blas"):
        yield
