"""The exercises of the lesson "WGAN"."""

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from gan_lessons.checks import Exercise
from gan_lessons.checks.functions import Function, on
from gan_lessons.checks.kinds import Number, written

_PIXELS = {784: "that is the gradient's sum. Its length has squares and a root.", 1: "1 is the slope in *one* pixel."}
_KIND = Number(28, _PIXELS, nudge="the gradient has 28·28 entries, all 1. How long is it?", formula="√(1² + … + 1²)")
steepest_slope = Exercise("The steepest slope", _KIND, right="divided by 28, this critic is 1-Lipschitz.")


def _critic_loss(real, fake):
    return ops.mean(fake) - ops.mean(real)


def _logits_of(seed, *means):
    return on(*(np.random.default_rng(seed).normal(mean, 1, (32, 1)).astype("float32") for mean in means))


_LOSSES = {
    "ops.mean(real) - ops.mean(fake)": "the sign is wrong: f wants the real mean higher, an optimizer goes *down*.",
    "-ops.abs(ops.mean(real) - ops.mean(fake))": "abs rewards a critic that has it the wrong way round as well.",
    "ops.mean(ops.sigmoid(fake)) - ops.mean(ops.sigmoid(real))": "leave the sigmoid out: it is flat where f is sure.",
}
_PROBES = [_logits_of(0, 1.5, -0.5), _logits_of(1, -2, 1)]  # a critic that is right, and one that is not
_ASKED = "which difference of two means does the critic want to be large?"
_KIND = Function(_critic_loss, _PROBES, _LOSSES, nudge=_ASKED, formula="mean f(G(z)) − mean f(x)")
critic_loss = Exercise("The critic's loss", _KIND, right="its slope in each output is 1/batch, however sure f is.")


def _gradient_penalty(critic, real, fake):
    alpha = keras.random.uniform((len(real), 1, 1, 1))
    between = alpha * real + (1 - alpha) * fake
    with tf.GradientTape() as tape:
        tape.watch(between)
        total = ops.sum(critic(between))
    slopes = ops.sqrt(ops.sum(tape.gradient(total, between) ** 2, axis=(1, 2, 3)) + 1e-12)
    return 10.0 * ops.mean((slopes - 1) ** 2)


def _with(old, new):
    """The right function with a piece of its text replaced."""
    scope = dict(globals())
    exec(written(_gradient_penalty).replace(old, new), scope)
    return scope["gradient_penalty"]


def _linear(length):
    """A probe: the penalty of a critic of this slope, what the critic learns from it, and three facts about α."""

    def probe(penalty):
        w, seen = tf.Variable(np.full((2, 2, 3), length / 12**0.5, "float32")), []
        with tf.GradientTape() as tape:
            critic = lambda x: seen.append(x) or ops.sum(x * w, axis=(1, 2, 3))[:, None]  # noqa: E731
            value = tf.convert_to_tensor(penalty(critic, tf.ones((256, 2, 2, 3)), tf.zeros((256, 2, 2, 3))))
        alpha = np.reshape(seen[-1], (256, 12))  # what lies between ones and zeros
        facts = abs(alpha - 0.5).max() <= 0.5, np.ptp(alpha, axis=1).max() < 1e-5, np.ptp(alpha[:, 0]) > 0.9
        return value, tape.gradient(value, w), *facts

    return probe


_UNIFORM = "uniform((len(real), 1, 1, 1))"
_FAULTS = {
    _with("10.0 * ", ""): "the factor λ = 10 is missing.",
    _with("ops.sum(critic", "ops.mean(critic"): "a mean of the outputs makes every slope smaller by the batch size.",
    _with("axis=(1, 2, 3)", "axis=None"): "the norm is over the whole batch. Keep axis 0: one slope for each image.",
    _with(_UNIFORM, "normal((len(real), 1, 1, 1))"): "some points are outside the line between their pair.",
    _with(_UNIFORM, "uniform((1, 1, 1, 1))"): "α is the same for all pairs. Draw one for *each* image.",
    _with(_UNIFORM, "uniform(real.shape)"): "α differs within an image, so the point leaves the line.",
    _with(" + 1e-12", ""): "where f is flat, the root's slope is infinite, and the gradient is NaN: add 1e-12.",
}
_ASKED = "a linear critic with ‖w‖ = 3 has slope 3 everywhere. Its penalty is 10·(3 − 1)² = 40."
_FORMULA = "10 · mean of (‖∇f(x̂)‖ − 1)², x̂ = α·x + (1 − α)·G(z), one α ~ U[0, 1] for each image"
_KIND = Function(_gradient_penalty, [_linear(3), _linear(0)], _FAULTS, nudge=_ASKED, formula=_FORMULA, room=1e-2)
gradient_penalty = Exercise("The gradient penalty", _KIND, right="and the critic can learn from it.")

_SLOPES = {1: "at s = 1 the penalty is flat, and −W·s still falls.", 1.2: "the derivative of (s − 1)² is 2(s − 1)."}
_KIND = Number(1.1, _SLOPES, nudge="where a loss is smallest its derivative is 0.", formula="−W + 2λ(s − 1) = 0")
best_slope = Exercise("The best slope", _KIND, right="the critic then measures W·s = 2.2, where the distance is 2.")

_CLOCKS = {0: "it knows nothing of the samples, yet both fall at every epoch.", -1: "both fall: no opposite order."}
_KIND = Number(1, _CLOCKS, nudge="compare the two orders: which epoch has the largest value?", formula="equal ranks: 1")
clock = Exercise("A curve that has seen nothing", _KIND, right="so compare every curve with the epoch number first.")
