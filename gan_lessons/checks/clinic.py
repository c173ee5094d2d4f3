"""The exercises of the lesson "The clinic": a number, and five GANs to mend."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from gan_lessons.checks import Exercise
from gan_lessons.checks.kinds import Hint, Number
from gan_lessons.checks.patients import Patient
from gan_lessons.ward import SmallGAN, moved

_random = np.random.default_rng(0)
_LOGITS = [tf.constant(_random.normal(mean, 2, (16, 1)), "float32") for mean in (1, -1, -2, 0)]
_PIXELS = _random.integers(0, 256, (64, 28, 28, 1)).astype("uint8")
_IMAGES = tf.constant(_random.uniform(-1, 1, (64, 28, 28, 1)), "float32")


class _Swapped(SmallGAN):
    def d_loss(self, real_logits, fake_logits):
        return ops.mean(ops.softplus(real_logits)) + ops.mean(ops.softplus(-fake_logits))


patient_1 = Patient(
    "Patient 1",
    _Swapped,
    lambda gan: (gan.d_loss(*_LOGITS[:2]), gan.d_loss(*_LOGITS[2:])),
    "that is the patient's loss. softplus(+t) is small for a logit t far below 0.",
    {
        "ops.mean(ops.softplus(-real_logits)) + ops.mean(ops.softplus(-fake_logits))": "D now calls both kinds real.",
        "-ops.mean(ops.softplus(real_logits)) - ops.mean(ops.softplus(-fake_logits))": "−softplus falls without end: "
        "change the signs of the logits, not the sign of the loss.",
        "ops.mean(ops.softplus(-real_logits))": "the fakes are missing. D has to give them low logits.",
    },
    nudge="make it small where real logits are high and fake logits are low: the mean of each, added.",
    formula="mean softplus(−real_logits) + mean softplus(fake_logits)",
    right="Two opponents cannot both win. If both losses fall to 0, one of them asks for the wrong thing.",
)


class _Detached(SmallGAN):
    def generator_turn(self, count):
        fake_images = self.fakes(count)
        with tf.GradientTape() as tape:
            loss = self.g_loss(self.logits(fake_images))
        weights = self.generator.trainable_variables
        gradients = tape.gradient(loss, weights)
        gradients = [ops.zeros_like(w) if g is None else g for g, w in zip(gradients, weights, strict=True)]
        self.g_optimizer.apply(gradients, weights)
        return {"g_loss": loss}


def _turn(player="generator", optimizer="g_optimizer", sign=1, inside=True):
    """A generator's turn with one thing wrong."""

    def generator_turn(self, count):
        fake_images = self.fakes(count)
        with tf.GradientTape() as tape:
            loss = sign * self.g_loss(self.logits(self.fakes(count) if inside else fake_images))
        weights = getattr(self, player).trainable_variables
        getattr(self, optimizer).apply(tape.gradient(loss, weights), weights)
        return {"g_loss": loss}

    return generator_turn


_NO_GRADIENT = "Keras finds no gradient: the fakes were made before the tape began. Make them *inside* the tape."
_NOT_BUILT = "an optimizer gets weights that are not its own. G's turn is g_optimizer with G's weights."


def _one_turn(gan):
    """By how much `generator_turn` moves each player, by plain gradient descent, and its loss."""
    gan.discriminator_turn(_IMAGES)  # builds D's optimizer
    gan.g_optimizer = keras.optimizers.SGD(1.0)
    values = {}
    try:
        moves = moved(gan, lambda: values.update(gan.generator_turn(64) or {}))
    except ValueError as error:
        raise Hint(_NO_GRADIENT if "gradient" in str(error).lower() else _NOT_BUILT) from None
    if "g_loss" not in values:
        raise Hint('return what is to be logged: {"g_loss": loss}.')
    return *moves, values["g_loss"]


patient_2 = Patient(
    "Patient 2",
    _Detached,
    _one_turn,
    "G still does not move: no gradient reaches its weights. Which line of the chain from G to the loss does the tape "
    "not see?",
    {
        _turn(inside=False): _NO_GRADIENT,
        _turn("discriminator"): "in G's turn D moves. Take the gradient, and the step, for the *generator's* weights.",
        _turn(optimizer="d_optimizer"): _NOT_BUILT,
        _turn(sign=-1): "G moves uphill: its loss rises. Descend g_loss as it is.",
    },
    nudge="make the fakes inside the tape, take the gradient of g_loss for G's weights, apply it with g_optimizer.",
    formula="with tf.GradientTape() as tape: loss = self.g_loss(self.logits(self.fakes(count)))",
    right="A gradient of None is an error. Do not replace it by zeros.",
)


def _set_up(frozen=None, leftover=False, missing=False):
    """Sets a GAN up with one thing wrong."""

    def set_up(self):
        if frozen:
            getattr(self, frozen).trainable = False
        self.compile(**({} if leftover else {"optimizer": None}), jit_compile=False)
        self.d_optimizer = keras.optimizers.Adam(1e-3, beta_1=0.5)
        if not missing:
            self.g_optimizer = keras.optimizers.Adam(1e-3, beta_1=0.5)

    return set_up


