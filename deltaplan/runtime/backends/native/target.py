"""The processor that code is made for: its name, its features, and what schedules need to know of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import llvmlite.binding as llvm

from deltaplan.compiler.loops.llvm.lower import Width
from deltaplan.compiler.loops.schedule.axes import Machine
from deltaplan.records import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """A processor as LLVM names it. `vector` is the width of its widest vectors in bytes, `registers` how
    many of them there are, `fma` whether it multiplies and adds in one instruction."""

    triple: str
    cpu: str
    features: str
    vector: int
    registers: int
    fma: bool

    @property
    def width(self) -> Width:
        """What the lowering needs to know of it."""
        pause = "llvm.x86.sse2.pause" if self.triple.startswith("x86_64") else ""
        return Width(self.vector, self.fma, estimates=self.vector == 64, pause=pause)

    def schedule(self, itemsize: int) -> Machine:
        """What schedules for numbers of so many bytes need to know of it."""
        return Machine(self.vector // itemsize, self.registers)

    def machine(self, effort: int = 3) -> llvm.TargetMachine:
        """LLVM's own object for it, with code placed as it is for functions called in this process. The
        `effort` that is spent on code is one of its levels of optimization."""
        prepare(self.triple == llvm.get_process_triple())
        target = llvm.Target.from_triple(self.triple)
        return target.create_target_machine(
            cpu=self.cpu,
            features=self.features,
            opt=effort,
            reloc="default",
            codemodel="jitdefault",
            jit=True,
        )

    @contextmanager
    def lent(self, effort: int) -> Iterator[tuple[llvm.TargetMachine, str]]:
        """Such an object for one thread, and what a module for it begins with; what LLVM works out of a
        processor (2.5 ms) stays with the object."""
        free = _free.setdefault((self, effort), [])
        try:
            found = free.pop()
        except IndexError:
            machine = self.machine(effort)
            head = f'target datalayout = "{machine.target_data}"\ntarget triple = "{self.triple}"\n'
            found = machine, head
        yield found
        free.append(found)


_free: dict[tuple[Target, int], list[tuple[llvm.TargetMachine, str]]] = {}  # with which no thread works


@cache
def host() -> Target:
    """The processor at hand. LLVM guesses its name, so its features are stated in full."""
    found = llvm.get_host_cpu_features()
    return target(llvm.get_process_triple(), llvm.get_host_cpu_name(), found.flatten(), frozenset(_on(found)))


def target(triple: str, cpu: str, features: str, on: frozenset[str]) -> Target:
    """A processor with the features `on`."""
    if triple.startswith(("aarch64", "arm64")):
        return Target(triple, cpu, features, vector=16, registers=32, fma=True)
    if {"avx512f", "avx512vl", "avx512dq", "avx512bw"} <= on:
        return Target(triple, cpu, features, vector=64, registers=32, fma=True)
    if "avx2" in on:
        return Target(triple, cpu, features, vector=32, registers=16, fma="fma" in on)
    return Target(triple, cpu, features, vector=16, registers=16, fma=False)


NAMED = {
    "avx512": (
        "x86_64-unknown-linux-gnu",
        "skylake-avx512",
        ("avx512f", "avx512vl", "avx512dq", "avx512bw", "fma"),
    ),
    "avx2": ("x86_64-unknown-linux-gnu", "haswell", ("avx2", "fma")),
    "x86-64": ("x86_64-unknown-linux-gnu", "x86-64", ()),
    "aarch64": ("aarch64-unknown-linux-gnu", "generic", ("neon",)),
}


def named(name: str) -> Target:
    """One of the processors that code can be made for without having it: a key of `NAMED`."""
    triple, cpu, on = NAMED[name]
    return target(triple, cpu, ",".join(f"+{feature}" for feature in on), frozenset(on))


@cache
def prepare(native: bool) -> None:
    """LLVM's code generators: that of this processor, or all."""
    if native:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
    else:
        llvm.initialize_all_targets()
        llvm.initialize_all_asmprinters()


def _on(features: llvm.FeatureMap) -> list[str]:
    return [name for name, there in features.items() if there]
