"""How many threads the libraries take: what each reads when it starts."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

VARIABLE = "OMP_NUM_THREADS"


def hold(count: int) -> None:
    """Before any of them is imported."""
    for name in (VARIABLE, "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[name] = str(count)
    if count == 1:
        one = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {one}".strip()


def threads_held() -> int:
    """How many were asked for."""
    return int(os.environ.get(VARIABLE, "1"))


@contextmanager
def processors_held() -> Iterator[None]:
    """As many processors as threads, for what counts them when it starts; then all again."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    every = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(every)[: threads_held()])
    try:
        yield
    finally:
        for thread in Path("/proc/self/task").iterdir():
            os.sched_setaffinity(int(thread.name), every)
