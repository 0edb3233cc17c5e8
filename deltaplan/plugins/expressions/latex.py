"""An expression as typeset mathematics: LaTeX for papers, MathML for pages."""

from collections.abc import Mapping
from math import isinf, isnan
from xml.sax.saxutils import escape

from deltaplan.plugins.expressions.algebra import Expr, is_const
from deltaplan.plugins.expressions.ops import Op
from deltaplan.plugins.expressions.transform import walk
from deltaplan.records import dataclass

CONDITION, SUM, PRODUCT, MINUS, POWER, ATOM = 1, 2, 3, 4, 5, 6  # how tightly a form binds, as in `text`
Piece = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Form:
    """How an operation is written: `{0}` and so on are the operands, which are put in parentheses where they
    bind less tightly than `least` says."""

    template: str
    binds: int
    least: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Script:
    """A way to typeset: a form for each operation, parentheses, and the templates of names and numbers."""

    forms: Mapping[Op, Form]
    parentheses: str
    letter: str
    word: str
    number: str
    power_of_ten: str
    infinity: str
    greek: Mapping[str, str]


def to_latex(expr: Expr, names: Mapping[str, str] | None = None) -> str:
    """`u + \\frac{\\sin(a u)^{2}}{a}`; `names` gives other letters to arguments."""
    return _typeset(expr, LATEX, names or {})


def to_mathml(expr: Expr, names: Mapping[str, str] | None = None) -> str:
    """The same as a <math> element, which browsers show without any script."""
    return f"<math display='block'><mrow>{_typeset(expr, MATHML, names or {})}</mrow></math>"


def _typeset(expr: Expr, script: Script, names: Mapping[str, str]) -> str:
    pieces: dict[Expr, Piece] = {}
    for e in walk(expr):
        pieces[e] = _piece(e, [pieces[a] for a in e.args], script, names)
    return pieces[expr][0]


def _piece(e: Expr, operands: list[Piece], script: Script, names: Mapping[str, str]) -> Piece:
    if e.op is Op.CONST:
        return _number(e.value or 0.0, script)
    if e.op is Op.ARG:
        return _name(names.get(e.name or "", e.name or ""), script), ATOM
    if e.op is Op.LOGADDEXP and is_const(e.args[0], 0):
        power = script.forms[Op.EXP].template.format(operands[1][0])
        return script.forms[Op.LOG1P].template.format(power), ATOM
    if e.op is Op.CALL:
        given = ", ".join(text for text, _ in operands)
        return _name(e.name or "", script) + script.parentheses.format(given), ATOM
    form = script.forms[e.op]
    texts = [
        text if binds >= least else script.parentheses.format(text)
        for (text, binds), least in zip(operands, form.least, strict=True)
    ]
    return form.template.format(*texts), form.binds


def _name(name: str, script: Script) -> str:
    if len(name) == 1:
        return script.letter.format(escape(name))
    if name in script.greek:
        return script.greek[name]
    return script.word.format(escape(name).replace("_", "\\_") if script is LATEX else escape(name))


def _number(value: float, script: Script) -> Piece:
    if isinf(value) or isnan(value):
        text = script.word.format("NaN") if isnan(value) else script.infinity
        return (f"{script.number.format('-')}{text}", MINUS) if value < 0 else (text, ATOM)
    mantissa, _, exponent = repr(value).removesuffix(".0").partition("e")
    binds = MINUS if value < 0 else ATOM
    if not exponent:
        return script.number.format(mantissa), binds
    return script.power_of_ten.format(mantissa, int(exponent)), min(binds, PRODUCT)


def _function(name: str, count: int = 1) -> Form:
    return Form(name + "({0})" if count == 1 else name + "({0}, {1})", ATOM, (0,) * count)


_WORDS = ("alpha", "beta", "gamma", "delta", "tau", "eps", "lambda", "sigma", "mu", "eta", "rho", "theta")

