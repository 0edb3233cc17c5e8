"""Slips of the slides, each with the proof that a reader can repeat."""

SLIPS = (
    (
        "Multiclass loss: log Σ exp(u_j) yᵀu",
        "The minus sign is lost: log Σ exp(u_j) − yᵀu. Claim 1 compares it with softmax and cross entropy.",
    ),
    (
        "Collapsed bias of an identity net: bₙ + Σ Wₙ⋯W_l b_{l−1} for l from 2 to n − 1",
        "The sum goes to n; the slide's loses Wₙbₙ₋₁. `deltaplan lab collapse` prints what each bias adds.",
    ),
    (
        "Sigmoid bound 0.25^(n−j+1) C",
        "With σₙ = Id the factor stands n − j times. Claim 27 measures the right bound, with Π‖W_j‖.",
    ),
    (
        "∂L/∂b_j = (δ_{j+1} ⊙ σ′(W_j x_j + b_j))ᵀ",
        "z_j is meant where x_j stands: `deltaplan show --plan` prints v_j = W_j z_j + b_j, and "
        "claim 26 checks it.",
    ),
    (
        "Residual estimates: ‖z_{j+1}‖ = ‖σ(…)‖ + ‖z_j‖ and ‖δ_j‖ = ‖W_jᵀ(…)‖ + δ_{j+1}",
        "They are ≤ by the triangle inequality, and the last term lacks its norm bars. Claim 23 and "
        "`lab lipschitz`.",
    ),
    (
        "Tanh landscapes are captioned LeakyReLU",
        "The section on landscapes names the activation of each surface.",
    ),
)
