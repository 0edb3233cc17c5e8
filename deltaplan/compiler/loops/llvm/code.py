"""Control code in LLVM's text: variables, conditions and loops around the calls of kernels."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from deltaplan.compiler.loops.llvm.text import Text, real_constant
from deltaplan.records import dataclass

SIZES = {"i8": 1, "i32": 4, "i64": 8, "float": 4, "double": 8, "ptr": 8}
WHOLE = {"+": "add", "-": "sub", "*": "mul", "//": "sdiv", "%": "srem", "&": "and", "|": "or", "^": "xor"}
WHOLE |= {"<<": "shl", ">>": "lshr"}
REAL = {"+": "fadd", "-": "fsub", "*": "fmul", "/": "fdiv"}
FLUSH = 0x8040  # of the control word: subnormal results and operands are 0
COMPARE = {"<": "slt", "<=": "sle", ">": "sgt", ">=": "sge", "==": "eq", "!=": "ne"}
COMPARE_REAL = {"<": "olt", "<=": "ole", ">": "ogt", ">=": "oge", "==": "oeq", "!=": "une"}


@dataclass(frozen=True, slots=True)
class Value:
    """A value of type `i64`, `i1`, `float`, `double` or `ptr`, with Python's operators."""

    code: "Code"
    name: str
    type: str

    def __add__(self, other: "Operand") -> "Value":
        return self.code.operate("+", self, other)

    def __sub__(self, other: "Operand") -> "Value":
        return self.code.operate("-", self, other)

    def __mul__(self, other: "Operand") -> "Value":
        return self.code.operate("*", self, other)

    def __truediv__(self, other: "Operand") -> "Value":
        return self.code.operate("/", self, other)

    def __floordiv__(self, other: "Operand") -> "Value":
        return self.code.operate("//", self, other)

    def __mod__(self, other: "Operand") -> "Value":
        return self.code.operate("%", self, other)

    def __and__(self, other: "Operand") -> "Value":
        return self.code.operate("&", self, other)

    def __or__(self, other: "Operand") -> "Value":
        return self.code.operate("|", self, other)

    def __lshift__(self, other: "Operand") -> "Value":
        return self.code.operate("<<", self, other)

    def __rshift__(self, other: "Operand") -> "Value":
        return self.code.operate(">>", self, other)

    def __lt__(self, other: "Operand") -> "Value":
        return self.code.compare("<", self, other)

    def __le__(self, other: "Operand") -> "Value":
        return self.code.compare("<=", self, other)

    def __gt__(self, other: "Operand") -> "Value":
        return self.code.compare(">", self, other)

    def __ge__(self, other: "Operand") -> "Value":
        return self.code.compare(">=", self, other)

    def is_(self, other: "Operand") -> "Value":
        return self.code.compare("==", self, other)

    def is_not(self, other: "Operand") -> "Value":
        return self.code.compare("!=", self, other)

    def __invert__(self) -> "Value":
        return Value(self.code, self.code.text.value(f"xor i1 {self.name}, true"), "i1")


Operand = Value | int | float


@dataclass(frozen=True, slots=True)
class Variable:
    """A place on the stack that holds a value."""

    code: "Code"
    pointer: str
    type: str

    @property
    def value(self) -> Value:
        return Value(self.code, self.code.text.value(f"load {self.type}, ptr {self.pointer}"), self.type)

    def set(self, value: Operand) -> None:
        self.code.text.do(f"store {self.type} {self.code.name(value, self.type)}, ptr {self.pointer}")