LATEX = Script(
    forms={
        Op.NEG: Form("-{0}", MINUS, (MINUS,)),
        Op.ADD: Form("{0} + {1}", SUM, (SUM, PRODUCT)),
        Op.SUB: Form("{0} - {1}", SUM, (SUM, PRODUCT)),
        Op.MUL: Form(r"{0} \, {1}", PRODUCT, (PRODUCT, POWER)),
        Op.DIV: Form(r"\frac{{{0}}}{{{1}}}", ATOM - 1, (0, 0)),
        Op.POW: Form("{{{0}}}^{{{1}}}", POWER, (ATOM, 0)),
        Op.EXP: Form("e^{{{0}}}", POWER, (0,)),
        Op.EXPM1: Form(r"\left(e^{{{0}}} - 1\right)", ATOM, (0,)),
        Op.LOG: _function(r"\log"),
        Op.LOG1P: Form(r"\log(1 + {0})", ATOM, (PRODUCT,)),
        Op.SQRT: Form(r"\sqrt{{{0}}}", ATOM, (0,)),
        Op.SIN: _function(r"\sin"),
        Op.COS: _function(r"\cos"),
        Op.TANH: _function(r"\tanh"),
        Op.SIGMOID: _function(r"\operatorname{{sigmoid}}"),
        Op.LOGADDEXP: Form(r"\log\left(e^{{{0}}} + e^{{{1}}}\right)", ATOM, (0, 0)),
        Op.ERF: _function(r"\operatorname{{erf}}"),
        Op.ABS: Form(r"\left|{0}\right|", ATOM, (0,)),
        Op.SIGN: _function(r"\operatorname{{sign}}"),
        Op.MAX: _function(r"\max", 2),
        Op.MIN: _function(r"\min", 2),
        Op.GT: Form("{0} > {1}", CONDITION, (SUM, SUM)),
        Op.GE: Form(r"{0} \ge {1}", CONDITION, (SUM, SUM)),
        Op.EQ: Form("{0} = {1}", CONDITION, (SUM, SUM)),
        Op.NOT: Form(r"\neg ({0})", ATOM, (0,)),
        Op.AND: Form(r"{0} \wedge {1}", 0, (CONDITION, CONDITION)),
        Op.OR: Form(r"{0} \vee {1}", 0, (CONDITION, CONDITION)),
        Op.WHERE: Form(
            r"\begin{{cases}} {1} & \text{{if }} {0} \\ {2} & \text{{else}} \end{{cases}}", 0, (0, 0, 0)
        ),
        Op.SUM: Form(r"\sum_i {0}", SUM, (PRODUCT,)),
        Op.MEAN: Form(r"\frac{{1}}{{n}} \sum_i {0}", SUM, (PRODUCT,)),
        Op.AMAX: Form(r"\max_i {0}", PRODUCT, (PRODUCT,)),
        Op.LOGSUMEXP: Form(r"\log \sum_i e^{{{0}}}", PRODUCT, (0,)),
        Op.PICK: Form("{{{0}}}_{{{1}}}", ATOM, (ATOM, 0)),
        Op.SPECTRAL: Form(r"\left\|{0}\right\|_2", ATOM, (0,)),
    },
    parentheses=r"\left({0}\right)",
    letter="{0}",
    word=r"\mathrm{{{0}}}",
    number="{0}",
    power_of_ten=r"{0} \cdot 10^{{{1}}}",
    infinity=r"\infty",
    greek={word: rf"\{'varepsilon' if word == 'eps' else word}" for word in _WORDS},
)


def _call(name: str, count: int = 1) -> Form:
    operands = "<mo>,</mo>".join(f"{{{i}}}" for i in range(count))
    return Form(f"<mrow><mi>{name}</mi><mo>(</mo>{operands}<mo>)</mo></mrow>", ATOM, (0,) * count)


def _between(sign: str, binds: int, least: tuple[int, int]) -> Form:
    return Form(f"<mrow>{{0}}<mo>{sign}</mo>{{1}}</mrow>", binds, least)


def _raised(base: str, power: str) -> str:
    return f"<msup><mrow>{base}</mrow><mrow>{power}</mrow></msup>"


_E = _raised("<mi>e</mi>", "{0}")
_SIGMA = "<munder><mo>∑</mo><mi>i</mi></munder>"
_CASE = "<mtr><mtd>{}</mtd><mtd>{}</mtd></mtr>"

