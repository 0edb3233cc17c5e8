"""Philox4x32-10 on lanes: uniform numbers from a counter, the same as on numpy."""

from deltaplan.compiler.loops.llvm.lanes import Lanes
from deltaplan.compiler.loops.llvm.text import Text

ROUNDS = 10
FACTORS = 0xD2511F53, 0xCD9E8D57
KEY_STEPS = 0x9E3779B9, 0xBB67AE85
LOW = 0xFFFFFFFF


class Words:
    """32-bit words in the lanes of 64-bit integers, so that a product of two fits."""

    def __init__(self, text: Text, count: int) -> None:
        self.text, self.count = text, count
        self.type = "i64" if count == 1 else f"<{count} x i64>"

    def const(self, value: int) -> str:
        return str(value) if self.count == 1 else f"splat (i64 {value})"

    def splat(self, value: str) -> str:
        if self.count == 1:
            return value
        one = self.text.value(f"insertelement {self.type} poison, i64 {value}, i64 0")
        zeros = f"<{self.count} x i32> zeroinitializer"
        return self.text.value(f"shufflevector {self.type} {one}, {self.type} poison, {zeros}")

    def do(self, operation: str, a: str, b: str) -> str:
        return self.text.value(f"{operation} {self.type} {a}, {b}")


def rounds(
    words: Words, counter: tuple[str, str, str, str], key: tuple[str, str]
) -> tuple[str, str, str, str]:
    """The four words of a counter under a key; all are values of the type of `words`."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for number in range(ROUNDS):
        if number:
            k0 = words.do("and", words.do("add", k0, words.const(KEY_STEPS[0])), words.const(LOW))
            k1 = words.do("and", words.do("add", k1, words.const(KEY_STEPS[1])), words.const(LOW))
        p0, p1 = (words.do("mul", words.const(f), c) for f, c in zip(FACTORS, (c0, c2), strict=True))
        h0, h1 = (words.do("lshr", p, words.const(32)) for p in (p0, p1))
        l0, l1 = (words.do("and", p, words.const(LOW)) for p in (p0, p1))
        c0, c1 = words.do("xor", words.do("xor", h1, c1), k0), l1
        c2, c3 = words.do("xor", words.do("xor", h0, c3), k1), l0
    return c0, c1, c2, c3


def draw(
    text: Text,
    lanes: Lanes,
    state: str,
    node: int,
    sample: str,
    group: str,
    nets: tuple[str, int] = ("0", 1),
) -> tuple[str, str, str, str]:
    """Four uniform numbers of 24 bits for each lane.

    `state` points to 32-bit words: the key's two and the step; with several `nets` (the first lane's, and how
    many there are) the first words of all keys, the second ones, and the step. `sample` holds the number of
    each sample in the bits of a real, `group` is a plain i64.
    """
    words = Words(text, lanes.count)
    net, count = nets
    step = words.splat(_word(text, state, 2 * count))
    if count == 1:
        key0, key1 = (words.splat(_word(text, state, place)) for place in range(2))
    else:
        key0, key1 = (_keys(text, words, state, net, place * count) for place in range(2))
    bits = lanes.bits_of(sample)
    if lanes.bits == 32:
        bits = text.value(f"zext {lanes.integer} {bits} to {words.type}")
    counter = step, words.const(node), bits, words.splat(group)
    return tuple(_fraction(text, lanes, words, w) for w in rounds(words, counter, (key0, key1)))  # type: ignore[return-value]


def _keys(text: Text, words: Words, state: str, net: str, begin: int) -> str:
    """A word of the key of each lane's net."""
    place = text.value(f"add i64 {net}, {begin}")
    pointer = text.value(f"getelementptr i32, ptr {state}, i64 {place}")
    kind = "i32" if words.count == 1 else f"<{words.count} x i32>"
    value = text.value(f"load {kind}, ptr {pointer}, align 4")
    return text.value(f"zext {kind} {value} to {words.type}")


def _word(text: Text, state: str, place: int) -> str:
    pointer = text.value(f"getelementptr i32, ptr {state}, i64 {place}")
    word = text.value(f"load i32, ptr {pointer}, align 4")
    return text.value(f"zext i32 {word} to i64")


def _fraction(text: Text, lanes: Lanes, words: Words, word: str) -> str:
    """The upper 24 bits of a word over 2²⁴."""
    high = words.do("lshr", word, words.const(8))
    short = text.value(f"trunc {words.type} {high} to {lanes.of('i32')}")
    whole = text.value(f"sitofp {lanes.of('i32')} {short} to {lanes.type}")
    return lanes.mul(whole, lanes.const(2.0**-24))
