"""The exercises of the lesson "Going round in circles"."""

import numpy as np
from scipy.special import expit as sigmoid

from gan_lessons.checks import Exercise
from gan_lessons.checks.functions import Function, on
from gan_lessons.checks.kinds import Choice, Number, Several


def _minimax_field(theta, psi):
    u = psi * theta
    return psi * sigmoid(u), -theta * sigmoid(u)


minimax_field = Exercise(
    "The minimax game's arrows",
    Function(
        _minimax_field,
        [on(0.7, -0.4), on(np.array([1.0, -2.0, 0.5]), np.array([1.5, 0.3, -1.0]))],
        {
            "(psi * sigmoid(psi * theta), theta * sigmoid(psi * theta))": "D's sign: it *descends* softplus(u).",
            "(-psi * sigmoid(psi * theta), -theta * sigmoid(psi * theta))": "G's sign: it descends −softplus(u).",
            "(sigmoid(psi * theta), -sigmoid(psi * theta))": "the chain rule's second factor: what is ∂u/∂θ?",
        },
        nudge="the slope of softplus is σ. By the chain rule ∂/∂θ softplus(ψθ) = σ(ψθ) · ψ.",
        formula="θ' = ψ·σ(ψθ), ψ' = −θ·σ(ψθ)",
    ),
    right="the two arrows are at right angles to (θ, ψ): θθ' + ψψ' = 0.",
)

after_200_steps = Exercise(
    "The distance after 200 steps",
    Number(
        1.01**100,
        {
            1: "that is the path of infinitely small steps. Compute the distance after one step from (1, 0).",
            1.01**200: "1.01 is the factor of the *squared* distance.",
            1.1**200: "the step of length 0.1 is at right angles to the way from the centre: use Pythagoras.",
        },
        nudge="one step from (1, 0) ends at (1, −0.1). How far is that from the centre?",
        formula="√(1 + 0.1²) for each step, to the power of 200",
    ),
    right="each step leaves the circle along its tangent, and ends √(1 + h²) times as far out.",
)


def _alternating_step(theta, psi, h):
    psi = psi - h * theta
    return theta + h * psi, psi


alternating_step = Exercise(
    "Players who alternate",
    Function(
        _alternating_step,
        [on(1.0, 0.5, 0.1), on(-0.3, 2.0, 0.5)],
        {
            "(theta + h * psi, psi - h * theta)": "this is a step of both at once. G has to use the *new* ψ.",
            "(theta + h * psi, psi - h * (theta + h * psi))": "here G moves first. D is first in this course.",
            "_alternating_step(theta, psi, h)[::-1]": "return θ first, then ψ.",
        },
        nudge="compute the new ψ first, and put it into θ's step.",
        formula="ψ ← ψ − hθ, then θ ← θ + hψ",
    ),
    right="`gl.GAN` alternates in the same way: D first, then G against the new D.",
)

best_weight = Exercise(
    "The best friction",
    Number(
        1,
        {
            0: "without friction both real parts are 0: a circle.",
            2: "compute both eigenvalues at w = 2. One of them is −0.27, nearer to 0 than −1.",
            np.inf: "as w grows, w − √(w² − 1) goes to 0: one of the two eigenvalues comes back.",
        },
        nudge="up to which w is the root imaginary? What happens to the two real parts beyond?",
        formula="for w ≤ 1 both real parts are −w; beyond, the slower one is −w + √(w² − 1)",
    ),
    right="both eigenvalues are −1 there. With more friction D is slow to follow, and the return takes longer.",
)

_GAMES = {"minimax": 0, "non_saturating": 0, "wasserstein": 0, "clipped": 0, "slope_1": 0, "slope_0": 1}
_HINT = "is |1 + hλ| of a step below 1 at the equilibrium? And may the players rest there at all?"
which_settle = Exercise(
    "Which of them settle?",
    Several({name: Choice(bool(yes), {not yes: _HINT}, _HINT, "True or False") for name, yes in _GAMES.items()}),
    right="friction towards slope 0 alone brings the players to rest. The others go on moving.",
)
