"""The exercises of the lesson on the WGAN."""

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from gan_lessons.checks import Exercise
from gan_lessons.checks.functions import UNWATCHED, Function, on
from gan_lessons.checks.kinds import Choice, Hint, Number, Several

# --- 1. the distance ------------------------------------------------------------------------------

_NO_SIGN = (0, np.inf, "steepness has no sign: |f(x) − f(y)| ≤ K·|x − y| can only hold with K ≥ 0.")
steepest_slope = Exercise(
    "The steepest slope of four functions",
    Several(
        {
            "a": Number(
                3,
                {2: "2 is the constant, which only moves the line up."},
                nudge="the constant only moves the line up. What is the slope, without its sign?",
                formula="|−3|",
                within=_NO_SIGN,
            ),
            "b": Number(
                0.5,
                {
                    1: "|x| has slopes −1 and 1; |x|/2 has half of them.",
                    np.inf: "at 0 there is a corner, and no slope; but it is no steeper than its two sides.",
                },
                nudge="the corner at 0 is no steeper than its two sides. How steep are these?",
                formula="|(|x| − |y|)/2| ≤ ½·|x − y|",
                within=_NO_SIGN,
            ),
            "c": Number(
                5,
                {
                    7: "3 + 4 adds the slopes along the two axes. The steepest way is the diagonal along (3, 4).",
                    4: "4 is the slope along one axis. Going along both at once climbs faster.",
                    25: "that is the square of the length.",
                },
                nudge="the gradient is (3, 4) everywhere. How long is it?",
                formula="√(3² + 4²)",
                within=_NO_SIGN,
            ),
            "d": Number(
                28,
                {
                    784: "the gradient is 1 in each of the 784 pixels. Its length is not the sum of these.",
                    1: "1 is the slope when one pixel changes. If all change together, the output climbs faster.",
                },
                nudge="the gradient is (1, 1, …, 1), with 28·28·1 entries. How long is it?",
                formula="√(1² + … + 1²), 784 times",
                within=_NO_SIGN,
            ),
        }
    ),
    right="and so the same critic is steeper on larger images: held to a slope of 1, this one would have to be "
    "divided by 28.",
)

# --- 2. the objective -----------------------------------------------------------------------------


def _logits(seed, *means):
    random = np.random.default_rng(seed)
    return on(*(random.normal(mean, 1, (32, 1)).astype("float32") for mean in means))


def _critic_loss(real_logits, fake_logits):
    return ops.mean(fake_logits) - ops.mean(real_logits)


def _generator_loss(fake_logits):
    return -ops.mean(fake_logits)


_SUM = "that is a sum over the batch: twice the batch would mean twice the step. Take the mean."
_BENT = "it bends the logits. A critic's output is used as it is: that is why nothing saturates."
_EACH = "that is a loss for each image. A loss is one number, the mean over the batch."
losses = Exercise(
    "The two losses of a WGAN",
    Several(
        {
            "the critic's loss": Function(
                _critic_loss,
                [_logits(0, 1.5, -0.5), _logits(1, -2, 1)],  # the critic is right on the first, wrong on the second
                {
                    "ops.mean(real_logits) - ops.mean(fake_logits)": "the sign is wrong. The critic wants E[D(x)] − "
                    "E[D(G(z))] large; an optimizer goes *down*.",
                    "-ops.abs(ops.mean(real_logits) - ops.mean(fake_logits))": "right while the critic outputs more "
                    "for real images. One that has it the wrong way round would be told to go on: leave the sign in.",
                    "ops.abs(ops.mean(real_logits) - ops.mean(fake_logits))": "a distance has no sign, but this loss "
                    "needs one.",
                    "ops.sum(fake_logits) - ops.sum(real_logits)": _SUM,
                    "fake_logits - real_logits": _EACH,
                    "ops.mean(ops.softplus(fake_logits)) + ops.mean(ops.softplus(-real_logits))": _BENT,
                    "ops.mean(ops.sigmoid(fake_logits)) - ops.mean(ops.sigmoid(real_logits))": (
                        _BENT + " Leave the sigmoid out."
                    ),
                    "-ops.mean(real_logits)": "the fakes are missing: the critic could output a high value for all.",
                    "ops.mean(fake_logits)": "the real images are missing: the critic could output a low value for "
                    "all.",
                    "-ops.mean(fake_logits)": "that is the generator's loss.",
                },
                nudge="which difference of two means does the critic want to be large?",
                formula="E[D(G(z))] − E[D(x)], with ops.mean for E",
            ),
            "the generator's loss": Function(
                _generator_loss,
                [_logits(0, -0.5), _logits(1, 2)],
                {
                    "ops.mean(fake_logits)": "the sign is wrong. The generator wants E[D(G(z))] large; an optimizer "
                    "goes *down*.",
                    "-ops.abs(ops.mean(fake_logits))": "right for one sign of the critic's output only: no abs.",
                    "ops.abs(ops.mean(fake_logits))": "the generator wants the output *large*, not near 0: no abs.",
                    "-ops.sum(fake_logits)": _SUM,
                    "-fake_logits": _EACH,
                    "ops.mean(ops.softplus(-fake_logits))": _BENT,
                    "-ops.mean(ops.sigmoid(fake_logits))": (_BENT + " Leave the sigmoid out."),
                },
                nudge="which mean can the generator change, and does it want it large or small?",
                formula="−E[D(G(z))], with ops.mean for E",
            ),
        }
    ),
    right="no logarithm, no sigmoid; the generator's gradient is the same however sure the critic is.",
)

