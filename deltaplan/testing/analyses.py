"""An analysis: it finds something in a small run, says it in words, and finds the same again."""

from collections.abc import Iterator

import numpy as np

from deltaplan.diagnostics import DeltaplanError
from deltaplan.plugins.contracts import Analysis
from deltaplan.runtime.lab.examine import examine
from deltaplan.testing.nets import Net, registry_with
from deltaplan.testing.report import Result


def checks(analysis: Analysis) -> Iterator[Result]:
    net = Net(analysis, layers="dense 4 relu", length="epochs 3")
    run = net.train("numpy")
    subjects = (run, run) if analysis.several else (run,)
    options = {"x": net.x, "y": net.y, "registry": registry_with(analysis)}
    try:
        first, again = (examine(analysis.name, *subjects, **options) for _ in range(2))
    except DeltaplanError as error:
        yield Result("findings", "skipped", error.diagnostics[0].message)
        return
    if not first.findings.says:
        yield Result("findings", "failed", "it says nothing: give a sentence for each thing found")
        return
    yield Result("findings", "passed", first.findings.says[0])
    names = [n for n, a in first.arrays.items() if not np.array_equal(a, again.arrays[n], equal_nan=True)]
    same = first.findings.says == again.findings.says and not names
    told = f"`{names[0]}` differs" if names else "" if same else "it says something else"
    yield Result("twice the same", "passed" if same else "failed", told)
