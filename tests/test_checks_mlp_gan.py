"""Each exercise of lesson 02 knows right answers from wrong ones, and tells what is wrong with these."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops
from scipy.special import expit

import gan_lessons as gl
from gan_lessons.checks import mlp_gan as checks

HALF = {
    # answer: a word that the hint has to have
    0.693: "fakes as well",
    -1.386: "descends",
    2 * np.log10(2): "natural logarithm",
    2 * np.log1p(np.exp(-0.5)): "logit is 0",
    np.log1p(np.exp(-0.5)) + np.log1p(np.exp(0.5)): "logit is 0",
    0.5: "D's answer",
    0: "D's answer",
    7.0: "−log ½",
}


def test_answers_half():
    assert checks.answers_half(2 * np.log(2))
    assert checks.answers_half(-2 * np.log(0.5)).message.startswith("2·log 2")
    assert checks.answers_half(np.float32(1.3863))
    assert checks.answers_half(...).status == "blank"


@pytest.mark.parametrize("answer, word", HALF.items())
def test_answers_half_hints(answer, word):
    outcome = checks.answers_half(answer)
    assert outcome.status == "wrong" and word in outcome.message


REAL, FAKE = np.array([2.0, 0.0]), np.array([-2.0, 1.0])


def test_loss_of_logits():
    right = -np.log(expit(REAL)).mean() - np.log(1 - expit(FAKE)).mean()
    assert checks.loss_of_logits(right)
    assert checks.loss_of_logits(round(right, 2))
    assert checks.loss_of_logits(gl.objectives.NonSaturating().discriminator_loss(REAL, FAKE))
    assert checks.loss_of_logits(...).status == "blank"


@pytest.mark.parametrize(
    "answer, word",
    [
        (-np.log(expit(REAL)).sum() - np.log(1 - expit(FAKE)).sum(), "added over the images"),
        ((-np.log(expit(REAL)).mean() - np.log(1 - expit(FAKE)).mean()) / 2, "all four"),
        (-np.log(1 - expit(REAL)).mean() - np.log(expit(FAKE)).mean(), "swapped"),
        (-np.log(expit(REAL)).mean() - np.log(expit(FAKE)).mean(), "fakes as real"),
        (-np.log(expit(REAL)).mean(), "one of the two parts"),
        (-np.log(1 - expit(FAKE)).mean(), "one of the two parts"),
        (np.log(expit(REAL)).mean() + np.log(1 - expit(FAKE)).mean(), "−V"),
        (float("inf"), "log of σ"),
        (12.0, "softplus"),
    ],
)
def test_loss_of_logits_hints(answer, word):
    outcome = checks.loss_of_logits(answer)
    assert outcome.status == "wrong" and word in outcome.message


def cross_entropy(target, logits):
    return ops.mean(target * ops.softplus(-logits) + (1 - target) * ops.softplus(logits))


def test_smoothed_loss():
    assert checks.smoothed_loss(lambda real, fake: cross_entropy(0.9, real) + cross_entropy(0.0, fake))
    keras_own = keras.losses.BinaryCrossentropy(from_logits=True)

    def smoothed(real, fake):
        return keras_own(0.9 * ops.ones_like(real), real) + keras_own(ops.zeros_like(fake), fake)

    assert checks.smoothed_loss(smoothed)


@pytest.mark.parametrize(
    "function, word",
    [
        (lambda real, fake: None, "return"),
        (lambda real, fake: 0.9 * ops.softplus(-real) + ops.softplus(fake), "Take the mean"),
        (lambda real, fake: cross_entropy(1.0, real) + cross_entropy(0.0, fake), "not 1"),
        (lambda real, fake: cross_entropy(0.9, real) + cross_entropy(0.1, fake), "one-sided"),
        (lambda real, fake: cross_entropy(1.0, real) + cross_entropy(0.1, fake), "the fakes keep 0"),
        (lambda real, fake: 0.9 * cross_entropy(1.0, real) + cross_entropy(0.0, fake), "other 0.1"),
        (lambda real, fake: cross_entropy(0.1, real) + cross_entropy(0.0, fake), "changed places"),
        (lambda real, fake: -cross_entropy(0.9, real) - cross_entropy(0.0, fake), "the sign"),
        (lambda real, fake: cross_entropy(0.0, real) + cross_entropy(1.0, fake), "with target y"),
        (lambda real, fake: real.missing, "AttributeError"),
    ],
)
def test_smoothed_loss_hints(function, word):
    outcome = checks.smoothed_loss(function)
    assert outcome.status == "wrong" and word in outcome.message


def test_smoothed_loss_by_way_of_probabilities_overflows():
    def naive(real, fake):
        real, fake = ops.sigmoid(real), ops.sigmoid(fake)
        return -ops.mean(0.9 * ops.log(real) + 0.1 * ops.log(1 - real)) - ops.mean(ops.log(1 - fake))

    outcome = checks.smoothed_loss(naive)
    assert outcome.status == "wrong" and "not finite" in outcome.message


def generators_turn(
    loss_of=lambda logits: ops.mean(ops.softplus(-logits)),
    early=False,
    steps=("generator",),
    training=True,
    answer=lambda loss: loss,
):
    """A student's solution of "G's turn", with what may go wrong in it."""

    def function(generator, discriminator, optimizer, latents):
        fakes = generator(latents, training=training)
        with tf.GradientTape() as tape:
            if not early:
                fakes = generator(latents, training=training)
            loss = loss_of(discriminator(fakes, training=training))
        weights = []
        if "generator" in steps:
            weights += generator.trainable_variables
        if "discriminator" in steps:
            weights += discriminator.trainable_variables
        if weights:
            optimizer.apply(tape.gradient(loss, weights), weights)
        return answer(loss)

    return function