generator_turns = Exercise(
    "How often the generator steps",
    Number(
        7810 // 5,
        {
            7810: "that is how often the *critic* steps. The generator waits for five of them.",
            7820: "that is how often the critic would step if the partial batches were kept.",
            156: "that is one epoch; there are ten.",
            1560: "781 is not a multiple of 5, and the batch that is left over counts in the next epoch. Divide "
            "once, at the end.",
            1564: "50,000 / 64 = 781.25, and the last quarter of a batch is dropped: not 782 batches in an epoch.",
            1562.5: "batches come whole: 781 in an epoch, not 781.25.",
            39_050: "it is the critic that takes five steps, not the generator.",
        },
        nudge="how many whole batches are in ten epochs, and on every which of them does G step?",
        formula="10 · ⌊50,000 / 64⌋ / 5, rounded down once",
        room=1e-6,
    ),
    right="7,810 critic steps, and 1,562 of the generator: the slow player is the one that you want to improve.",
)

# --- 4. the gradient penalty ----------------------------------------------------------------------


def _gradient_penalty(critic, real, fake):
    alpha = keras.random.uniform((len(real), 1, 1, 1))
    between = alpha * real + (1 - alpha) * fake
    with tf.GradientTape() as tape:
        tape.watch(between)
        total = ops.sum(critic(between))
    gradients = tape.gradient(total, between)
    slopes = ops.sqrt(ops.sum(gradients**2, axis=(1, 2, 3)) + 1e-12)
    return 10.0 * ops.mean((slopes - 1) ** 2)


def _slopes(gradients, epsilon=1e-12, axes=(1, 2, 3)):
    return ops.sqrt(ops.sum(gradients**2, axis=axes) + epsilon)


def _faulty(
    of=lambda g: 10 * ops.mean((_slopes(g) - 1) ** 2), alpha=lambda x: keras.random.uniform((len(x), 1, 1, 1)), **wrong
):
    """A gradient penalty with one thing wrong: what becomes of the gradients, α, the total or the watching."""

    def penalty(critic, real, fake):
        a = alpha(real)
        between = a * real + (1 - a) * fake
        with tf.GradientTape() as tape:
            if wrong.get("watch", True):
                tape.watch(between)
            total = wrong.get("total", ops.sum)(critic(between))
        return of(tape.gradient(total, between))

    return penalty


def _linear(weights):
    return lambda images: ops.sum(images * weights, axis=(1, 2, 3))[:, None]


def _images(seed, *shape):
    return tf.constant(np.random.default_rng(seed).uniform(-1, 1, shape), "float32")


def _direction(*shape):
    values = np.random.default_rng(7).normal(size=shape).astype("float32")
    return values / np.linalg.norm(values)