class Code:
    """Writes the body of one function."""

    def __init__(self, text: Text) -> None:
        self.text = text

    @contextmanager
    def function(
        self,
        name: str,
        parameters: Sequence[tuple[str, str]],
        returns: str = "void",
        public: bool = False,
        light: bool = False,
    ) -> Iterator[dict[str, Value]]:
        """A function: its parameters as (type, name); the last statement of its body is a `give`. See
        `Text.function` for `light`."""
        given = [f"{kind} %{parameter}" for kind, parameter in parameters]
        with self.text.function(name, given, returns, "nounwind noinline", public, light):
            yield {parameter: Value(self, f"%{parameter}", kind) for kind, parameter in parameters}

    def give(self, value: Operand | None = None, kind: str = "i64") -> None:
        self.text.do("ret void" if value is None else f"ret {kind} {self.name(value, kind)}")

    def variable(self, kind: str, first: Operand) -> Variable:
        """A variable; they are all made at a function's beginning, outside its loops."""
        variable = Variable(self, self.text.value(f"alloca {kind}"), kind)
        variable.set(first)
        return variable

    def name(self, operand: Operand, kind: str) -> str:
        """An operand as LLVM writes it."""
        if isinstance(operand, Value):
            return operand.name
        return real_constant(kind, operand) if kind in ("float", "double") else str(int(operand))

    def operate(self, sign: str, a: Value, b: Operand) -> Value:
        operation = (REAL if a.type in ("float", "double") else WHOLE)[sign]
        return Value(self, self.text.value(f"{operation} {a.type} {a.name}, {self.name(b, a.type)}"), a.type)

    def compare(self, sign: str, a: Value, b: Operand) -> Value:
        real = a.type in ("float", "double")
        operation = f"fcmp {COMPARE_REAL[sign]}" if real else f"icmp {COMPARE[sign]}"
        return Value(self, self.text.value(f"{operation} {a.type} {a.name}, {self.name(b, a.type)}"), "i1")

    def select(self, condition: Value, a: Operand, b: Operand, kind: str) -> Value:
        chosen = f"select i1 {condition.name}, {kind} {self.name(a, kind)}, {kind} {self.name(b, kind)}"
        return Value(self, self.text.value(chosen), kind)

    def convert(self, value: Value, kind: str) -> Value:
        """A whole number or a real as a real of another type, or a 32-bit word as a whole number."""
        operations = {
            ("i64", "double"): "sitofp",
            ("i64", "float"): "sitofp",
            ("float", "double"): "fpext",
            ("double", "float"): "fptrunc",
            ("i32", "i64"): "zext",
            ("i64", "i32"): "trunc",
            ("i1", "i64"): "zext",
        }
        if value.type == kind:
            return value
        operation = operations[value.type, kind]
        return Value(self, self.text.value(f"{operation} {value.type} {value.name} to {kind}"), kind)

    # memory
    def place(self, pointer: Value, index: Operand, kind: str) -> Value:
        """The pointer to number `index` of an array."""
        name = self.name(index, "i64")
        return Value(self, self.text.value(f"getelementptr {kind}, ptr {pointer.name}, i64 {name}"), "ptr")

    def load(self, pointer: Value, index: Operand, kind: str, fresh: bool = False) -> Value:
        """Number `index` of an array; with `fresh`, what another thread wrote last."""
        place = self.place(pointer, index, kind).name
        if fresh:
            operation = f"load atomic {kind}, ptr {place} acquire, align {SIZES[kind]}"
        else:
            operation = f"load {kind}, ptr {place}, align {SIZES[kind]}"
        return Value(self, self.text.value(operation), kind)

    def store(self, pointer: Value, index: Operand, value: Operand, kind: str, shown: bool = False) -> None:
        """Writes number `index` of an array; with `shown`, after all that was written before."""
        place = self.place(pointer, index, kind).name
        name = self.name(value, kind)
        if shown:
            self.text.do(f"store atomic {kind} {name}, ptr {place} release, align {SIZES[kind]}")
        else:
            self.text.do(f"store {kind} {name}, ptr {place}, align {SIZES[kind]}")

    def call(self, name: str, operands: Sequence[Value], returns: str = "void") -> Value | None:
        given = ", ".join(f"{o.type} {o.name}" for o in operands)
        if returns == "void":
            self.text.do(f"call void @{name}({given})")
            return None
        return Value(self, self.text.value(f"call {returns} @{name}({given})"), returns)

    def copy(self, target: Value, source: Value, size: Operand) -> None:
        """`size` bytes from one place to another."""
        self.text.declare("void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)")
        name = self.name(size, "i64")
        self.text.do(
            f"call void @llvm.memcpy.p0.p0.i64(ptr {target.name}, ptr {source.name}, i64 {name}, i1 false)"
        )

    def clear(self, target: Value, size: Operand) -> None:
        """`size` bytes of zeros."""
        self.text.declare("void @llvm.memset.p0.i64(ptr, i8, i64, i1)")
        name = self.name(size, "i64")
        self.text.do(f"call void @llvm.memset.p0.i64(ptr {target.name}, i8 0, i64 {name}, i1 false)")

    @contextmanager
    def without_subnormals(self, here: bool) -> Iterator[None]:
        """On x86 numbers too small for a full mantissa count as 0 inside: each takes 100 times as long, and a
        moment that decays becomes one. What the caller had is put back."""
        if not here:
            yield
            return
        for name in ("stmxcsr", "ldmxcsr"):
            self.text.declare(f"void @llvm.x86.sse.{name}(ptr)")
        before, inside = (self.text.value("alloca i32") for _ in range(2))
        self.text.do(f"call void @llvm.x86.sse.stmxcsr(ptr {before})")
        state = self.text.value(f"load i32, ptr {before}")
        flushing = self.text.value(f"or i32 {state}, {FLUSH}")
        self.text.do(f"store i32 {flushing}, ptr {inside}")
        self.text.do(f"call void @llvm.x86.sse.ldmxcsr(ptr {inside})")
        yield
        self.text.do(f"call void @llvm.x86.sse.ldmxcsr(ptr {before})")

    # control
    @contextmanager
    def when(self, condition: Value) -> Iterator[None]:
        """What is done if a condition holds."""
        then, done = self.text.fresh("then"), self.text.fresh("done")
        self.text.branch(condition.name, then, done)
        self.text.begin(then)
        yield
        self.text.jump(done)
        self.text.begin(done)

    def choose(self, condition: Value, then: Callable[[], None], otherwise: Callable[[], None]) -> None:
        yes, no, done = (self.text.fresh(stem) for stem in ("then", "else", "done"))
        self.text.branch(condition.name, yes, no)
        for label, body in ((yes, then), (no, otherwise)):
            self.text.begin(label)
            body()
            self.text.jump(done)
        self.text.begin(done)

    @contextmanager
    def while_(self, condition: Callable[[], Value]) -> Iterator[None]:
        head, turn, done = (self.text.fresh(stem) for stem in ("while", "turn", "done"))
        self.text.jump(head)
        self.text.begin(head)
        self.text.branch(condition().name, turn, done)
        self.text.begin(turn)
        yield
        self.text.jump(head)
        self.text.begin(done)

    def each(self, count: Operand, body: Callable[[Value], None], begin: Operand = 0) -> None:
        """The body for begin, begin + 1, … below `count`; there may be none."""
        last = count if isinstance(count, Value) else Value(self, str(count), "i64")
        first = begin if isinstance(begin, Value) else Value(self, str(begin), "i64")
        with self.when(first < last):

            def turn(index: str, _: Sequence[str]) -> Sequence[str]:
                body(Value(self, index, "i64"))
                return ()

            self.text.loop(last.name, turn, begin=first.name)
