"""What AVX-512 has an instruction for, on whole vectors of 512 bits."""

from collections.abc import Callable

from deltaplan.compiler.loops.llvm.lanes import Lanes

SUFFIX = {32: "ps", 64: "pd"}
NEAREST = 4  # rounded as all else is
FROM_THREE_QUARTERS, NAN_IF_NEGATIVE = 3 << 2, 3


def fits(lanes: Lanes) -> bool:
    """Whether the target has AVX-512, and so many lanes are whole vectors of it."""
    bits = lanes.count * lanes.bits
    return lanes.avx512 and bits % 512 == 0 and lanes.count & (lanes.count - 1) == 0


def times_two_to(lanes: Lanes, a: str, n: str) -> str:
    """a·2ⁿ for a whole real n, rounded once: subnormal numbers, 0 and ∞ come as they should."""
    return in_parts(
        lanes, lambda part, x, y: _call(part, "mask.scalef", [x, y], [], [f"i32 {NEAREST}"]), a, n
    )


def exponent(lanes: Lanes, a: str) -> str:
    """⌊log₂|a|⌋ as a real; −∞ of 0, ∞ of ∞."""
    return in_parts(lanes, lambda part, x: _call(part, "mask.getexp", [x], [], [f"i32 {NEAREST}"]), a)


def fraction(lanes: Lanes, a: str) -> str:
    """m with a = 2ᵏ·m and ¾ ≤ m < 1½; 1 of 0 and of ∞, NaN of what is below."""
    form = f"i32 {FROM_THREE_QUARTERS | NAN_IF_NEGATIVE}"
    return in_parts(lanes, lambda part, x: _call(part, "mask.getmant", [x], [form], [f"i32 {NEAREST}"]), a)


def estimate(lanes: Lanes, name: str, a: str) -> str:
    """`rcp14` or `rsqrt14`: 1/a or 1/√a to 14 bits."""
    return in_parts(lanes, lambda part, x: _call(part, name, [x], [], []), a)


def in_parts(lanes: Lanes, operation: Callable[..., str], *operands: str) -> str:
    """An operation on vectors of 512 bits, `operation(lanes, *operands)`, on each such part of wider ones."""
    width = 512 // lanes.bits
    if lanes.count == width:
        return operation(lanes, *operands)
    part = Lanes(lanes.text, lanes.kind, width, lanes.fma_here, lanes.avx512)
    begins = range(0, lanes.count, width)
    return _joined(
        lanes, [operation(part, *(_cut(lanes, a, begin, width) for a in operands)) for begin in begins]
    )


def _cut(lanes: Lanes, a: str, begin: int, width: int) -> str:
    mask = ", ".join(f"i32 {begin + i}" for i in range(width))
    return lanes.text.value(f"shufflevector {lanes.type} {a}, {lanes.type} poison, <{width} x i32> <{mask}>")


def _joined(lanes: Lanes, parts: list[str]) -> str:
    while len(parts) > 1:
        half = lanes.count // len(parts)
        kind = f"<{half} x {lanes.kind}>"
        mask = ", ".join(f"i32 {i}" for i in range(2 * half))
        parts = [
            lanes.text.value(f"shufflevector {kind} {a}, {kind} {b}, <{2 * half} x i32> <{mask}>")
            for a, b in zip(parts[::2], parts[1::2], strict=True)
        ]
    return parts[0]


def _call(lanes: Lanes, name: str, operands: list[str], forms: list[str], rounding: list[str]) -> str:
    """A call in all lanes: operands, forms, what masked lanes would have, the mask, the rounding."""
    function = f"@llvm.x86.avx512.{name}.{SUFFIX[lanes.bits]}.512"
    reals = [f"{lanes.type} {operand}" for operand in operands]
    given = [*reals, *forms, f"{lanes.type} zeroinitializer", f"i{lanes.count} -1", *rounding]
    types = ", ".join(argument.rsplit(" ", 1)[0] for argument in given)
    lanes.text.declare(f"{lanes.type} {function}({types})")
    return lanes.text.value(f"call {lanes.type} {function}({', '.join(given)})")
