"""Colours and type of all pictures: Okabe and Ito's palette, which colour-blind readers can tell apart.

Plain rules without variables, so that old converters read them too; those without media queries draw the
light page.
"""

from dataclasses import dataclass

FONT = 13
SMALL = 12
TITLE = 15
PICTURE = "deltaplan"  # the class of every picture


@dataclass(frozen=True, slots=True)
class Rules:
    """What one kind of picture adds, a rule a line: shapes, and the colours on light and dark pages."""

    shapes: str = ""
    light: str = ""
    dark: str = ""


def style(dark: bool | None = None, more: Rules = Rules()) -> str:
    """The rules: light with a dark alternative, or one of the two alone."""
    shapes, lights, darks = _SHAPES + more.shapes, _LIGHT + more.light, _DARK + more.dark
    if dark is not None:
        return _scoped(shapes + (darks if dark else lights))
    indented = "".join(f"  {line}\n" for line in _scoped(darks).splitlines())
    return f"{_scoped(shapes + lights)}@media (prefers-color-scheme: dark) {{\n{indented}}}\n"


def _scoped(rules: str) -> str:
    """The rules for our pictures alone: inside a page, a style counts for the whole of it."""
    lines = (rule.partition(" {") for rule in rules.splitlines())
    return "".join(
        f"{', '.join(f'.{PICTURE} {s}' for s in selectors.split(', '))} {{{body}\n"
        for selectors, _, body in lines
    )


_SHAPES = f"""\
text {{ font-family: system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; font-size: {FONT}px }}
.title {{ font-size: {TITLE}px; font-weight: 600 }}
.tick {{ font-size: {SMALL}px }}
.grid, .axis {{ stroke-width: 1; shape-rendering: crispEdges }}
.line {{ fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round }}
.mark {{ stroke-width: 1.5 }}
"""

_LIGHT = """\
.page { fill: #ffffff }
text { fill: #1f2328 }
.tick { fill: #57606a }
.grid { stroke: #e4e7eb }
.axis { stroke: #8c959f }
.line.train, .mark.train { stroke: #0072b2 }
.line.validation, .mark.validation { stroke: #d55e00 }
.line.test, .mark.test { stroke: #009e73 }
.line.model { stroke: #1f2328 }
.mark.train { fill: #0072b2 }
.mark.validation, .mark.test { fill: #ffffff }
"""

_DARK = """\
.page { fill: #14181d }
text { fill: #e6e9ed }
.tick { fill: #a5adb8 }
.grid { stroke: #2a313a }
.axis { stroke: #6b7480 }
.line.train, .mark.train { stroke: #56b4e9 }
.line.validation, .mark.validation { stroke: #e69f00 }
.line.test, .mark.test { stroke: #2cc295 }
.line.model { stroke: #f0f3f6 }
.mark.train { fill: #56b4e9 }
.mark.validation, .mark.test { fill: #14181d }
"""
