"""The backward steps while they are written, and what flows to each adjoint."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from deltaplan.compiler.steps import Map, Reduce, Step, Tensor, View
from deltaplan.plugins.expressions import argument, const


class Tape:
    """The backward steps as they are written, and the contributions to each adjoint."""

    def __init__(self, steps: Iterable[Step], taken: Iterable[str]) -> None:
        self.steps: list[Step] = []
        self._names = {t.name for s in steps for t in (*s.inputs, *s.outputs)} | set(taken)
        self._parts: dict[Tensor, list[Tensor]] = {}
        self._sums: dict[Tensor, Tensor] = {}
        self._count = 0
        self.origin = ""

    def one(self, like: Tensor) -> Tensor:
        out = Tensor(self.fresh("one"), like.shape, like.batched)
        self.steps.append(Map(inputs=(), outputs=(out,), expressions=(const(1.0),), formula="1"))
        return out

    def add(self, tensor: Tensor, adjoint: Tensor) -> None:
        """One more contribution to the adjoint of `tensor`."""
        self._parts.setdefault(tensor, []).append(adjoint)

    def adjoint(self, tensor: Tensor) -> Tensor | None:
        """The sum of the contributions, written where it is first asked for."""
        if tensor not in self._sums:
            parts = self._parts.get(tensor)
            if not parts:
                return None
            self._sums[tensor] = parts[0] if len(parts) == 1 else self.sum(tensor, parts)
        return self._sums[tensor]

    def emit(self, step: Step) -> Tensor:
        self.steps.append(step)
        return step.output

    def fresh(self, name: str) -> str:
        while name in self._names:
            name += "\N{PRIME}"
        self._names.add(name)
        return name

    def temporary(self) -> str:
        self._count += 1
        return self.fresh(f"%b{self._count}")

    def final_names(self) -> dict[Tensor, Tensor]:
        """A temporary that is the whole adjoint of a named tensor gets its name."""
        owners: dict[Tensor, Tensor] = {}
        for tensor, parts in self._parts.items():
            if len(parts) == 1 and parts[0].name[0] == "%" and tensor.name[0] != "%":
                owners.setdefault(parts[0], tensor)
        return {
            part: replace(part, name=self.fresh(adjoint_name(tensor.name))) for part, tensor in owners.items()
        }

    def for_adjoint_of(self, tensor: Tensor) -> Tensor:
        """A new tensor for a contribution to the adjoint of `tensor`."""
        return Tensor(self.temporary(), tensor.shape, tensor.batched)

    def sum(self, tensor: Tensor, parts: Sequence[Tensor]) -> Tensor:
        """The sum of contributions to the adjoint of `tensor`."""
        is_named = not tensor.name.startswith("%")
        name = self.fresh(adjoint_name(tensor.name)) if is_named else self.temporary()
        out = Tensor(name, tensor.shape, tensor.batched)
        terms = [argument(f"x{i}") for i in range(len(parts))]
        total = sum(terms[1:], terms[0])
        formula = " + ".join(f"{{{i}}}" for i in reversed(range(len(parts))))
        return self.emit(
            Map(
                inputs=tuple(parts), outputs=(out,), expressions=(total,), origin=self.origin, formula=formula
            )
        )

    def sum_to(self, adjoint: Tensor, like: Tensor) -> Tensor:
        """Sums over the axes along which `like` was broadcast to the shape of `adjoint`."""
        extra = len(adjoint.shape) - len(like.shape)
        axes = tuple(
            axis
            for axis, length in enumerate(adjoint.shape)
            if axis < extra or (length > 1 and like.shape[axis - extra] == 1)
        )
        batch = adjoint.batched and not like.batched
        if not axes and not batch:
            return adjoint if adjoint.shape == like.shape else self.view(adjoint, like)
        summed = self._reduced(adjoint, like, axes, batch)
        return summed if summed.shape == like.shape else self.view(summed, like)

    def _reduced(self, adjoint: Tensor, like: Tensor, axes: tuple[int, ...], batch: bool) -> Tensor:
        shape = tuple(length for axis, length in enumerate(adjoint.shape) if axis not in axes)
        is_named = shape == like.shape and not like.name.startswith("%")
        name = self.fresh(adjoint_name(like.name)) if is_named else self.temporary()
        return self.emit(
            Reduce(
                inputs=(adjoint,),
                outputs=(Tensor(name, shape, adjoint.batched and not batch),),
                kind="sum",
                axes=axes,
                batch=batch,
                origin=self.origin,
                formula="Σ_B {0}" if batch and not axes else "",
            )
        )

    def view(self, tensor: Tensor, like: Tensor) -> Tensor:
        """The same numbers in the shape of `like`."""
        out = Tensor(self.temporary(), like.shape, tensor.batched)
        return self.emit(View(inputs=(tensor,), outputs=(out,), origin=self.origin))

    def broadcast(self, adjoint: Tensor, like: Tensor) -> Tensor:
        """A map that writes `adjoint` out in the shape of `like`."""
        if same_axes(adjoint, like):
            return adjoint
        out = Tensor(self.temporary(), like.shape, like.batched)
        return self.emit(
            Map(
                inputs=(adjoint,),
                outputs=(out,),
                expressions=(argument("x0"),),
                origin=self.origin,
                formula="{0}",
            )
        )


def adjoint_name(name: str) -> str:
    """∂L/∂(name) in the lecture's notation: δ for z, ∂W for W, dv for v."""
    match name[0], name[1:].isdecimal():
        case "z", True:
            return "δ" + name[1:]
        case "W" | "b", True:
            return "∂" + name
        case _:
            return "d" + name


def same_axes(first: Tensor, second: Tensor) -> bool:
    """Whether two tensors have one shape, with a batch or without."""
    return first.shape == second.shape and first.batched == second.batched