def _where_it_looks(penalty):
    """Four facts about α: with real = 1 and fake = 0 the critic sees α itself."""
    seen, shape = [], (512, 2, 2, 1)

    def critic(images):
        seen.append(ops.convert_to_numpy(images))
        return ops.sum(images, axis=(1, 2, 3))[:, None]

    penalty(critic, tf.ones(shape), tf.zeros(shape))
    if not seen or seen[-1].shape != shape:
        raise Hint("it never asks the critic about points between the images: critic(between), as many as there are.")
    alpha = seen[-1].reshape(512, -1)
    uniform = abs(alpha[:, 0].mean() - 0.5) < 0.07 and abs(alpha[:, 0].var() - 1 / 12) < 0.02
    outside = np.any((alpha < -1e-6) | (alpha > 1 + 1e-6))
    return np.ptp(alpha, axis=1).max() > 1e-5, outside, np.ptp(alpha[:, 0]) < 1e-5, uniform


def _slopes_that_differ(penalty):
    """At x̂ = x = G(z), the critic ‖x‖²/2 has the gradient x: another length for each image."""
    images = np.zeros((4, 2, 2, 1), "float32")
    images[:, 0, 0, 0] = 0.5, 1, 2, 4
    return penalty(lambda x: ops.sum(x**2, axis=(1, 2, 3))[:, None] / 2, tf.constant(images), tf.constant(images))


def _what_it_teaches(length):
    """A probe: the gradient of the penalty in the weights of a linear critic."""

    def probe(penalty):
        weights = tf.Variable(length * _direction(4, 4, 3))
        with tf.GradientTape() as tape:
            value = tf.convert_to_tensor(penalty(_linear(weights), _images(0, 12, 4, 4, 3), _images(1, 12, 4, 4, 3)))
        gradient = tape.gradient(value, weights)
        if gradient is None:
            raise Hint(_CUT_OFF)
        return gradient if length else np.isfinite(gradient).all()

    return probe


_CUT_OFF = (
    "the value is right, but the critic cannot learn from it: an outer tape finds no way from the penalty to the "
    "weights. Stay in TensorFlow all the way (no NumPy, no float()), with the inner gradient not stopped."
)
gradient_penalty = Exercise(
    "The gradient penalty",
    Function(
        _gradient_penalty,
        [
            on(_linear(3 * _direction(4, 4, 3)), _images(0, 12, 4, 4, 3), _images(1, 12, 4, 4, 3)),
            on(_linear(0.5 * _direction(6, 6, 1)), _images(2, 5, 6, 6, 1), _images(3, 5, 6, 6, 1)),
            _slopes_that_differ,
            _where_it_looks,
            _what_it_teaches(0.0),
            _what_it_teaches(2.0),
        ],
        {
            _faulty(watch=False): UNWATCHED,
            _faulty(lambda g: ops.mean((_slopes(g) - 1) ** 2)): "the factor λ = 10 is missing.",
            _faulty(
                lambda g: 10 * ops.mean((ops.sum(g**2, axis=(1, 2, 3)) - 1) ** 2)
            ): "the root is missing: Σ grad² is the *square* of the length.",
            _faulty(
                lambda g: 10 * (_slopes(g, axes=None) - 1) ** 2
            ): "the norm is over the whole batch, so it grows with √batch, and a critic that is just right is "
            "pressed flat. Keep axis 0: steepness is a matter of one image.",
            _faulty(
                total=ops.mean
            ): "differentiate the *sum* of the outputs, not their mean: the mean makes each image's gradient smaller "
            "by the batch size.",
            _faulty(
                lambda g: 10 * ops.mean(_slopes(g) - 1)
            ): "the difference ‖∇‖ − 1 has to be squared: slopes below 1 are punished as well.",
            _faulty(
                lambda g: 10 * ops.mean(_slopes(g) ** 2)
            ): "the length is compared with 1: (‖∇‖ − 1)². Without the 1 the best critic would be flat.",
            _faulty(lambda g: 10 * ops.sum((_slopes(g) - 1) ** 2)): "take the mean over the images, not their sum.",
            _faulty(
                lambda g: 10 * (_slopes(g) - 1) ** 2
            ): "that is a penalty for each image. A penalty is one number, the mean over the images.",
            _faulty(
                lambda g: 10 * ops.mean((ops.abs(g) - 1) ** 2)
            ): "each pixel's derivative is compared with 1. The *length* of the gradient is: add up the squares over "
            "an image, then take the root.",
            _faulty(
                lambda g: 10 * ops.mean(ops.relu(_slopes(g) - 1) ** 2)
            ): "slopes below 1 are free here. This penalty is two-sided: a slope of ½ pays 10·(½ − 1)².",
            _faulty(
                lambda g: 10 * (ops.mean(_slopes(g)) - 1) ** 2
            ): "the mean is taken before the square: a slope of 0 and a slope of 2 would make up for each other. "
            "Square first, image by image.",
            _faulty(
                alpha=lambda x: keras.random.normal((len(x), 1, 1, 1))
            ): "some points lie outside the line between their pair. α is uniform on [0, 1]; a normal asks for "
            "slopes where the optimal critic has no reason to have one.",
            _faulty(
                alpha=lambda x: keras.random.uniform((1, 1, 1, 1))
            ): "α is the same for every image of the batch. Draw one for each: each pair gets a point of its own.",
            _faulty(
                alpha=lambda x: keras.random.uniform(x.shape)
            ): "α differs within an image, so the point is not on the line between a real and a generated image. "
            "Draw one α for each image, of shape (batch, 1, 1, 1).",
            _faulty(
                alpha=lambda x: keras.random.uniform((len(x), 1, 1, 1)) ** 3
            ): "the points are not spread evenly along the line: α is to be uniform on [0, 1].",
            _faulty(
                lambda g: 10 * ops.mean((_slopes(g, epsilon=0.0) - 1) ** 2)
            ): "where the critic is flat, the gradient of the root is infinite, and every weight becomes NaN. Add an "
            "ε such as 1e-12 under the root.",
            _faulty(lambda g: float(10 * ops.mean((_slopes(g) - 1) ** 2))): _CUT_OFF,
            _faulty(lambda g: tf.stop_gradient(10 * ops.mean((_slopes(g) - 1) ** 2))): _CUT_OFF,
        },
        nudge="try it on a linear critic: with ‖w‖ = 3 its slope is 3 everywhere, so its penalty is 10·(3 − 1)² = 40.",
        formula="10 · mean over the images of (‖∇D(x̂)‖₂ − 1)², x̂ = α·x + (1 − α)·G(z), one α ~ U[0, 1] for each image",
        room=1e-2,
    ),
    right="right on critics whose slope is known, uniform in α, one norm for each image, and the critic can learn "
    "from it.",
)

