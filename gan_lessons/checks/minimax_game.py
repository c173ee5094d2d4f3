"""The exercises of the lesson "The minimax game"."""

import numpy as np
import tensorflow as tf
from keras import ops

from gan_lessons.checks import Exercise
from gan_lessons.checks.functions import Function, on
from gan_lessons.checks.kinds import Number, Several

value_at_equilibrium = Exercise(
    "V when D knows nothing",
    Number(
        -2 * np.log(2),
        {
            2 * np.log(2): "the size is right. The sign is not: ½ is below 1, so its logarithm is negative.",
            -np.log(2): "that is one of the two means. The real numbers give log ½; what do the fakes give?",
        },
        nudge="the mean of a constant is the constant. Put D(x) = ½ into both terms of V.",
        formula="V = log ½ + log(1 − ½)",
    ),
    right="log ½ + log ½ = −log 4 ≈ −1.386 for any two densities, since each integrates to 1.",
)


def _best_discriminator(p_real, p_fake):
    return p_real / (p_real + p_fake)


best_discriminator = Exercise(
    "The best discriminator",
    Function(
        _best_discriminator,
        [on(np.array([0.3, 0.2, 0.0, 0.1]), np.array([0.1, 0.2, 0.4, 0.4]))],
        {
            "p_fake / (p_real + p_fake)": "this is the probability of *fake*. D(x) is that of real.",
            "p_real / p_fake": "these are the odds, and can be above 1. Which y makes the derivative 0?",
            "1.0 * (p_real > p_fake)": "this is 0 or 1 everywhere: too sure, as A was.",
        },
        nudge="the derivative of a·log y + b·log(1 − y) is a/y − b/(1 − y). Where is it 0?",
        formula="a·(1 − y) = b·y, so y = a/(a + b)",
    ),
    right="the share of the real density in the sum of both: ½ where the two are equal.",
)

far_apart = Exercise(
    "Two boxes far apart",
    Several(
        {
            "divergence": Number(
                np.log(2),
                {2 * np.log(2): "do not forget the factor ½.", 0: "0 means that both are the same."},
                nudge="where p is above 0, q is 0. What is p/m there?",
                formula="½ (∫ p·log 2 dx + ∫ q·log 2 dx), since m = p/2 where q is 0",
            ),
            "distance": Number(
                5, {4: "4 is the gap. The mass at 0 has to go to 5."}, "how far does each grain go?", "x → x + 5"
            ),
        }
    ),
    right="log 2 ≈ 0.69 and 5. With the fakes over [50, 51] they would be log 2 and 50.",
)


def _loss_and_slopes(function, logits):
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = tf.convert_to_tensor(function(logits), "float32")
    return loss, tape.gradient(loss, logits, unconnected_gradients="zero")


def _generator_loss(fake_logits):
    return ops.mean(ops.softplus(-fake_logits))


generator_loss = Exercise(
    "G's loss",
    Function(
        _generator_loss,
        [lambda function, t=t: _loss_and_slopes(function, tf.constant(t)) for t in ([-2.0, 0.5, 3.0], [-999.0, 999.0])],
        {
            "-ops.mean(ops.softplus(fake_logits))": "this is E[log(1 − D(G(z)))], the minimax loss.",
            "-ops.mean(ops.log(ops.sigmoid(fake_logits)))": "right for small logits, but infinite at −999: no ops.log.",
            "np.mean(np.logaddexp(0, -fake_logits))": "right, but TensorFlow cannot differentiate NumPy: use `ops`.",
        },
        nudge="the loss is the mean of −log σ(t). Which softplus is −log σ(t)?",
        formula="−log σ(t) = log(1 + e⁻ᵗ) = softplus(−t)",
    ),
    right="its slope is nearly −1 where D is sure of a fake, t ≪ 0. That of the minimax loss is nearly 0 there.",
)
