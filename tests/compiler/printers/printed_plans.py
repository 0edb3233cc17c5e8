"""Computes a printed plan with numpy: what a reader would get by hand from its lines."""

import re
import unicodedata

import numpy as np

FUNCTIONS = {
    "where": np.where,
    "max": np.maximum,
    "abs": np.abs,
    "exp": np.exp,
    "expm1": np.expm1,
    "tanh": np.tanh,
    "sign": np.sign,
    "sigmoid": lambda u: 1 / (1 + np.exp(-u)),
    "log1p": np.log1p,
    "logaddexp": np.logaddexp,
    "sum": lambda u: u.sum(axis=0),
    "logsumexp": lambda u: np.log(np.exp(u).sum(axis=0)),
    "softmax": lambda u: np.exp(u) / np.exp(u).sum(axis=0),
    "pick": lambda u, y: u[y, np.arange(len(y))],
    "over_batch": lambda u: u.sum(axis=-1),
}


def functions(text, classes):
    """The functions of the section `where`, and onehot of so many classes."""
    found = {**FUNCTIONS, "onehot": lambda y: np.eye(classes)[y].T}
    for line in text.partition("\nwhere\n")[2].partition("\n\n")[0].splitlines():
        name, _, body = line.strip().partition("(u) = ")
        if body:
            code = python(body)
            found[identifier(name)] = lambda u, code=code: eval(code, {**found, "u": u})
    return found


def run(formulas, known, scope):
    """The values of all names after the formulas, in their order. `known` has those of the leaves by name; a
    sample is a column."""
    known = dict(known)
    for formula in formulas:
        text = formula.text.partition(" = ")[2] if formula.text.startswith("∂L") else formula.text
        for vector in re.findall(r"∂?θ\([^()]*\)", text):
            known[vector] = np.concatenate([known[name].ravel() for name in blocks(vector, known)])
        names = {identifier(name): value for name, value in known.items()}
        value = eval(python(text), {**scope, **names, "below": below(*formula.tensor.shape[:1])})
        if formula.sign == "=":
            known[formula.name] = value
        else:
            begin = 0
            for name in blocks(formula.name, known):
                size = known[name].size
                known[name], begin = value[begin : begin + size].reshape(known[name].shape), begin + size
    return known


def below(height=0):
    """[a; b]: one under the other; 0 fills up to the height."""

    def joined(*parts):
        rows = [part for part in parts if np.ndim(part)]
        missing = height - sum(len(part) for part in rows)
        return np.concatenate([*rows, np.zeros((missing, rows[0].shape[1]))])

    return joined


def blocks(vector, known):
    """The parameters that θ(W1…W3) stands for, or their gradients for ∂θ(W1…W3)."""
    first, _, last = vector.partition("(")[2].rstrip(")").partition("…")
    order = [name for name in known if re.fullmatch(r"W\d+", name)]
    order += [name for name in known if re.fullmatch(r"b\d+", name)]
    mark = "∂" if vector.startswith("∂") else ""
    return [mark + name for name in order[order.index(first) : order.index(last or first) + 1]]


def python(text):
    """A formula as Python: primes, transposes, products of matrices, sums over the batch."""
    code = re.sub(r"∂?θ\([^()]*\)", lambda m: identifier(m[0]), text.replace("^", "**"))
    code = re.sub(r"([^\W\d]\w*)\.([^\W\d]\w*)", r"\1_\2", code)
    code = re.sub(r"([^\W\d]\w*(?:\([\d.]+\))?)'\(", lambda m: f"{identifier(m[1])}_slope(", code)
    code = re.sub(r"Σ_B (\S+)", r"over_batch(\1)", code).replace("scale over_batch", "scale * over_batch")
    code = re.sub(r"\[([^\[\]]*); ([^\[\]]*)\]", r"below(\1, \2)", code)
    code = re.sub(r"(\d) (?=[^\W\d]\w*\()", r"\1 * ", code).replace(" ⊙ ", " * ").replace("ᵀ", ".T")
    return re.sub(r"([^\W\d]\w*(?:\.T)?) (?=[^\W\d])", r"\1 @ ", code)


def identifier(name):
    plain = unicodedata.normalize("NFKC", name)  # as Python reads names
    return re.sub(r"\W", "_", plain.replace("'", "_slope").replace("∂", "grad_"))
