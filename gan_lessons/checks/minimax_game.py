"""The exercises of the lesson "The minimax game"."""

import numpy as np
from scipy import special, stats

from gan_lessons.checks import Exercise
from gan_lessons.checks.functions import Function, on
from gan_lessons.checks.kinds import Choice, Number, Several

LOG_2 = float(np.log(2))

value_at_equilibrium = Exercise(
    "V when D answers ½ everywhere",
    Number(
        -2 * LOG_2,
        {
            2 * LOG_2: "the size is right, the sign is not: ½ is below 1, so its logarithm is negative.",
            -2: "these are bits. V is written with the natural logarithm: np.log, not np.log2.",
            2 * np.log10(0.5): "that is the logarithm to base 10. V is written with the natural one: np.log.",
            -LOG_2: "that is one of the two expectations. The real data give log ½; what do the fakes give?",
            0.5: "½ is D's output. V takes the logarithm of it, once for the real data and once for the fakes.",
            0.25: "½ · ½ is 0.25. V is the sum of two logarithms, or the logarithm of this product.",
        },
        nudge="a constant comes out of an expectation as it is. Put D(x) = ½ into both terms.",
        formula="V = E[log D(x)] + E[log(1 − D(G(z)))], with D = ½ in both: log ½ + log ½",
        within=(-np.inf, 0, "both logarithms are of numbers below 1, so V cannot be above 0."),
    ),
    right="log ½ + log ½ = −log 4 ≈ −1.386, whatever the two densities are: each integrates to 1.",
)


def _d_star(x):
    p_real, p_fake = stats.norm.pdf(x, 0, 1), stats.norm.pdf(x, 2, 1)
    return p_real / (p_real + p_fake)


def _p(x, mean=0):
    return stats.norm.pdf(x, mean)


optimal_discriminator = Exercise(
    "The best discriminator between two Gaussians",
    Function(
        _d_star,
        [on(np.linspace(-4, 6, 41)), on(np.array([0.3, 2.9]))],
        {
            "1 - _d_star(x)": "this is p_g / (p_r + p_g), right about the fakes. D is the probability of *real*.",
            "_p(x) / _p(x, 2)": "p_r / p_g gives the odds, and is above 1 for x < 1. A probability is the share of "
            "p_r in the sum.",
            "2.0 - 2 * x": "this is the logit of D*, log(p_r/p_g). The sigmoid makes a probability of it.",
            "_p(x)": "this is p_r alone. D compares: where p_r is small but p_g is smaller still, it says real.",
            "_p(x) / (_p(x) + _p(x, 2)) - 0.5": "this is ½ too low everywhere: D* is the share itself, and ½ where "
            "both densities are equal.",
            "_p(x) - _p(x, 2)": "the difference can be negative. D* is a probability, between 0 and 1.",
            "1.0 * (_p(x) > _p(x, 2))": "this decides, 0 or 1. D* is the *probability* that a point is real.",
            "0.5 + 0 * x": "½ is right only where both densities are equal. These two are not the same.",
        },
        nudge="how likely is it that a point was real, when you know both densities there? Output one number a point.",
        formula="D*(x) = p_r(x) / (p_r(x) + p_g(x)), the share of the real density in the sum",
    ),
    right="½ at x = 1, half-way between the two, where both are as likely. Its logit is the straight line 2 − 2x.",
)
gradient_ratio = Exercise(
    "How many times larger the gradient is",
    Number(
        np.exp(6),
        {
            special.expit(-6): "0.0025 is the minimax slope, or the inverse of what is asked: how many times *larger*?",
            6: "6 is the logit. The slopes are sigmoids of it: divide one by the other.",
            -6: "−6 is the logit. The slopes are sigmoids of it: divide one by the other.",
            -np.exp(6): "both slopes have the same sign: either loss falls when the logit rises.",
            special.expit(6): "that is the non-saturating slope alone. Divide it by the other.",
        },
        nudge="find the size of each slope at t = −6 in the table. Divide the larger by the smaller.",
        formula="(1 − σ(t)) / σ(t) at t = −6",
        room=0.02,
    ),
    right="σ(6)/σ(−6) = e⁶ ≈ 403. The surer D is, the less of the saturating gradient is left.",
)


def _softplus(t):
    return np.logaddexp(0, t)


def _non_saturating(fake_logits):
    return np.mean(np.logaddexp(0, -fake_logits))


_OVERFLOWS = (
    "right for small logits, but not finite at ±1000: e¹⁰⁰⁰ overflows, and σ(−1000) is 0, so its logarithm is log 0. "
    "Which function computes log(1 + eᵗ) without computing eᵗ?"
)
_FLAT = (
    "at a logit of −1000 the loss is 1000. A small number added, or a clip, avoids log 0 but makes the loss flat "
    "where D is sure, which is what was to be avoided."
)

