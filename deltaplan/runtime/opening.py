"""A .dl file that is to be trained: compiled now, or kept from the last time."""

import os
from collections.abc import Mapping

from deltaplan.pauses import uncollected
from deltaplan.plugins.contracts import Value
from deltaplan.runtime.kept import kept_in, place_of
from deltaplan.runtime.prepared import Prepared


@uncollected()
def opened(path: str | os.PathLike[str], params: Mapping[str, Value] | None = None) -> Prepared:
    """The experiment that the file states, with its plans. `params` replace the values of its params.

    Raises SpecError with every mistake of the file in one report.
    """
    place = place_of(path, params)
    kept = kept_in(place) if place else None
    if kept:
        return Prepared(kept.experiment, kept=kept, place=place)
    from deltaplan.runtime.loading import load

    return Prepared(load(path, params), place=place)