class _Frozen(SmallGAN):
    def set_up(self):
        self.discriminator.trainable = False  # G's turn must not move D
        self.compile(optimizer=None, jit_compile=False)
        self.d_optimizer = keras.optimizers.Adam(1e-3, beta_1=0.5)
        self.g_optimizer = keras.optimizers.Adam(1e-3, beta_1=0.5)


def _a_step(gan):
    """Whether a training step moves each player, and whether the model has an optimizer that steps nothing."""
    return *(np.abs(by).max() > 0 for by in moved(gan, lambda: gan.train_step(_IMAGES))), gan.optimizer is not None


patient_3 = Patient(
    "Patient 3",
    _Frozen,
    _a_step,
    "D still does not move. In Keras 3 `trainable` counts when the step is taken, in D's own turn too.",
    {
        _set_up("generator"): "now G does not move.",
        _set_up(leftover=True): "D moves. But compile() without optimizer=None makes a third optimizer that steps "
        "nothing, and callbacks look at that one.",
        _set_up(missing=True): "make both optimizers, self.d_optimizer and self.g_optimizer.",
    },
    nudge="compile with optimizer=None, make both optimizers, and freeze nobody.",
    formula="the same method without the line about `trainable`",
    right="G's turn does not move D anyway: the step is for G's weights alone. Keras 2 needed the flag, and it meant "
    "something else there.",
)


def _batches(convert):
    return lambda self, pixels: tf.data.Dataset.from_tensor_slices(convert(pixels.astype("float32"))).batch(64)


class _OutOfRange(SmallGAN):
    def batches(self, pixels):
        images = pixels.astype("float32") / 255
        data = tf.data.Dataset.from_tensor_slices(images).shuffle(len(images), seed=0)
        return data.batch(self.batch_size, drop_remainder=True)


def _a_batch(gan):
    data = gan.batches(_PIXELS)
    batch = next(iter(data)).numpy() if isinstance(data, tf.data.Dataset) else None
    if batch is None or batch.dtype != "float32":
        raise Hint("return a tf.data.Dataset of float32 batches, as the patient does.")
    return np.sort(batch, axis=0)  # whatever the order


patient_4 = Patient(
    "Patient 4",
    _OutOfRange,
    _a_batch,
    "the images still lie in [0, 1]. G ends in a tanh, which outputs −1 to 1: black must be −1.",
    {
        _batches(lambda p: p / 127.5): "0 to 2: the length is right. Subtract 1.",
        _batches(lambda p: p / 255 - 1): "−1 to 0 is only half of what tanh outputs.",
        _batches(lambda p: p / 255 - 0.5): "−½ to ½ is only half of what tanh outputs.",
        _batches(lambda p: 1 - p / 127.5): "black and white have changed places: 0 must become −1.",
    },
    nudge="0 must become −1, and 255 must become 1. Keep the rest of the pipeline.",
    formula='pixels.astype("float32") / 127.5 - 1',
    right="Print the minimum and the maximum of a batch before you train.",
)

lowest_loss = Exercise(
    "The lowest loss",
    Number(
        np.log1p(np.exp(-1)) + np.log(2),
        {
            0: "0 needs a logit of +∞ for real images and of −∞ for fakes. What are the extremes of a sigmoid?",
            2 * np.log(2): "1.39 is the loss of a D that cannot tell: logits 0 and 0. It can output 1 for real images.",
            2 * np.log1p(np.exp(-1)): "that needs an output of −1 for fakes. A sigmoid is never below 0.",
            np.log1p(np.exp(-1)): "that is the part of the real images. Add the fakes' part.",
        },
        nudge="the best that this D can do is to output 1 for real images and 0 for fakes. Put both into the loss.",
        formula="softplus(−1) + softplus(0) = log(1 + e⁻¹) + log(1 + e⁰)",
    ),
    right="no training can bring D's loss below 1.006. Look where the curve ends.",
)


class _TwoSigmoids(SmallGAN):
    def last_layer(self):
        return layers.Dense(1, activation="sigmoid")


def _sure(gan):
    """The logits of a D that is surer than a new one."""
    gan.discriminator.set_weights([3 * weight for weight in gan.discriminator.get_weights()])
    return gan.logits(_IMAGES)


patient_5 = Patient(
    "Patient 5",
    _TwoSigmoids,
    _sure,
    "the outputs still end at 0 and 1. softplus(−t) = −log σ(t): the loss has its own sigmoid.",
    {
        'layers.Dense(1, activation="tanh")': "−1 to 1 is still a range. A logit is any number.",
        'layers.Dense(1, activation="relu")': "a ReLU never outputs less than 0, so that no fake gets a low logit.",
        "layers.Dense(2)": "one logit for each image, not two.",
    },
    nudge="the loss takes logits: what a Dense layer outputs by itself.",
    formula="layers.Dense(1), without an activation",
    right="One sigmoid is enough, and it is in the loss.",
)
