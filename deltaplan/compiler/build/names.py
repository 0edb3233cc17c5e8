"""A word that nobody knows here: misspelt, misplaced, said in another tool's way, not built yet, or out of scope."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from deltaplan.compiler.build.context import Context, Told
from deltaplan.diagnostics import Diagnostic, Span, nearest


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownName(Diagnostic):
    code: ClassVar[str] = "unknown-name"
    title: ClassVar[str] = "unknown {kind} `{name}`{place}"
    label: ClassVar[str] = "similar name: `{similar}`"
    help: ClassVar[str] = "known: {known}"
    kind: str
    name: str
    similar: str | None
    place: str = ""  # " of `dense`"
    known: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotYetSupported(Diagnostic):
    code: ClassVar[str] = "not-yet-supported"
    title: ClassVar[str] = "{what} is not supported yet"
    help: ClassVar[str] = "{mend}"
    what: str
    mend: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutOfScope(Diagnostic):
    code: ClassVar[str] = "out-of-scope"
    title: ClassVar[str] = "`{name}` is out of scope: {topic} needs {needs}, which the language does not have"
    name: str
    topic: str
    needs: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherForm(Diagnostic):
    code: ClassVar[str] = "other-form"
    title: ClassVar[str] = "`{written}` is written otherwise here"
    label: ClassVar[str] = "write `{mend}`"
    written: str
    mend: str


RECURRENCE = ("recurrence", "loops over time")
ATTENTION = ("attention", "products of batches and masks")
EMBEDDING = ("an embedding", "look-ups by index and variable lengths")
OUT_OF_SCOPE = {
    **dict.fromkeys(("lstm", "gru", "rnn", "simple_rnn", "recurrent", "bidirectional"), RECURRENCE),
    **dict.fromkeys(("attention", "self_attention", "multi_head_attention", "transformer"), ATTENTION),
    **dict.fromkeys(("embedding", "embed", "positional_encoding"), EMBEDDING),
}

# What the language page has and this version does not, by what is expected in the place.
NOT_YET: dict[str, frozenset[str]] = {
    "line": frozenset({"import", "sweep", "assert", "activation", "loss", "regularizer", "schedule"}),
    "layer": frozenset(
        ["sparse", "conv", "max_pool", "avg_pool", "global_avg_pool", "upsample", "flatten", "reshape", "noise", "batch_norm", "layer_norm", "scale", "apply", "sub", "mul", "dropout", "add", "concat"]
    ),
    "activation": frozenset({"softmax"}),
    "loss": frozenset({"cross_entropy", "logistic", "absolute_error", "huber", "hinge"}),
    "regularizer": frozenset({"l1", "elastic", "spectral"}),
    "optimizer": frozenset({"adamw", "rmsprop", "adagrad", "lbfgs", "exact"}),
    "initializer": frozenset({"he", "glorot", "lecun", "orthogonal", "uniform", "normal", "zeros", "torch"}),
    "data line": frozenset(
        ["npz", "parquet", "images", "sklearn", "multiply", "augment", "missing", "part", "decimal", "delimiter"]
    ),
    "train line": frozenset(["clip", "stop_early", "keep", "only", "warm_start", "lr_scale", "record", "monitor"]),
    "option": frozenset({"freeze", "share", "weights"}),
    "schedule": frozenset({"step", "cosine", "linear", "warmup", "inv"}),
}

# The words of other tools, and ours.
FOREIGN = {
    "linear": "dense",
    "fc": "dense",
    "fully_connected": "dense",
    "affine": "dense",
    "hidden_layer": "dense",
    "add_layer": "dense",
    "conv2d": "conv",
    "concatenate": "concat",
    "cat": "concat",
    "mse": "squared_error",
    "mean_squared_error": "squared_error",
    "mseloss": "squared_error",
    "mae": "absolute_error",
    "l1_loss": "absolute_error",
    "crossentropy": "cross_entropy",
    "categorical_crossentropy": "cross_entropy",
    "bce": "logistic",
    "binary_crossentropy": "logistic",
    "swish": "silu",
    "logistic_sigmoid": "sigmoid",
    "none": "identity",
    "weight_decay": "l2",
    "learning_rate": "lr",
    "rate": "lr",
    "eta": "lr",
    "beta_1": "beta1",
    "beta_2": "beta2",
    "epsilon": "eps",
    "kernel_size": "kernel",
    "strides": "stride",
    "kernel_initializer": "init",
    "initializer": "init",
    "use_bias": "bias",
    "batch_size": "batch",
    "random_seed": "seed",
    "random_state": "seed",
    "max_iter": "epochs",
    "iterations": "steps",
    "dtype": "precision",
    "float": "float32",
    "double": "float64",
    "scale": "standardize",
    "normalize": "standardize",
    "features": "inputs",
    "labels": "targets",
    "target": "targets",
    "outputs": "output",
    "inputs": "input",
    "network": "model",
    "net": "model",
    "let": "param",
    "const": "param",
    "training": "train",
    "dataset": "data",
    "file": "csv",
    "shortcut": "residual",
    "skip": "residual",
    "include": "import",
    "plugin": "use",
}


def unknown(
    context: Context,
    kind: str,
    name: str,
    span: Span,
    known: Iterable[str],
    *,
    place: str = "",
    list_known: bool = False,
) -> Told:
    """Tells what is wrong with a word that is not among the known ones of its place."""
    known = sorted(known)
    plain = name.lower()
    if plain in OUT_OF_SCOPE:
        topic, needs = OUT_OF_SCOPE[plain]
        return context.refuse(OutOfScope(span=span, name=name, topic=topic, needs=needs))
    if name in NOT_YET.get(kind, ()) and name not in known:
        return context.refuse(NotYetSupported(span=span, what=f"the {kind} `{name}`"))
    if (ours := FOREIGN.get(plain)) in known or ours in NOT_YET.get(kind, ()):
        return context.refuse(OtherForm(span=span, written=name, mend=str(ours)))
    return context.refuse(
        UnknownName(
            span=span,
            kind=kind,
            name=name,
            similar=nearest(name, known),
            place=place,
            known=", ".join(f"`{each}`" for each in known) if list_known and known else None,
        )
    )
