"""The exercises of lesson 01, The minimax game."""

import numpy as np
from scipy import special, stats

from gan_lessons.checks import Hint, exercise, is_blank
from gan_lessons.theory import DiracGAN

LOG_2 = float(np.log(2))


def _close(values, reference, room=1e-3):
    return np.allclose(values, reference, rtol=room, atol=room)


@exercise("V when D answers ½ everywhere")
def value_at_equilibrium(answer):
    """V(D, G) for D(x) = ½ at every x."""
    answer = float(answer)
    if _close(answer, -2 * LOG_2):
        return "log ½ + log ½ = −log 4 ≈ −1.386, whatever the two densities are: each integrates to 1."
    if _close(answer, 2 * LOG_2):
        raise Hint("the size is right, the sign is not: ½ is below 1, so its logarithm is negative.")
    if _close(answer, -2):
        raise Hint("these are bits. V is written with the natural logarithm: np.log, not np.log2.")
    if _close(answer, 2 * np.log10(0.5)):
        raise Hint("that is the logarithm to base 10. V is written with the natural one: np.log.")
    if _close(answer, -LOG_2):
        raise Hint(
            "that is one of the two expectations. The real data give log ½, and the fakes give log(1 − ½) besides."
        )
    if _close(answer, 0.5):
        raise Hint("½ is D's answer. V takes the logarithm of it, once for the real data and once for the fakes.")
    if answer > 0:
        raise Hint("both logarithms are of numbers below 1, so V cannot be above 0.")
    raise Hint("put D(x) = ½ into both terms: a constant comes out of an expectation as it is.")


_POINTS = np.linspace(-4, 6, 41)


@exercise("The best discriminator between two Gaussians")
def optimal_discriminator(function):
    """A function from points x to D*(x), for p_r = N(0, 1) and p_g = N(2, 1)."""
    p_real, p_fake = stats.norm.pdf(_POINTS), stats.norm.pdf(_POINTS, loc=2)
    best = p_real / (p_real + p_fake)
    answers = np.asarray(function(_POINTS), dtype="float64")
    if answers.shape != _POINTS.shape:
        raise Hint(f"the function must give one answer for each point. Received {answers.shape} for {_POINTS.shape}.")
    if not np.isfinite(answers).all():
        raise Hint("some of the answers are not finite. Is a logarithm or a quotient of something that is 0 in it?")
    if _close(answers, best):
        return (
            "½ at x = 1, half-way between the two, where it does not matter what one says. Its logit is the "
            "straight line "
            "2 − 2x."
        )
    if _close(answers, 1 - best):
        raise Hint("this one is right about the fakes: it is p_g / (p_r + p_g). D is the probability of *real*.")
    if _close(answers, p_real / p_fake):
        raise Hint("p_r / p_g gives the odds, and is above 1 for x < 1. A probability is the share of p_r in the sum.")
    if _close(answers, np.log(p_real / p_fake)):
        raise Hint("this is the logit of D*, log(p_r/p_g). Put it through the sigmoid to make a probability of it.")
    if _close(answers, p_real):
        raise Hint("this is p_r alone. D compares: where p_r is small but p_g is smaller still, D has to say real.")
    if answers.min() < 0 or answers.max() > 1:
        raise Hint("D answers probabilities, between 0 and 1. What share of the sum of both densities does p_r have?")
    if _close(answers, np.full_like(best, 0.5)):
        raise Hint("½ is the answer only where both densities are equal. These two are not the same.")
    furthest = _POINTS[np.abs(answers - best).argmax()]
    raise Hint(
        f"it is furthest off at x = {furthest:g}. There p_r = {stats.norm.pdf(furthest):.3g} and "
        f"p_g = {stats.norm.pdf(furthest, loc=2):.3g}; what does D* make of these two numbers?"
    )


@exercise("How many times larger the gradient is")
def gradient_ratio(answer):
    """The non-saturating loss's slope in the logit over the saturating one's, at a logit of −6."""
    answer = float(answer)
    ratio = np.exp(6)
    if abs(answer - ratio) < 0.02 * ratio:
        return "σ(6)/σ(−6) = e⁶ ≈ 403. The surer D is, the less of the saturating gradient is left."
    if _close(answer, np.exp(-6), 1e-4):
        raise Hint(
            "0.0025 is the minimax slope itself, or the inverse of what is asked: how many times *larger* is the other?"
        )
    if _close(abs(answer), 6):
        raise Hint("6 is the logit. The slopes are sigmoids of it: divide one by the other.")
    if answer < 0:
        raise Hint("both slopes have the same sign: either loss falls when the logit rises.")
    if _close(answer, special.expit(6)):
        raise Hint("that is one of the two slopes. Divide the one by the other.")
    raise Hint("the sizes of the slopes are 1 − σ(t) and σ(t), at t = −6. Divide the larger by the smaller.")


_LOGITS = np.array([-2.0, -0.5, 0.0, 1.0, 3.0], "float32")


