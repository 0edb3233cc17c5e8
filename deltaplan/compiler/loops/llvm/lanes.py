"""Arithmetic on vectors of real numbers: each method writes one LLVM operation and gives its value's name."""

from deltaplan.compiler.loops.llvm.text import Text, constant_number, real_constant

BITS = {"float": 32, "double": 64}


class Lanes:
    """`count` real numbers side by side (1: a plain number), of type `float` or `double`.

    Operands are names of values of this shape: reals [count], integers [count] of the same width in bits
    (`i32` beside float, `i64` beside double), conditions [count]. `fma` tells whether the target multiplies
    and adds in one instruction; without, `fma` is two roundings.
    """

    __slots__ = (
        *("_called", "avx512", "bits", "condition", "count"),
        *("fma_here", "integer", "kind", "text", "type"),
    )

    def __init__(self, text: Text, kind: str, count: int, fma: bool = True, avx512: bool = False) -> None:
        self.text, self.kind, self.count = text, kind, count
        self.fma_here, self.avx512 = fma, avx512
        self.bits = BITS[kind]
        self._called: dict[str, str] = {}  # LLVM's functions that are declared
        self.type = self.of(kind)
        self.integer = self.of(f"i{self.bits}")
        self.condition = self.of("i1")

    def of(self, kind: str) -> str:
        """The type of `count` values of a kind."""
        return kind if self.count == 1 else f"<{self.count} x {kind}>"

    def const(self, value: float) -> str:
        number = real_constant(self.kind, value)
        return number if self.count == 1 else f"splat ({self.kind} {number})"

    def number(self, a: str) -> float | None:
        """The number that a constant of `const` is, None for a value."""
        return None if a.startswith("%") else constant_number(a.removeprefix(f"splat ({self.kind} "))

    def iconst(self, value: int) -> str:
        """An integer; negative ones in two's complement."""
        return str(value) if self.count == 1 else f"splat (i{self.bits} {value})"

    def splat(self, number: str) -> str:
        """A plain real number in all lanes."""
        if self.count == 1:
            return number
        one = self.text.value(f"insertelement {self.type} poison, {self.kind} {number}, i64 0")
        zeros = f"<{self.count} x i32> zeroinitializer"
        return self.text.value(f"shufflevector {self.type} {one}, {self.type} poison, {zeros}")

    def spread(self, vector: str, of: int, lane: int) -> str:
        """Lane `lane` of a vector of `of` lanes in all lanes."""
        kind = f"<{of} x {self.kind}>"
        if self.count == 1:
            return self.text.value(f"extractelement {kind} {vector}, i64 {lane}")
        mask = f"<{', '.join([f'i32 {lane}'] * self.count)}>" if lane else "zeroinitializer"
        return self.text.value(f"shufflevector {kind} {vector}, {kind} poison, <{self.count} x i32> {mask}")

    # real → real: `contract` lets a product and a sum become one fused operation
    def add(self, a: str, b: str) -> str:
        return self.text.value(f"fadd contract {self.type} {a}, {b}")

    def sub(self, a: str, b: str) -> str:
        return self.text.value(f"fsub contract {self.type} {a}, {b}")

    def mul(self, a: str, b: str) -> str:
        return self.text.value(f"fmul contract {self.type} {a}, {b}")

    def div(self, a: str, b: str) -> str:
        return self.text.value(f"fdiv {self.type} {a}, {b}")

    def neg(self, a: str) -> str:
        return self.text.value(f"fneg {self.type} {a}")

    def strict(self, operation: str, a: str, b: str) -> str:
        """`fadd`, `fsub` or `fmul` with its own rounding: it is never fused with another."""
        return self.text.value(f"{operation} {self.type} {a}, {b}")

    def fma(self, a: str, b: str, c: str) -> str:
        """a·b + c, with one rounding where the target can."""
        return self.intrinsic("fma" if self.fma_here else "fmuladd", a, b, c)

    def sqrt(self, a: str) -> str:
        return self.intrinsic("sqrt", a)

    def abs(self, a: str) -> str:
        return self.intrinsic("fabs", a)

    def copysign(self, a: str, sign: str) -> str:
        return self.intrinsic("copysign", a, sign)

    def intrinsic(self, name: str, *operands: str) -> str:
        """One of LLVM's functions from reals to a real: `rint`, `maximum` (which keeps NaN), …"""
        called = self._called.get(name)
        if called is None:
            suffix = (f"v{self.count}" if self.count > 1 else "") + f"f{self.bits}"
            self._called[name] = called = f"{self.type} @llvm.{name}.{suffix}"
            self.text.declare(f"{called}({', '.join([self.type] * len(operands))})")
        given = ", ".join([f"{self.type} {operand}" for operand in operands])
        return self.text.value(f"call {called}({given})")

    # conditions
    def compare(self, predicate: str, a: str, b: str) -> str:
        """`ogt`, `oge`, `oeq`, `uno` and so on: ordered ones are false for NaN."""
        return self.text.value(f"fcmp {predicate} {self.type} {a}, {b}")

    def logic(self, operation: str, a: str, b: str) -> str:
        """`and`, `or`, `xor` of two conditions."""
        return self.text.value(f"{operation} {self.condition} {a}, {b}")

    def invert(self, a: str) -> str:
        true = "true" if self.count == 1 else "splat (i1 true)"
        return self.text.value(f"xor {self.condition} {a}, {true}")

    def select(self, condition: str, a: str, b: str) -> str:
        return self.text.value(f"select {self.condition} {condition}, {self.type} {a}, {self.type} {b}")

    # the bits of reals
    def bits_of(self, a: str) -> str:
        return self.text.value(f"bitcast {self.type} {a} to {self.integer}")

    def real_of(self, bits: str) -> str:
        return self.text.value(f"bitcast {self.integer} {bits} to {self.type}")

    def to_int(self, a: str) -> str:
        """The whole number that a real in range is."""
        return self.text.value(f"fptosi {self.type} {a} to {self.integer}")

    def from_int(self, a: str) -> str:
        return self.text.value(f"sitofp {self.integer} {a} to {self.type}")

    def whole(self, operation: str, a: str, b: str) -> str:
        """`add`, `sub`, `mul`, `shl`, `lshr`, `ashr`, `and`, `or`, `xor` of integers."""
        return self.text.value(f"{operation} {self.integer} {a}, {b}")

    def compare_whole(self, predicate: str, a: str, b: str) -> str:
        """`eq`, `slt`, `ugt` and so on of integers."""
        return self.text.value(f"icmp {predicate} {self.integer} {a}, {b}")

    def select_whole(self, condition: str, a: str, b: str) -> str:
        return self.text.value(f"select {self.condition} {condition}, {self.integer} {a}, {self.integer} {b}")