def test_generator_step():
    assert checks.generator_step(generators_turn())
    assert checks.generator_step(generators_turn(answer=float))

    def with_the_objective_and_apply_gradients(generator, discriminator, optimizer, latents):
        with tf.GradientTape() as tape:
            logits = discriminator(generator(latents, training=True), training=True)
            loss = gl.objectives.NonSaturating().generator_loss(logits)
        weights = generator.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        return loss

    assert checks.generator_step(with_the_objective_and_apply_gradients)


@pytest.mark.parametrize(
    "function, word",
    [
        (lambda *pieces: None, "does nothing"),
        (generators_turn(early=True), "inside"),
        (generators_turn(steps=()), "optimizer.apply"),
        (generators_turn(steps=("discriminator",)), "G has not"),
        (generators_turn(steps=("generator", "discriminator")), "D has moved too"),
        (generators_turn(lambda logits: ops.mean(ops.softplus(logits))), "wrong way"),
        (generators_turn(lambda logits: -ops.mean(ops.softplus(logits))), "saturates"),
        (generators_turn(lambda logits: -ops.mean(ops.softplus(-logits))), "climbed"),
        (generators_turn(lambda logits: ops.sum(ops.softplus(-logits))), "mean over the batch"),
        (generators_turn(lambda logits: -ops.mean(logits)), "one step down"),
        (generators_turn(training=False), "training=True"),
        (generators_turn(answer=lambda loss: None), "return the loss"),
        (generators_turn(answer=lambda loss: 2 * loss), "return the loss"),
        (lambda generator, *others: generator.missing, "AttributeError"),
    ],
)
def test_generator_step_hints(function, word):
    outcome = checks.generator_step(function)
    assert outcome.status == "wrong" and word in outcome.message


