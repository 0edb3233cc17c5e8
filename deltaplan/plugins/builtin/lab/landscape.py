"""The loss on planes and lines through θ."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from deltaplan.plugins.api import Findings, Functions, Panel, Picture, Sheet, Subject, Unfit
from deltaplan.plugins.builtin.lab.work import affordable, told

Vector = np.ndarray[Any, np.dtype[np.float64]]
GRIDS = (101, 51, 21)  # points along an axis
ENOUGH = 50  # samples, for which the grid is not made coarser
ROOM = 1.25  # of the way of training, that its plane reaches


@dataclass(frozen=True, slots=True)
class Around:
    """Where one looks: a grid of `points` along each axis from −reach to reach in lengths of a direction."""

    points: int | None
    reach: float
    pairs: int
    directions: str
    draw: int
    line: bool
    of: str
    part: str
    samples: int | None = None

    def view(self, subject: Subject) -> tuple[int, int]:
        """The points along each axis and the samples: those that are asked for, else the most of both that a
        net of this size allows."""
        most = subject.problem_on(self.part).samples
        for points in (self.points,) if self.points else GRIDS:
            planes = (1 if self.directions == "path" else self.pairs) * points ** (1 if self.line else 2)
            samples = min(self.samples or most, most)
            samples = samples if self.samples else affordable(subject, planes, samples, self.part)
            if samples >= min(most, ENOUGH):
                break
        return points, samples


@dataclass(frozen=True, slots=True)
class View:
    """The loss of one subject around θ: directions [1 or 2, size], values [points] or [points, points], the
    first direction along the last axis, and the way of training in their coordinates."""

    subject: Subject
    samples: int
    number: int
    directions: Vector
    steps: Vector
    values: Vector
    centre: float
    way: Vector | None

    @property
    def title(self) -> str:
        return f"{self.subject.name}, directions {self.number}"


def examine(subjects: Sequence[Subject], around: Around, surface: bool) -> Findings:
    """A picture for each subject and pair of directions, the grids, and how steep they are."""
    views = [view for subject in subjects for view in _views(subject, around)]
    unit = {"random": "‖θ‖", "filters": "the filters' norms", "path": "the way of training"}
    where = ("line" if around.line else "plane") + ("s" if len(views) > 1 else "")
    says = [
        f"{around.of} on {len(views)} {where} through θ, "
        f"{views[0].values.size:,} points each, in units of {unit[around.directions]}",
        *dict.fromkeys(s for view in views for s in told(view.subject, view.samples, around.part)),
    ]
    head = ("subject", "directions", "at the centre", "least", "median", "greatest", "local minima")
    rows = tuple(_row(view) for view in views)
    arrays: dict[str, Vector] = {"t": views[0].steps}
    for place, view in enumerate(views):
        arrays |= {f"values_{place}": view.values, f"directions_{place}": view.directions}
        arrays |= {f"way_{place}": view.way} if view.way is not None else {}
    picture = _lines(views, around) if around.line else _planes(views, around, surface)
    return Findings(tuple(says), (Sheet(head, rows),), arrays, picture)


def _views(subject: Subject, around: Around) -> Iterator[View]:
    points, samples = around.view(subject)
    problem = subject.problem_on(around.part, samples)
    value = problem.objective if around.of == "objective" else problem.loss
    count = 1 if around.directions == "path" else around.pairs
    for number in range(1, count + 1):
        directions = _directions(subject, around, number)
        reach = around.reach * (ROOM if around.directions == "path" else 1.0)
        steps = np.linspace(-reach, reach, points)
        found = _values(problem, subject.theta, around.of == "objective", directions, steps)
        centre = float(value(subject.theta))
        way = _way(subject, directions)
        yield View(subject, samples, number, directions, steps, found, centre, way)


def _values(problem: Functions, theta: Vector, of: bool, directions: Vector, steps: Vector) -> Vector:
    """[points], or [points, points] where the first direction goes along the last axis: one native call."""
    first, second = directions[0], directions[-1]
    a, b = (steps, 0.0 * steps) if len(directions) == 1 else np.meshgrid(steps, steps)
    return problem.plane(theta, first, second, a, b, objective=of)


def _directions(subject: Subject, around: Around, number: int) -> Vector:
    axes = 1 if around.line else 2
    if around.directions == "path":
        return _path_directions(subject, axes)
    draws = np.random.default_rng([around.draw, number])
    drawn = [draws.standard_normal(subject.theta.size) for _ in range(axes)]
    if around.directions == "filters":
        return np.array([_like_filters(subject, direction) for direction in drawn])
    length = float(np.linalg.norm(subject.theta)) or 1.0
    return np.array([direction * (length / np.linalg.norm(direction)) for direction in drawn])


def _like_filters(subject: Subject, direction: Vector) -> Vector:
    """Each row of a weight block as long as that of θ; what is no weight stays: Li et al., section 4."""
    scaled = direction.copy()
    own, wanted = subject.problem.split(scaled), subject.problem.split(subject.theta)
    for name, block in own.items():
        rows, like = block.reshape(len(block), -1), wanted[name].reshape(len(block), -1)
        if block.ndim < 2:
            block[...] = 0.0
        else:
            rows *= np.linalg.norm(like, axis=1, keepdims=True) / np.linalg.norm(rows, axis=1, keepdims=True)
    return scaled


def _path_directions(subject: Subject, axes: int) -> Vector:
    """The principal directions of the way to θ, as long as the way reaches."""
    if subject.recorded is None:
        raise Unfit(
            "has no way of training to look along", "`record parameters every=50` in `train` keeps one"
        )
    away = np.asarray(subject.recorded.theta, np.float64) - subject.theta
    if len(away) < axes + 1 or not away.any():
        raise Unfit("needs more points on the way of training", "record parameters more often")
    _, _, principal = np.linalg.svd(away, full_matrices=False)
    reach = abs(away @ principal[:axes].T).max(axis=0)
    return np.asarray(principal[:axes] * np.where(reach > 0, reach, 1.0)[:, None])


def _way(subject: Subject, directions: Vector) -> Vector | None:
    """The recorded θ in the coordinates of the plane, [k, axes]: their projections."""
    if subject.recorded is None:
        return None
    away = np.asarray(subject.recorded.theta, np.float64) - subject.theta
    return np.asarray(np.linalg.lstsq(directions.T, away.T, rcond=None)[0].T)


def _row(view: View) -> tuple[str | int | float, ...]:
    finite = view.values[np.isfinite(view.values)]
    stats = (float(finite.min()), float(np.median(finite)), float(finite.max()))
    return view.subject.name, view.number, view.centre, *stats, local_minima(view.values)


def local_minima(values: Vector) -> int:
    """Inner points of a grid that are below all their neighbours."""
    inner = (slice(1, -1),) * values.ndim
    lower = np.ones(values[inner].shape, bool)
    for shift in np.ndindex(*(3,) * values.ndim):
        if set(shift) != {1}:
            beside = tuple(slice(s, s + n - 2) for s, n in zip(shift, values.shape, strict=True))
            lower &= values[inner] < values[beside]
    return int(lower.sum())


def _planes(views: Sequence[View], around: Around, surface: bool) -> Picture:
    finite = np.concatenate([v.values[np.isfinite(v.values)] for v in views])
    low, high = float(finite.min()), float(finite.max())
    columns = max(sum(v.subject is views[0].subject for v in views), 1)
    panels = tuple(
        Panel(_surface(view, low, high, around.of), view.title, "3d")
        if surface
        else Panel(_contours(view, low, high, around.of, place % columns == columns - 1), view.title)
        for place, view in enumerate(views)
    )
    caption = f"The {around.of} around θ (cross) on planes of random directions, all on one scale."
    if around.directions == "path":
        caption = f"The {around.of} on the plane of the way of training, which ends at the cross."
    return Picture(panels, columns=columns, caption=caption, size=(4.2, 3.6))


def _contours(view: View, low: float, high: float, of: str, last: bool) -> Any:
    def draw(axes: Any) -> None:
        from matplotlib.colors import LogNorm, Normalize

        log = low > 0 and high > 5 * low
        levels = np.geomspace(low, high, 25) if log else np.linspace(low, high, 25)
        norm = LogNorm(low, high) if log else Normalize(low, high)
        filled = axes.contourf(view.steps, view.steps, view.values, levels, norm=norm, extend="both")
        axes.contour(view.steps, view.steps, view.values, levels[::3], colors="0.15", linewidths=0.4)
        if view.way is not None:
            axes.plot(view.way[:, 0], view.way[:, 1], ".-", color="#ff9d5c", linewidth=1, markersize=3)
        axes.plot(0, 0, "x", color="white", markersize=7, markeredgewidth=2)
        reach = float(view.steps[-1])
        axes.set(
            xlabel=r"$t_1$, along the first",
            ylabel=r"$t_2$, along the second",
            xlim=(-reach, reach),
            ylim=(-reach, reach),
        )
        axes.set_aspect("equal")
        axes.grid(False)
        if last:
            bar = axes.figure.colorbar(filled, ax=axes, label=of)
            if log:
                bar.set_ticks(_decades(low, high))
                bar.minorticks_off()

    return draw


def _decades(low: float, high: float) -> list[float]:
    first, last = int(np.ceil(np.log10(low))), int(np.floor(np.log10(high)))
    return [10.0**k for k in range(first, last + 1)] or [low, high]


def _surface(view: View, low: float, high: float, of: str) -> Any:
    def draw(axes: Any) -> None:
        log = low > 0 and high > 5 * low
        first, second = np.meshgrid(view.steps, view.steps)
        heights = np.log10(view.values) if log else view.values
        ends = (np.log10(low), np.log10(high)) if log else (low, high)
        axes.plot_surface(
            first, second, heights, cmap="cividis", vmin=ends[0], vmax=ends[1], rcount=80, ccount=80
        )
        axes.set(xlabel="first", ylabel="second", zlabel=f"log₁₀ {of}" if log else of, zlim=ends)

    return draw


def _lines(views: Sequence[View], around: Around) -> Picture:
    names = list(dict.fromkeys(view.subject.name for view in views))

    def draw(axes: Any) -> None:
        for view in views:
            place = names.index(view.subject.name)
            label = view.subject.name if view.number == 1 else None
            axes.plot(view.steps, view.values, color=f"C{place}", alpha=0.8, label=label)
        positive = all((view.values > 0).all() for view in views)
        axes.set(xlabel="along the direction", ylabel=around.of, yscale="log" if positive else "linear")
        axes.legend()

    caption = f"The {around.of} along lines through θ, at 0; a line each for every direction."
    return Picture((Panel(draw),), columns=1, caption=caption, size=(6.4, 4.0))