MATHML = Script(
    forms={
        Op.NEG: Form("<mrow><mo>−</mo>{0}</mrow>", MINUS, (MINUS,)),
        Op.ADD: _between("+", SUM, (SUM, PRODUCT)),
        Op.SUB: _between("−", SUM, (SUM, PRODUCT)),
        Op.MUL: _between("&#x2009;", PRODUCT, (PRODUCT, POWER)),
        Op.DIV: Form("<mfrac><mrow>{0}</mrow><mrow>{1}</mrow></mfrac>", ATOM - 1, (0, 0)),
        Op.POW: Form(_raised("{0}", "{1}"), POWER, (ATOM, 0)),
        Op.EXP: Form(_E, POWER, (0,)),
        Op.EXPM1: Form(f"<mrow><mo>(</mo>{_E}<mo>−</mo><mn>1</mn><mo>)</mo></mrow>", ATOM, (0,)),
        Op.LOG: _call("log"),
        Op.LOG1P: Form(
            "<mrow><mi>log</mi><mo>(</mo><mn>1</mn><mo>+</mo>{0}<mo>)</mo></mrow>", ATOM, (PRODUCT,)
        ),
        Op.SQRT: Form("<msqrt>{0}</msqrt>", ATOM, (0,)),
        Op.SIN: _call("sin"),
        Op.COS: _call("cos"),
        Op.TANH: _call("tanh"),
        Op.SIGMOID: _call("sigmoid"),
        Op.LOGADDEXP: Form(
            f"<mrow><mi>log</mi><mo>(</mo>{_E}<mo>+</mo>{_E.replace('{0}', '{1}')}<mo>)</mo></mrow>",
            ATOM,
            (0, 0),
        ),
        Op.ERF: _call("erf"),
        Op.ABS: Form("<mrow><mo>|</mo>{0}<mo>|</mo></mrow>", ATOM, (0,)),
        Op.SIGN: _call("sign"),
        Op.MAX: _call("max", 2),
        Op.MIN: _call("min", 2),
        Op.GT: _between("&gt;", CONDITION, (SUM, SUM)),
        Op.GE: _between("≥", CONDITION, (SUM, SUM)),
        Op.EQ: _between("=", CONDITION, (SUM, SUM)),
        Op.NOT: Form("<mrow><mo>¬</mo><mo>(</mo>{0}<mo>)</mo></mrow>", ATOM, (0,)),
        Op.AND: _between("∧", 0, (CONDITION, CONDITION)),
        Op.OR: _between("∨", 0, (CONDITION, CONDITION)),
        Op.WHERE: Form(
            "<mrow><mo>{{</mo><mtable columnalign='left'>"
            + _CASE.format("{1}", "<mtext>if&#xA0;</mtext>{0}")
            + _CASE.format("{2}", "<mtext>else</mtext>")
            + "</mtable></mrow>",
            0,
            (0, 0, 0),
        ),
        Op.SUM: Form(f"<mrow>{_SIGMA}{{0}}</mrow>", SUM, (PRODUCT,)),
        Op.MEAN: Form(f"<mrow><mfrac><mn>1</mn><mi>n</mi></mfrac>{_SIGMA}{{0}}</mrow>", SUM, (PRODUCT,)),
        Op.AMAX: Form("<mrow><munder><mi>max</mi><mi>i</mi></munder>{0}</mrow>", PRODUCT, (PRODUCT,)),
        Op.LOGSUMEXP: Form(f"<mrow><mi>log</mi>{_SIGMA}{_E}</mrow>", PRODUCT, (0,)),
        Op.PICK: Form("<msub><mrow>{0}</mrow><mrow>{1}</mrow></msub>", ATOM, (ATOM, 0)),
        Op.SPECTRAL: Form("<msub><mrow><mo>‖</mo>{0}<mo>‖</mo></mrow><mn>2</mn></msub>", ATOM, (0,)),
    },
    parentheses="<mrow><mo>(</mo>{0}<mo>)</mo></mrow>",
    letter="<mi>{0}</mi>",
    word="<mi mathvariant='normal'>{0}</mi>",
    number="<mn>{0}</mn>",
    power_of_ten="<mrow><mn>{0}</mn><mo>·</mo>" + _raised("<mn>10</mn>", "<mn>{1}</mn>") + "</mrow>",
    infinity="<mi>∞</mi>",
    greek={word: f"<mi>{letter}</mi>" for word, letter in zip(_WORDS, "αβγδτελσμηρθ", strict=True)},
)