def angle_between(a, b):
    return np.arccos(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


def arc(a, b, t):
    angle = angle_between(a, b)
    return (np.sin((1 - t) * angle) * a + np.sin(t * angle) * b) / np.sin(angle)


def normalised_line(a, b, t):
    point = (1 - t) * a + t * b
    length = (1 - t) * np.linalg.norm(a) + t * np.linalg.norm(b)
    return length * point / np.linalg.norm(point)


def test_spherical():
    assert checks.spherical(arc)
    way = gl.plotting.latent_path
    assert checks.spherical(lambda a, b, t: way(a, b, steps=5)[int(4 * t)])


@pytest.mark.parametrize(
    "function, word",
    [
        (lambda a, b, t: None, "return"),
        (lambda a, b, t: arc(a, b, t)[:3], "shape"),
        (lambda a, b, t: (1 - t) * a + t * b, "straight way"),
        (lambda a, b, t: arc(b, a, t), "backwards"),
        (lambda a, b, t: np.sin(angle_between(a, b)) * arc(a, b, t), "divided by sin"),
        (lambda a, b, t: arc(a / np.linalg.norm(a), b / np.linalg.norm(b), t), "length 1"),
        (normalised_line, "quarter of the *angle*"),
        (lambda a, b, t: np.full_like(a, np.nan), "arccos"),
        (lambda a, b, t: a, "at t = 1"),
    ],
)
def test_spherical_hints(function, word):
    outcome = checks.spherical(function)
    assert outcome.status == "wrong" and word in outcome.message


def test_diagnosis():
    assert checks.diagnosis({"A": "frozen", "B": "sigmoid", "C": "swapped"})
    assert checks.diagnosis({"A": ..., "B": ..., "C": ...}).status == "blank"


@pytest.mark.parametrize(
    "answer, word",
    [
        ("frozen", "dictionary"),
        ({"A": "frozen"}, "dictionary"),
        ({"A": "frozen", "B": ..., "C": "swapped"}, "B is still open"),
        ({"A": "frozen", "B": "flu", "C": "swapped"}, "'flu'"),
        ({"A": "swapped", "B": "sigmoid", "C": "frozen"}, "one who does not"),
        ({"A": "frozen", "B": "healthy", "C": "swapped"}, "0.73"),
        ({"A": "frozen", "B": "sigmoid", "C": "healthy"}, "not opponents"),
    ],
)
def test_diagnosis_hints(answer, word):
    outcome = checks.diagnosis(answer)
    assert outcome.status == "wrong" and word in outcome.message


def test_the_sick_runs_show_what_the_hints_say_of_them():
    images = np.tanh(np.random.default_rng(0).normal(size=(256, 6, 6, 1)) + 1).astype("float32")
    runs = checks.sick_runs(images, points=15, steps=10)
    frozen, sigmoid, swapped = (
        {name: np.array(values) for name, values in runs[run].items()} for run in ("A", "B", "C")
    )
    assert all(len(run["d_loss"]) == 15 for run in (frozen, sigmoid, swapped))

    assert frozen["d_real"][-1] > 0.9 and frozen["d_fake"][-1] < 0.1
    assert frozen["g_loss"][-1] > 2 * frozen["g_loss"][0] and frozen["d_loss"][-1] < 0.3

    for answers in (sigmoid["d_real"], sigmoid["d_fake"]):
        assert answers.min() >= 0.5 and answers.max() <= expit(1.0) + 1e-6
    assert sigmoid["d_loss"].min() >= np.log1p(np.exp(-1)) + np.log(2) - 1e-6  # the best it can have

    assert swapped["d_loss"][-1] < 0.3 and swapped["g_loss"][-1] < 0.3
    assert swapped["d_real"][-1] < 0.2 and swapped["d_fake"][-1] > 0.8


def test_the_lesson_is_marked():
    names = set(gl.checks.exercises("mlp_gan"))
    assert names == {
        "answers_half", "loss_of_logits", "smoothed_loss", "generator_step", "spherical", "diagnosis",
    }  # fmt: skip
    checks.answers_half(2 * np.log(2))
    checks.loss_of_logits(...)
    mark = gl.checks.report("mlp_gan")
    assert mark.total == len(names) and mark.right >= 1