best_slope = Exercise(
    "The best slope under the penalty",
    Number(
        1.1,
        {
            1: "at s = 1 the penalty is 0 and also *flat*, while −W·s still goes down: a little steeper is better.",
            1.2: "the derivative of (s − 1)² is 2(s − 1): a factor of 2 is missing.",
            0.9: "a sign: the critic gains by being steep, so the best slope is above 1.",
            2.2: "that is the distance that it measures, W·s. Which s is it?",
        },
        nudge="where a loss is smallest its derivative is 0. Differentiate it in s.",
        formula="−W + 2λ(s − 1) = 0, with W = 2 and λ = 10",
    ),
    right="s = 1 + W/(2λ). So `distance` is W·s = 2.2 where W₁ is 2: too large by the factor 1 + W/20, which goes to "
    "1 as the generator gets close.",
)

# --- 5. the curve ---------------------------------------------------------------------------------


def _run(right, mistakes):
    return Choice(
        right,
        mistakes,
        nudge='choose "healthy", "unbounded" or "dead".',
        formula="look at the size of the numbers: a slope that nothing holds grows without end; a critic of twelve "
        "tiny factors cannot tell anything from anything.",
    )


read_the_curves = Exercise(
    "Reading a critic's curve",
    Several(
        {
            "I": _run(
                "unbounded",
                {
                    "healthy": "it measures a distance far larger than anything in the picture, where all is within "
                    "about 2 of all else. What lets a critic claim any number it likes?",
                    "dead": "a critic that cannot tell anything from anything measures about 0. This one claims a lot.",
                },
            ),
            "II": _run(
                "dead",
                {
                    "healthy": "it ends near 0, which *looks* like success. But it was so from the first epoch on, "
                    "before the generator had learnt anything: this critic does not see a difference that is there.",
                    "unbounded": "it measures next to nothing. A slope that nothing holds grows.",
                },
            ),
            "III": _run(
                "healthy",
                {
                    "unbounded": "its numbers stay below the size of the picture. A slope that nothing holds grows.",
                    "dead": "it sees a difference at the start, and less of it later.",
                },
            ),
        }
    ),
    right="a falling distance is good news only from a critic that could see a difference, and whose slope is held.",
)
