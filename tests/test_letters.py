"""Our notation on a terminal that has ASCII alone."""

import pytest

from deltaplan.diagnostics.letters import ascii


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("δ2 = W2ᵀ dv2 + δ3", "delta2 = W2^T dv2 + delta3"),
        ("∂L/∂W12 ← θ\N{PRIME} ⊙ σ'(v)", "dL/dW12 <- theta' * sigma'(v)"),
        ("u for u > 0, else α(eᵘ − 1)", "u for u > 0, else alpha(e^u - 1)"),
        ("(eᵘ − e⁻ᵘ)/x¹⁰", "(e^u - e^-u)/x^10"),
        ("λ₁‖w‖₁ + λ₂/2 ‖w‖²", "lambda_1||w||_1 + lambda_2/2 ||w||^2"),
        ("w ← w − η m̂/(√v̂ + ε)", "w <- w - eta m^/(sqrt v^ + epsilon)"),
        ("αu, μv, Σⱼ exp(uⱼ)", "alpha u, mu v, sum_j exp(u_j)"),
        ("château, Jürgen, ȳ and ŷ", "chateau, Jurgen, y and y^"),
        ("┌─┬─┐", "+-+-+"),
        ("中", "\\u4e2d"),
    ],
)
def test_every_letter_has_a_plain_form(text, plain):
    assert ascii(text) == plain


def test_columns_stay_as_far_as_there_is_room():
    assert ascii("  δ2      1\n  W2      2") == "  delta2  1\n  W2      2"
    assert ascii("δδδ  1") == "deltadeltadelta  1".replace("ad", "a d")