@exercise("The non-saturating loss, from logits")
def non_saturating_loss(function):
    """A function from the logits of D on fakes to the mean of −log σ(logit), for logits of any size."""

    def loss(logits):
        with np.errstate(all="ignore"):
            return np.asarray(function(np.asarray(logits, "float32")), dtype="float64")

    def is_loss(reference):
        return _close(answer, np.mean(reference))

    answer = loss(_LOGITS)
    if answer.size != 1:
        raise Hint(f"a loss is one number, the mean over the batch. Received an answer of shape {answer.shape}.")
    right, saturating = np.logaddexp(0, -_LOGITS), -np.logaddexp(0, _LOGITS)
    if is_loss(-right):
        raise Hint(
            "the sign is turned round: this is E[log D(G(z))], which G wants *large*. A loss is what one minimises."
        )
    if is_loss(saturating):
        raise Hint("this is E[log(1 − D(G(z)))], the saturating loss. The other one is about D itself, not 1 − D.")
    if is_loss(-saturating):
        raise Hint(
            "this is −E[log(1 − D(G(z)))], D's own loss on the fakes. G wants D(G(z)) → 1, so −log D must be small."
        )
    if _close(answer, right.sum()):
        raise Hint("this is the sum over the batch. Take the mean, or a larger batch would mean larger steps.")
    if not is_loss(right):
        raise Hint("for logits of 0, D answers ½ and the loss is log 2 ≈ 0.693. In general: the mean of −log σ(logit).")
    surely_fake, surely_real = loss([-1000.0]), loss([1000.0])
    if not np.isfinite([surely_fake, surely_real]).all():
        raise Hint(
            "right for small logits, but at ±1000 it is not finite: e¹⁰⁰⁰ overflows, and σ(−1000) is 0, so "
            "its logarithm is "
            "log(0). −log σ(t) = log(1 + e⁻ᵗ) = softplus(−t): np.logaddexp(0, −t), or keras.ops.softplus(−t)."
        )
    if not _close(surely_fake, 1000) or not _close(surely_real, 0):
        raise Hint(
            f"at a logit of −1000 the loss is 1000, here it is {surely_fake.item():.4g}. A small number "
            "added or a clip "
            "avoids log(0), but makes the loss flat where D is sure, which is what was to be avoided. Use "
            "softplus(−t)."
        )
    return "softplus(−logit): finite everywhere, and its slope is −1 where D is sure. So stands it in `gl.objectives`."


@exercise("Two distributions far apart")
def far_apart(divergence, distance):
    """JSD and Wasserstein distance of the uniform densities on [0, 1] and on [5, 6]."""
    divergence, distance = float(divergence), float(distance)
    if _close(divergence, 1):
        raise Hint("the JSD is 1 bit; here it is in nats, with the natural logarithm.")
    if np.isinf(divergence):
        raise Hint(
            "KL(p‖q) is infinite. The JSD compares each with the *mean* of both, which is 0 nowhere that p is not."
        )
    if _close(divergence, 0):
        raise Hint("a JSD of 0 means that the two are the same. These do not even overlap.")
    if _close(divergence, 2 * LOG_2):
        raise Hint("the JSD is *half* the sum of the two divergences from the mean.")
    if not _close(divergence, LOG_2):
        raise Hint(
            "JSD: where p is not 0, the mean of both densities is p/2, so log(p/m) is the same number everywhere."
        )
    if _close(distance, 4):
        raise Hint("the JSD is right. 4 is the gap between the two; but mass at 0 has to go to 5, and mass at 1 to 6.")
    if _close(distance, 6):
        raise Hint(
            "the JSD is right. From the left end of one to the right end of the other is 6; what does each "
            "point travel?"
        )
    if not _close(distance, 5):
        raise Hint("the JSD is right. Wasserstein: every bit of mass is moved to the right by the same way. How far?")
    return "log 2 and 5. Moved to [50, 51], JSD would still be log 2, and the Wasserstein distance 50."


#: The games of the last exercise, and the step of their training.
DIRAC_GANS = {
    "minimax": DiracGAN("minimax"),
    "non_saturating": DiracGAN("non_saturating"),
    "wasserstein": DiracGAN("wasserstein"),
    "wasserstein_clipped": DiracGAN("wasserstein", clip=0.5),
    "wasserstein_gp": DiracGAN("wasserstein", penalty_weight=0.5, penalty_target=1.0),
    "non_saturating_r1": DiracGAN("non_saturating", penalty_weight=0.3, penalty_target=0.0),
}
_NOT_SETTLED = {
    "minimax": (
        "minimax: its eigenvalues are ±½i, so each step 1 + h·λ is longer than 1, and the players spiral outwards."
    ),
    "non_saturating": (
        "non_saturating: it leans inwards, but a step at once throws it outwards by a factor √(1 + h²/4), "
        "and near the "
        "equilibrium the lean is too weak to make up for that."
    ),
    "wasserstein": ("wasserstein: its eigenvalues are ±i, so each step makes the circle wider by a factor √(1 + h²)."),
    "wasserstein_clipped": (
        "wasserstein_clipped: the clip stops the circle from growing, but inside the clip it is the same "
        "circle as before."
    ),
    "wasserstein_gp": (
        "wasserstein_gp: the penalty pulls |ψ| to 1, away from the equilibrium, where ψ must be 0. D never "
        "comes to rest."
    ),
}


@exercise("Which of them settle?")
def which_settle(answer):
    """Whether each game, after 5,000 steps of 0.1 from (1, 1), ends within 0.01 of the equilibrium."""
    if not isinstance(answer, dict):
        raise Hint("keep the dictionary, and put True or False behind each name.")
    if missing := [name for name in DIRAC_GANS if name not in answer or is_blank(answer[name])]:
        raise Hint(f"still open: {', '.join(missing)}. Put True or False behind each name.")
    for name, game in DIRAC_GANS.items():
        theta, psi = game.descend((1.0, 1.0), steps=5000, step_size=0.1)[-1]
        settles = bool(np.hypot(theta, psi) < 0.01)
        if bool(answer[name]) != settles:
            raise Hint(
                _NOT_SETTLED.get(
                    name,
                    f"{name}: the penalty pulls ψ to 0, where the equilibrium is, and puts −0.3 into the "
                    "real part of both "
                    "eigenvalues: friction.",
                )
            )
    return "only the penalty whose target is a slope of 0 brings them to rest. The others go round, or worse."
