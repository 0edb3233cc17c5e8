"""Which processor this is, told without LLVM."""

import sys
from functools import cache
from pathlib import Path

TOLD = ("vendor_id", "cpu family", "model", "model name", "stepping", "flags")


@cache
def processor() -> str | None:
    """All that decides which code runs here; None where the system does not tell."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        first = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").partition("\n\n")[0]
    except OSError:
        return None
    rows = [line.partition(":") for line in first.splitlines()]
    found = {name.strip(): value.strip() for name, _, value in rows}
    return "\n".join(found[name] for name in TOLD) if all(name in found for name in TOLD) else None
