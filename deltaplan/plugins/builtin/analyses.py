"""The instruments of the laboratory. Each is imported when it is used: a registry is made without numpy."""

from deltaplan.plugins.api import Attribute, Findings, Subject, analysis

SAMPLES = Attribute(
    "samples", "whole", default=1000, minimum=1, doc="samples of the training part, spread evenly"
)
LOW = Attribute("low", "number", doc="where the range of the input begins; a little before the data")
HIGH = Attribute("high", "number", doc="where the range of the input ends; a little after the data")
LINES = Attribute(
    "lines",
    "whole",
    minimum=1,
    maximum=10_000,
    doc="lines between samples; 50 if not given; of a large net fewer, and a part of each",
)


@analysis("kinks", LOW, HIGH, LINES)
def kinks(subject: Subject, low: float | None, high: float | None, lines: int | None) -> Findings:
    """The exact kinks and affine pieces of a net made of straight lines

    For one input every break point, the unit that bends there and the slopes on both sides; for two the
    regions; for more the kinks along lines between samples. A smooth net is told to have none.
    """
    from deltaplan.plugins.builtin.lab.kinks import examine

    return examine(subject, low, high, lines)


POINTS = Attribute(
    "points",
    "whole",
    minimum=3,
    maximum=1001,
    doc="points of each axis; 101 if not given, fewer for large nets",
)
SOME = Attribute(
    "samples", "whole", minimum=1, doc="samples, spread evenly; fewer for large nets if not given"
)
REACH = Attribute(
    "reach", "number", default=1.0, above=0, doc="how far each axis goes, in lengths of a direction"
)
PAIRS = Attribute("pairs", "whole", default=3, minimum=1, maximum=12, doc="pairs of directions")
DIRECTIONS = Attribute(
    "directions",
    "word",
    default="random",
    choices=("random", "filters", "path"),
    doc="random ones as long as the parameters; `filters` has each row of weights as long as the net's own, "
    "`path` is where training went",
)
DRAW = Attribute("draw", "whole", default=0, minimum=0, doc="seed of the directions")
LINE = Attribute("line", "boolean", default=False, doc="one direction instead of two")
SURFACE = Attribute("surface", "boolean", default=False, doc="surfaces in space instead of contours")
OF = Attribute(
    "of", "word", default="loss", choices=("loss", "objective"), doc="with the regularizers or without"
)
PART = Attribute("part", "text", default="train", doc="the part of the data")


@analysis("landscape", POINTS, REACH, PAIRS, DIRECTIONS, DRAW, LINE, SURFACE, OF, PART, SOME, several=True)
def landscape(
    subjects: tuple[Subject, ...],
    points: int | None,
    reach: float,
    pairs: int,
    directions: str,
    draw: int,
    line: bool,
    surface: bool,
    of: str,
    part: str,
    samples: int | None,
) -> Findings:
    """The loss around the parameters, on planes or lines through them

    Several runs are drawn on one scale. Where the spec records parameters, the way of training is drawn too.
    Directions by filters are those of Li et al., Visualizing the Loss Landscape of Neural Nets, 2018.
    """
    from deltaplan.plugins.builtin.lab.landscape import Around, examine

    return examine(subjects, Around(points, reach, pairs, directions, draw, line, of, part, samples), surface)


@analysis("norms")
def norms(subject: Subject) -> Findings:
    """‖θ‖ and ‖θ‖², the spectral and Frobenius norm of every weight matrix"""
    from deltaplan.plugins.builtin.lab.norms import examine

    return examine(subject)


@analysis("lipschitz")
def lipschitz(subject: Subject) -> Findings:
    """How steep the net can be: a proven bound by layer, slopes that it reaches, bounds of its outputs"""
    from deltaplan.plugins.builtin.lab.lipschitz import examine

    return examine(subject)


