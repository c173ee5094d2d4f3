"""The exercises of the lesson "An MLP GAN on MNIST"."""

import keras
import numpy as np
import tensorflow as tf

from gan_lessons.checks import Exercise
from gan_lessons.checks.functions import Function, on
from gan_lessons.checks.kinds import Number, Several


def _player(inputs, outputs):
    return keras.Sequential([keras.Input((inputs,)), keras.layers.Dense(outputs, kernel_initializer="ones")])


def _taken(function):
    """A probe: does D move, how does G move, and which loss comes back?"""
    g, d = _player(3, 4), _player(4, 1)
    before = g.get_weights() + d.get_weights()
    loss = function(g, d, keras.optimizers.SGD(1.0), keras.random.normal((5, 3), seed=0))
    kernel, bias, *of_d = (new - old for new, old in zip(g.get_weights() + d.get_weights(), before, strict=True))
    return any(part.any() for part in of_d), kernel, bias, loss if loss is not None else 0.0


def _generator_turn(generator, discriminator, optimizer, latents):
    with tf.GradientTape() as tape:
        fake_logits = discriminator(generator(latents, training=True), training=True)
        loss = keras.ops.mean(keras.ops.softplus(-fake_logits))
    weights = generator.trainable_variables
    optimizer.apply(tape.gradient(loss, weights), weights)
    return loss


_D_MOVES = "[w.assign(w + 1) for w in generator.weights + discriminator.weights][-1]"
_BY_MINUS_D = "_generator_turn(generator, lambda x, training: -discriminator(x), optimizer, latents)"
generator_turn = Exercise(
    "G's turn",
    Function(
        _generator_turn,
        [_taken],
        {
            _BY_MINUS_D: "G went the wrong way: softplus(+logit) is what a fake costs D.",
            _D_MOVES: "D has moved. In G's turn step G's weights alone.",
        },
        nudge="make the fakes of these latents, take one step for G's weights, and return the loss before the step.",
        formula="loss: the mean of softplus(−logit of a fake); gradient: for generator.trainable_variables",
    ),
    right="G moved and D did not, although the gradient came through D.",
)

_LOG_2, _COST = np.log(2), "D gives the truth the probability ½. What does −log ½ cost, and for which images?"
_OF_D = {_LOG_2: "D gets real images and fakes. Add the two.", -2 * _LOG_2: "that is V. The loss is −V."}
answers_half = Exercise(
    "The losses of a D that cannot tell",
    Several(
        {
            "d_loss": Number(2 * _LOG_2, _OF_D, _COST, formula="−log ½ − log(1 − ½)"),
            "g_loss": Number(_LOG_2, {2 * _LOG_2: "G's loss is about the fakes alone."}, _COST, formula="−log ½"),
        }
    ),
    right="2·log 2 = 1.386 and log 2 = 0.693, whatever the images are.",
)


def _distances(samples, images):
    a, b = samples.reshape(len(samples), -1), images.reshape(len(images), -1)
    return np.sqrt(np.maximum((a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T, 0))


distances = Exercise(
    "Distances to the training images",
    Function(
        _distances,
        [on(x[:4], x[4:]) for x in np.random.default_rng(0).normal(size=(2, 9, 4, 4, 1)).astype("float32")],
        {
            "_distances(samples, images) ** 2": "these are squared distances. Take the root.",
            "_distances(images, samples)": "there must be a row for each sample and a column for each image.",
        },
        nudge="return an array of shape (samples, images), with the length of the difference of each pair.",
        formula="‖a − b‖² = ‖a‖² + ‖b‖² − 2 a·b for all pairs at once: a @ b.T, with images as rows",
    ),
    right="now you can measure how near is near.",
)

_WEIGHTS = {0.5: "that is the straight way. The variance is ¼ + ¼ = ½.", 1: "the variance of a + b is 2."}
half_way = Exercise(
    "Half-way, spread as latents are",
    Number(0.5**0.5, _WEIGHTS, nudge="the variance of w·a + w·b is w² + w². It must be 1.", formula="2 w² = 1"),
    right="half-way latents with these weights come from N(0, 1) again, and are about 10 long.",
)
