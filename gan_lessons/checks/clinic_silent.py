"""The exercises of the lesson "The clinic II": a number, and four GANs to mend."""

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from gan_lessons.checks import Exercise
from gan_lessons.checks.kinds import Number
from gan_lessons.checks.patients import Patient
from gan_lessons.ward import SmallGAN, SmallWGAN

_random = np.random.default_rng(0)


class _FixedLatents(SmallGAN):
    def latents(self, count):
        return keras.random.normal((count, self.latent_dim), seed=42)


def _drawn(gan):
    """Shape, mean and spread of latents; whether two draws differ, in plain Python and in a compiled function."""
    first, second = (ops.convert_to_numpy(gan.latents(2000)) for _ in range(2))
    compiled = tf.function(lambda: gan.latents(2000)).get_concrete_function()
    differ = [np.any(a != b) for a, b in ((first, second), (compiled(), compiled()))]
    return first.shape, differ, np.round(abs(first.mean()), 1), np.round(first.std(), 1)


_generator = np.random.default_rng(1)
patient_1 = Patient(
    "Patient 1",
    _FixedLatents,
    _drawn,
    "two calls still output the same numbers. An integer seed fixes them; a SeedGenerator, self.random, moves on.",
    {
        "tf.constant(_generator.normal(size=(count, self.latent_dim)), 'float32')": "they differ in plain Python, but "
        "not in training: TensorFlow compiles the step once, and NumPy's numbers become constants in it.",
        "keras.random.uniform((count, self.latent_dim), seed=self.random)": "fresh, but not from N(0, 1).",
    },
    nudge="draw from N(0, 1), of shape (count, latent_dim), with a source of randomness that moves on.",
    formula="keras.random.normal((count, self.latent_dim), seed=self.random)",
    right="For a training that can be repeated, fix where the random numbers start, not what they are.",
)

lowest_loss = Exercise(
    "The loss of a sure D",
    Number(
        1000 - 1150 + np.log1p(np.exp(-1000)),
        {
            0: "0 is right for a target of 1. Here it is 1.15.",
            150: "the sign: softplus(−t) is 0 for t = 1000, and the other term is negative.",
            -1150: "that is −1.15 t. Add softplus(t), which is 1000 here.",
            1150: "softplus(1000) is 1000, and from it you subtract 1.15 · 1000.",
        },
        nudge="softplus(t) is t for a large t. Subtract y·t.",
        formula="softplus(t) − y·t with t = 1000, y = 1.15",
    ),
    right="the surer D is, the lower its loss, without end. With y ≤ 1 it is never below 0.",
)


def _targets(real, fake=0.0, spread=0.0):
    """D's loss with targets of real + spread · U(0, 1) for real images."""

    def d_loss(self, real_logits, fake_logits):
        targets = real + spread * keras.random.uniform(ops.shape(real_logits), seed=self.random)
        loss = ops.softplus(real_logits) - targets * real_logits
        return ops.mean(loss) + ops.mean(ops.softplus(fake_logits) - fake * fake_logits)

    return d_loss


class _TargetAboveOne(SmallGAN):
    def d_loss(self, real_logits, fake_logits):
        noise = keras.random.uniform(ops.shape(real_logits), seed=self.random)
        targets = 1 + 0.3 * noise
        loss = ops.softplus(real_logits) - targets * real_logits  # cross-entropy with these targets
        return ops.mean(loss) + ops.mean(ops.softplus(fake_logits))


def _at_the_ends(gan):
    """Whether the loss has a lowest value for every image, rewards the right logits, and has 0 as the fakes' target."""

    def loss(real, fake):
        return float(ops.convert_to_numpy(gan.d_loss(tf.constant([[real]]), tf.constant([[fake]]))))

    losses = [loss(1e3, -1e3) for _ in range(40)]
    zero = abs(loss(0.0, -1e3) - np.log(2)) < 0.1
    return (
        np.mean(losses) >= 0,
        min(losses) >= 0,
        zero,
        loss(4.0, 0.0) < loss(-4.0, 0.0),
        loss(0.0, -4.0) < loss(0.0, 4.0),
    )


