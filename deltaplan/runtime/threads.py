"""How many threads there may be, those of the libraries beneath numpy, and the end of our own."""

import os
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any


@contextmanager
def blas_threads(count: int = 1) -> Iterator[None]:
    """BLAS on so many threads: its sums, and so its bits, change with the number, so it is 1 unless asked."""
    with _libraries(len(sys.modules)).limit(limits=count, user_api="blas"):
        yield


@lru_cache(maxsize=1)
def _libraries(modules: int) -> Any:
    """The libraries with threads of their own. To look for them takes 1.5 ms, and is done again when more
    `modules` are imported, which may have brought others."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def cores() -> int:
    """The processor's cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def wait_for(threads: Iterable[threading.Thread]) -> None:
    """Waits for threads whatever comes meanwhile, a second Ctrl-C too: the memory and the code that they work
    with must outlive them. What came is raised then."""
    came: BaseException | None = None
    for thread in threads:
        while thread.is_alive():
            try:
                thread.join()
            except BaseException as error:
                came = error
    if came:
        raise came
