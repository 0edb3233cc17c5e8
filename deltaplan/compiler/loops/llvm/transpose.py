"""A matrix turned over its diagonal, in blocks that fit into registers."""

from collections.abc import Callable, Sequence

from deltaplan.compiler.loops.llvm.lanes import Lanes
from deltaplan.compiler.loops.llvm.text import Text
from deltaplan.compiler.loops.nest import Transpose


def transpose(text: Text, of: Callable[[int], Lanes], native: int, statement: Transpose) -> None:
    """Square blocks of `native` rows by shuffles. The last ones of a row or column begin earlier, where their
    whole side is left: some numbers are moved twice."""
    rows, columns = statement.source.shape
    writer = Writer(text, of, statement)
    side = min(native, 1 << (max(min(rows, columns), 1).bit_length() - 1))

    def block(row: str, column: str) -> None:
        writer.block(row, column, side)

    for each_row in _ranges(rows, side):
        for each_column in _ranges(columns, side):
            writer.area(each_row, each_column, block)


Range = tuple[int, int, int]  # begin, end, step


def _ranges(length: int, side: int) -> list[Range]:
    """Where blocks begin: side by side, then the last one at the end."""
    whole = length // side * side
    return [(0, whole, side), *([(length - side, length, side)] if length > whole else [])]


class Writer:
    """Writes the moves of one transposition."""

    def __init__(self, text: Text, of: Callable[[int], Lanes], statement: Transpose) -> None:
        self.text, self.of, self.statement = text, of, statement
        self.kind = of(1).kind
        self.size = of(1).bits // 8

    def area(self, rows: Range, columns: Range, move: Callable[[str, str], None]) -> None:
        """A move for each row and column of two ranges."""
        if rows[0] >= rows[1] or columns[0] >= columns[1]:
            return

        def each_row(row: str, _: Sequence[str]) -> Sequence[str]:
            def each_column(column: str, _: Sequence[str]) -> Sequence[str]:
                move(row, column)
                return ()

            self.text.loop(columns[1], each_column, step=columns[2], begin=columns[0])
            return ()

        self.text.loop(rows[1], each_row, step=rows[2], begin=rows[0])

    def block(self, row: str, column: str, side: int) -> None:
        """Pieces of 16 bytes go to their column when they are read; rounds that exchange neighbours at
        distance 1, 2, … turn what is within them."""
        source, target = self.statement.source, self.statement.target
        lanes, piece = self.of(side), min(side, 16 // self.size)
        first = self.place(source.name, row, source.shape[1], column)
        values = []
        for begin in range(0, side, piece):
            group = [
                self.collected(
                    [self.further(first, r * source.shape[1] + begin) for r in range(n, side, piece)], piece
                )
                for n in range(piece)
            ]
            distance = 1
            while distance < piece:
                group = self.exchanged(lanes, group, distance)
                distance *= 2
            values += group
        first = self.place(target.name, column, target.shape[1], row)
        for n, value in enumerate(values):
            place = self.further(first, n * target.shape[1])
            self.text.do(f"store {lanes.type} {value}, ptr {place}, align {self.size}")

    def collected(self, pointers: Sequence[str], piece: int) -> str:
        """Pieces of memory side by side."""
        count, kind = piece, self.of(piece).type
        parts = [self.text.value(f"load {kind}, ptr {p}, align {self.size}") for p in pointers]
        while len(parts) > 1:
            both = range(2 * count)
            parts = [
                self.mix(self.of(count), a, b, both) for a, b in zip(parts[::2], parts[1::2], strict=True)
            ]
            count *= 2
        return parts[0]

    def exchanged(self, lanes: Lanes, values: Sequence[str], distance: int) -> list[str]:
        n = lanes.count
        found = list(values)
        low = [i if not i & distance else n + i - distance for i in range(n)]
        high = [i + distance if not i & distance else n + i for i in range(n)]
        for row in range(len(values)):
            if not row & distance:
                a, b = values[row], values[row + distance]
                found[row], found[row + distance] = self.mix(lanes, a, b, low), self.mix(lanes, a, b, high)
        return found

    def mix(self, lanes: Lanes, a: str, b: str, mask: Sequence[int]) -> str:
        numbers = ", ".join(f"i32 {m}" for m in mask)
        kind = lanes.type
        return self.text.value(f"shufflevector {kind} {a}, {kind} {b}, <{len(mask)} x i32> <{numbers}>")

    def place(self, name: str, row: str, stride: int, column: str) -> str:
        begin = self.text.value(f"mul nsw i64 {row}, {stride}")
        offset = self.text.value(f"add nsw i64 {begin}, {column}")
        return self.text.value(f"getelementptr inbounds {self.kind}, ptr %{name}, i64 {offset}")

    def further(self, pointer: str, numbers: int) -> str:
        if not numbers:
            return pointer
        return self.text.value(f"getelementptr inbounds {self.kind}, ptr {pointer}, i64 {numbers}")
