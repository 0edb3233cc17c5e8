"""Object files to functions that can be called."""

from collections.abc import Sequence
from ctypes import CFUNCTYPE, c_double, c_int64, c_void_p
from typing import TYPE_CHECKING, Any

from deltaplan.runtime.backends.native.image import Image, NotLoadedError

if TYPE_CHECKING:
    from deltaplan.runtime.backends.native.engine import Engine
    from deltaplan.runtime.backends.native.target import Target

TYPES = {"ptr": c_void_p, "i64": c_int64, "double": c_double}


class Library:
    """Object files that call each other as machine code in memory, freed with this object: a function of it
    must not be called afterwards. It is for the processor at hand unless another is named."""

    def __init__(self, objects: Sequence[bytes], target: "Target | None" = None) -> None:
        self._loaded = _loaded(objects, target)

    def function(self, name: str, parameters: Sequence[str], returns: str | None = None) -> Any:
        """The function `name`, which releases the GIL while it runs."""
        kind = CFUNCTYPE(TYPES[returns] if returns else None, *(TYPES[p] for p in parameters))
        return kind(self.address(name))

    def address(self, name: str) -> int:
        """Where the function `name` begins."""
        return self._loaded.address(name)


def _loaded(objects: Sequence[bytes], target: "Target | None") -> "Image | Engine":
    try:
        return Image(objects)
    except NotLoadedError:
        from deltaplan.runtime.backends.native.engine import Engine
        from deltaplan.runtime.backends.native.target import host

        return Engine(objects, target or host())