@analysis("gradients", SAMPLES)
def gradients(subject: Subject, samples: int) -> Findings:
    """‖z‖, ‖δ‖ and ‖∂L/∂W‖ layer by layer, beside their bounds: whether slopes vanish or explode

    At the start, along training where the spec says `record parameters`, and at the end of a run.
    """
    from deltaplan.plugins.builtin.lab.gradients import examine

    return examine(subject, samples)


@analysis("collapse")
def collapse(subject: Subject) -> Findings:
    """W and b of a net of affine maps alone, and what each layer's bias adds to b"""
    from deltaplan.plugins.builtin.lab.collapse import examine

    return examine(subject)


LAYER = Attribute("layer", "text", doc="the layer's name; the first one that is not dense if not given")


@analysis("matrix", LAYER)
def matrix(subject: Subject, layer: str | None) -> Findings:
    """A layer as the matrix that it is: convolution, pooling, sparse or dense"""
    from deltaplan.plugins.builtin.lab.matrix import examine

    return examine(subject, layer)


RANKED = Attribute("samples", "whole", default=200, minimum=1, doc="samples for the rank, spread evenly")


@analysis("overparameterization", RANKED)
def overparameterization(subject: Subject, samples: int) -> Findings:
    """Parameters beside samples, and whether small changes of all targets can be met"""
    from deltaplan.plugins.builtin.lab.overparameterization import examine

    return examine(subject, samples)


@analysis("convex")
def convex(subject: Subject) -> Findings:
    """The final layer as a convex problem, solved to its optimum, beside gradient training"""
    from deltaplan.plugins.builtin.lab.convex import examine

    return examine(subject)


@analysis("compare", several=True)
def compare(subjects: tuple[Subject, ...]) -> Findings:
    """Runs beside each other: losses, norms, slopes, and for one input their fits"""
    from deltaplan.plugins.builtin.lab.compare import examine

    return examine(subjects)


EIGENVALUES = Attribute(
    "eigenvalues", "whole", default=5, minimum=1, maximum=100, doc="how many of the Hessian"
)
RADIUS = Attribute("radius", "number", default=0.05, above=0, doc="how far to go from θ, in parts of ‖θ‖")
RANDOM = Attribute("directions", "whole", default=100, minimum=1, maximum=10_000, doc="random directions")


@analysis("flatness", SOME, EIGENVALUES, RADIUS, RANDOM, DRAW)
def flatness(
    subject: Subject, samples: int | None, eigenvalues: int, radius: float, directions: int, draw: int
) -> Findings:
    """How flat a minimum is, on average and for each sample: gradients, Hessian, sharpness

    The norm of every sample's gradient, the largest eigenvalues and the trace of the Hessian of the loss,
    and how much the loss rises at a distance, in random directions and in the worst that is found.
    """
    from deltaplan.plugins.builtin.lab.flatness import examine

    return examine(subject, samples, eigenvalues, radius, directions, draw)


SAMPLE = Attribute("sample", "whole", default=1, minimum=1, doc="which sample of the part, counted from 1")


@analysis("jacobian", SAMPLE, PART)
def jacobian(subject: Subject, sample: int, part: str) -> Findings:
    """The partial Jacobians of the layers at a sample: singular values, products, pictures"""
    from deltaplan.plugins.builtin.lab.jacobian import examine

    return examine(subject, sample, part)


@analysis("dead", SAMPLES, PART)
def dead(subject: Subject, samples: int, part: str) -> Findings:
    """Dead units, without a slope for any sample, and the rank of each layer's features"""
    from deltaplan.plugins.builtin.lab.dead import examine

    return examine(subject, samples, part)


NODE = Attribute("node", "text", doc="the node's name; what goes into the output if not given")


@analysis("features", NODE, PART, SAMPLES)
def features(subject: Subject, node: str | None, part: str, samples: int) -> Findings:
    """The features of the data at any node, and their principal components"""
    from deltaplan.plugins.builtin.lab.features import examine

    return examine(subject, node, part, samples)
