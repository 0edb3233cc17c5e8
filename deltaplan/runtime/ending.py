"""Threads that must have ended before what they work with goes."""

import threading
from collections.abc import Iterable


def ended(threads: Iterable[threading.Thread]) -> None:
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