patient_2 = Patient(
    "Patient 2",
    _TargetAboveOne,
    _at_the_ends,
    "at a real logit of 1000 the loss is still below 0: a target is above 1.",
    {
        _targets(0.8, spread=0.3): "on average the target is below 1 now. It must not be above 1 for any image.",
        _targets(0.9, fake=0.1): "the fakes' target is 0.1, which rewards D for finding fakes a little real. Smooth "
        "the real images' targets alone.",
        _targets(0.0): "D does not learn to find real images real any more.",
    },
    nudge="targets near 1 and never above it for real images, 0 for fakes.",
    formula="targets = 1 - 0.1 * noise",
    right="Smoothed towards the inside. Cross-entropy with a target y has a lowest point only for y in [0, 1].",
)


class _NoEpsilon(SmallWGAN):
    def lengths(self, gradients):
        return ops.sqrt(ops.sum(gradients**2, axis=1))


def _lengths(gan):
    """Some lengths, and the derivative of (length − 1)² where a gradient is 0."""
    gradients = tf.Variable([[3.0, 4.0], [0.1, 0.0], [0.0, 0.0]])
    with tf.GradientTape() as tape:
        lengths = tf.convert_to_tensor(gan.lengths(gradients))
        total = tf.reduce_sum((lengths - 1) ** 2)
    return lengths, tf.convert_to_tensor(tape.gradient(total, gradients))[2]


patient_3 = Patient(
    "Patient 3",
    _NoEpsilon,
    _lengths,
    "where the critic is flat the derivative is still NaN: the root has an infinite slope at 0. Put the ε *under* it.",
    {
        "ops.sqrt(ops.sum(gradients**2, axis=1) + 0.1)": "finite, but an ε of this size changes the lengths.",
        "ops.sum(gradients**2, axis=1)": "without the root it is the square of the length.",
        "ops.sqrt(ops.sum(gradients**2) + 1e-12)": "a length for each point, not one for the whole batch.",
    },
    nudge="the length of each gradient, and a finite derivative where the gradient is 0.",
    formula="ops.sqrt(ops.sum(gradients**2, axis=1) + 1e-12)",
    right="A single NaN spreads to every weight in one step.",
)


class _NormalAlpha(SmallWGAN):
    def between(self, real_points, fake_points):
        alpha = keras.random.normal((ops.shape(real_points)[0], 1), seed=self.random)
        return alpha * real_points + (1 - alpha) * fake_points


def _where(gan):
    """Where the points lie, from a fake (0) to a real one (1): outside, mean, spread, on a line."""
    places = ops.convert_to_numpy(gan.between(tf.ones((2000, 2)), tf.zeros((2000, 2))))
    outside = np.any((places < 0) | (places > 1))
    return (
        places.shape,
        outside,
        np.round(places.mean(), 1),
        np.round(places.std(), 1),
        np.ptp(places, axis=1).max() > 0,
    )


patient_4 = Patient(
    "Patient 4",
    _NormalAlpha,
    _where,
    "some of these points still do not lie between a real point and a fake. α must be in [0, 1].",
    {
        "0.5 * real_points + 0.5 * fake_points": "always the middle. Draw an α for each pair.",
        "fake_points + keras.random.uniform((1, 1)) * (real_points - fake_points)": "one α for the whole batch. Draw "
        "one for each pair.",
        "fake_points + keras.random.uniform(ops.shape(real_points)) * (real_points - fake_points)": "with an α for "
        "each coordinate the point leaves the line between the two. Use the shape (count, 1).",
    },
    nudge="α of shape (count, 1), uniform on [0, 1].",
    formula="alpha = keras.random.uniform((count, 1), seed=self.random)",
    right="No curve shows it: ask the penalty where it looks.",
)