non_saturating_loss = Exercise(
    "The non-saturating loss, from logits",
    Function(
        _non_saturating,
        [
            on(np.array([-2, -0.5, 0, 1, 3], "float32")),
            on(np.array([-3, -1, -1], "float32")),
            on(np.array([-1000.0], "float32")),
            on(np.array([1000.0], "float32")),
        ],
        {
            "np.mean(-_softplus(-fake_logits))": "the sign is turned round: this is E[log D(G(z))], which G wants "
            "*large*. You minimise a loss.",
            "np.mean(-_softplus(fake_logits))": "this is E[log(1 − D(G(z)))], the saturating loss. The other one is "
            "about D itself, not 1 − D.",
            "np.mean(_softplus(fake_logits))": "this is −E[log(1 − D(G(z)))], D's own loss on the fakes. G wants "
            "D(G(z)) → 1.",
            "np.sum(_softplus(-fake_logits))": "this is the sum over the batch. Take the mean, or a larger batch "
            "would mean larger steps.",
            "_softplus(-fake_logits)": "this is a loss for each fake. A loss is one number, the mean over the batch.",
            "np.mean(-fake_logits)": "this is linear in the logit, as a critic's loss is. Where is the sigmoid of D?",
            "np.mean(special.expit(-fake_logits))": "this is the mean of 1 − D(G(z)). The logarithm is missing.",
            "-np.mean(np.log(special.expit(fake_logits)))": _OVERFLOWS,
            "np.mean(np.log(1 + np.exp(-fake_logits)))": _OVERFLOWS,
            "-np.mean(np.log(special.expit(fake_logits) + 1e-07))": _FLAT,
            "-np.mean(np.log(np.clip(special.expit(fake_logits), 1e-07, 1)))": _FLAT,
        },
        nudge="for a logit of 0, D outputs ½ and the loss is log 2 ≈ 0.693. In general: the mean of −log σ(logit).",
        formula="−log σ(t) = log(1 + e⁻ᵗ) = softplus(−t): np.logaddexp(0, −t), or keras.ops.softplus(−t)",
    ),
    right="softplus(−logit): finite everywhere, and its slope is −1 where D is sure. `gl.objectives` has it so.",
)

far_apart = Exercise(
    "Two distributions far apart",
    Several(
        {
            "divergence": Number(
                LOG_2,
                {
                    1: "the JSD is 1 bit; here it is in nats, with the natural logarithm.",
                    np.inf: "KL(p‖q) is infinite. The JSD compares each with the *mean* of both, which is 0 nowhere "
                    "that p is not.",
                    0: "a JSD of 0 means that the two are the same. These do not even overlap.",
                    2 * LOG_2: "the JSD is *half* the sum of the two divergences from the mean.",
                    LOG_2 / 2: "that is one half of the sum: ½ KL(p‖m). ½ KL(q‖m) is as large.",
                },
                nudge="where p is not 0, q is. What is the mean of both densities there, and what is log(p/m)?",
                formula="JSD = ½ KL(p‖m) + ½ KL(q‖m), and m = p/2 wherever p is not 0",
            ),
            "distance": Number(
                5,
                {
                    4: "4 is the gap between the two; but mass at 0 has to go to 5, and mass at 1 to 6.",
                    6: "from the left end of one to the right end of the other is 6; what does each point travel?",
                },
                nudge="every bit of mass is moved to the right by the same way. How far?",
                formula="W = mean way of the mass under the best plan: x → x + 5",
            ),
        }
    ),
    right="log 2 and 5. Moved to [50, 51], JSD would still be log 2, and the Wasserstein distance 50.",
)


def _game(settles, hint):
    return Choice(settles, {not settles: hint}, nudge="put True or False behind each name.", formula=_SETTLING)


_SETTLING = "a step multiplies the distance by |1 + h·λ|, and λ has to be an eigenvalue *at the equilibrium*, ψ = 0"
which_settle = Exercise(
    "Which of them settle?",
    Several(
        {
            "minimax": _game(False, "its eigenvalues are ±½i, so |1 + h·λ| is above 1: the players spiral outwards."),
            "non_saturating": _game(
                False,
                "it leans inwards, but a step throws it outwards by a factor √(1 + h²/4), and near the equilibrium "
                "the lean is too weak to make up for that.",
            ),
            "wasserstein": _game(False, "its eigenvalues are ±i, so each step makes the circle wider by √(1 + h²)."),
            "wasserstein_clipped": _game(
                False, "the clip stops the circle from growing, but inside the clip it is the same circle as before."
            ),
            "wasserstein_gp": _game(
                False,
                "the penalty pulls |ψ| to 1, away from the equilibrium, where ψ must be 0. D never comes to rest.",
            ),
            "non_saturating_r1": _game(
                True,
                "the penalty pulls ψ to 0, where the equilibrium is, and puts −0.3 into the real part of both "
                "eigenvalues: friction.",
            ),
        }
    ),
    right="only the penalty whose target is a slope of 0 brings them to rest. The others go round, or worse.",
)
