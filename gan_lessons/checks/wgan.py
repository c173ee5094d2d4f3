"""The exercises of the lesson on the WGAN."""

import math

import numpy as np
import tensorflow as tf
from keras import ops

from gan_lessons import objectives
from gan_lessons.checks import Hint, exercise, is_blank

# --- 1. the distance ------------------------------------------------------------------------------


@exercise("The steepest slope of four functions")
def steepest_slope(answer):
    if not isinstance(answer, dict) or set(answer) != {"a", "b", "c", "d"}:
        raise Hint('give a dictionary with the four keys "a", "b", "c", "d".')
    if missing := [key for key, value in answer.items() if is_blank(value)]:
        raise Hint(f"{', '.join(missing)} still to do.")
    values = {key: float(value) for key, value in answer.items()}
    if wrong := [key for key, value in values.items() if value < 0]:
        raise Hint(f"({wrong[0]}) steepness has no sign: |f(x) − f(y)| ≤ K·|x − y| can only hold with K ≥ 0.")
    if not np.isclose(values["a"], 3):
        raise Hint("(a) the slope of 2 − 3x is −3 everywhere; the constant only moves the line up.")
    if not np.isclose(values["b"], 0.5):
        raise Hint(
            "(b) |x| has slopes −1 and 1, |x|/2 has half of them. The corner at 0 is no steeper than its two sides."
        )
    if not np.isclose(values["c"], 5):
        if np.isclose(values["c"], 7):
            raise Hint(
                "(c) 3 + 4 adds the slopes along the two axes. The steepest way is the diagonal along (3,"
                " 4), whose length is √(3² + 4²)."
            )
        if np.isclose(values["c"], 4):
            raise Hint(
                "(c) 4 is the slope along one axis. Going along both at once climbs faster: the length of (3, 4)."
            )
        raise Hint("(c) the gradient is (3, 4) everywhere. How long is it?")
    if not np.isclose(values["d"], 28, rtol=1e-3):
        if np.isclose(values["d"], 784):
            raise Hint(
                "(d) the gradient is 1 in each of the 784 pixels. Its length is not the sum of these, but"
                " √(1² + … + 1²)."
            )
        if np.isclose(values["d"], 1):
            raise Hint("(d) 1 is the slope when one pixel changes. If all change together, the answer climbs faster.")
        raise Hint("(d) the gradient is (1, 1, …, 1), with 28·28·1 entries. How long is it?")
    return (
        "and so the same critic is steeper on larger images: held to a slope of 1, this one would have to"
        " be divided by 28."
    )


# --- 2. the objective -----------------------------------------------------------------------------


@exercise("The two losses of a WGAN")
def losses(critic_loss, generator_loss):
    random = np.random.default_rng(0)
    real, fake = (random.normal(centre, 1, (32, 1)).astype("float32") for centre in (1.5, -0.5))
    answers = critic_loss(real, fake), generator_loss(fake)
    for name, answer in zip(("critic's", "generator's"), answers, strict=True):
        if np.size(ops.convert_to_numpy(answer)) != 1:
            raise Hint(f"the {name} loss has shape {np.shape(answer)}; a loss is one number, the mean over the batch.")
    found = [float(ops.convert_to_numpy(answer)) for answer in answers]
    game = objectives.Wasserstein()
    wanted = [float(game.discriminator_loss(real, fake)), float(game.generator_loss(fake))]
    for name, one, right in zip(("critic's", "generator's"), found, wanted, strict=True):
        if np.isclose(one, right, rtol=1e-4):
            continue
        if np.isclose(one, -right, rtol=1e-4):
            what = "E[D(x)] − E[D(G(z))]" if name == "critic's" else "E[D(G(z))]"
            raise Hint(f"the {name} loss has the wrong sign. It wants {what} large; an optimizer goes *down*.")
        if np.isclose(abs(one), abs(right) * 32, rtol=1e-4):
            raise Hint(
                f"the {name} loss is a sum over the batch: twice the batch would mean twice the step. Take the mean."
            )
        if name == "generator's" and np.isclose(abs(one), abs(wanted[0]), rtol=1e-4):
            raise Hint("the generator cannot change D(x) on real images: only one of the two means is left for it.")
        if not _shifts_with_the_logits(critic_loss, generator_loss, name, real, fake):
            raise Hint(
                f"the {name} loss bends the logits (a sigmoid, a logarithm, a softplus?). A critic's "
                "answer is used as it is: that is why nothing saturates."
            )
        raise Hint(
            f"the {name} loss is {one:.3f} where {right:.3f} was expected, for mean answers of "
            f"{real.mean():.3f} on real and {fake.mean():.3f} on generated images."
        )
    return "no logarithm, no sigmoid; the generator's gradient is the same however sure the critic is."


def _shifts_with_the_logits(critic_loss, generator_loss, name, real, fake):
    """Whether a loss is linear in the fakes' logits: each 1 that they move changes it by the same."""

    def value(shift):
        answer = critic_loss(real, fake + shift) if name == "critic's" else generator_loss(fake + shift)
        return float(ops.convert_to_numpy(answer))

    return np.isclose(value(2.0) - value(1.0), value(1.0) - value(0.0), atol=1e-3)


@exercise("How often the generator steps")
def generator_turns(answer):
    answer = float(answer)
    batches = 50_000 // 64  # in an epoch
    critic_steps = 10 * batches
    if answer == critic_steps // 5:
        return "7,810 critic steps, and 1,562 of the generator: the slow player is the one that you want to improve."
    if answer in (critic_steps, math.ceil(50_000 / 64) * 10):
        raise Hint("that is how often the *critic* steps. The generator waits for five of them.")
    if answer == batches // 5:
        raise Hint("that is one epoch; there are ten.")
    if answer == 10 * (batches // 5):
        raise Hint(
            "781 is not a multiple of 5: one batch is left over at the end of an epoch, but the count "
            "goes on, so it is not lost. Divide once, at the end."
        )
    if answer == math.ceil(50_000 / 64) * 10 // 5:
        raise Hint(
            "50,000 / 64 = 781.25, and the last quarter of a batch is dropped: 781 batches in an epoch, not 782."
        )
    if answer == critic_steps * 5:
        raise Hint("it is the critic that takes five steps, not the generator.")
    if answer == 50_000 * 10 / 64 / 5:
        raise Hint("batches come whole: 781 in an epoch, not 781.25.")
    raise Hint(
        "how many whole batches are in an epoch, how many critic steps is that in ten, and on every which does G step?"
    )


# --- 4. the gradient penalty ----------------------------------------------------------------------


@exercise("The gradient penalty")
def gradient_penalty(penalty):
    random = np.random.default_rng(0)
    real, fake = (tf.constant(random.uniform(-1, 1, (12, 4, 4, 3)), "float32") for _ in range(2))
    direction = random.normal(size=(4, 4, 3)).astype("float32")
    direction /= np.linalg.norm(direction)

    _check_linear(penalty, direction, real, fake)
    _check_points(penalty)
    _check_one_norm_for_each(penalty)
    _check_it_teaches(penalty, direction, real, fake)
    return (
        "right on critics whose slope is known, uniform in α, one norm for each image, and the critic can"
        " learn from it."
    )


def _linear(weights):
    return lambda images: ops.sum(images * weights, axis=(1, 2, 3))[:, None]


def _number(answer):
    answer = ops.convert_to_numpy(answer)
    if answer.size != 1:
        raise Hint(f"it answers with shape {answer.shape}; a penalty is one number, the mean over the images.")
    return float(answer.reshape(()))


def _check_linear(penalty, direction, real, fake):
    """On a linear critic w·x the penalty is 10 (‖w‖ − 1)², wherever the points are."""
    count, length = len(real), 3.0
    found = _number(penalty(_linear(length * direction), real, fake))
    right = 10 * (length - 1) ** 2
    if np.isclose(found, right, rtol=1e-3):
        return
    mistakes = {
        right / 10: "the factor λ = 10 is missing.",
        10 * (length**2 - 1) ** 2: "the root is missing: Σ grad² is the *square* of the length.",
        10 * (length * math.sqrt(count) - 1) ** 2: (
            "the norm is over the whole batch, so it grows with √batch, and a critic that is just right is "
            "pressed flat. Sum over the axes (1, 2, 3) and keep axis 0: steepness is a matter of one image."
        ),
        10 * (length / count - 1) ** 2: (
            "differentiate the *sum* of the answers, not their mean: the mean makes each image's gradient "
            "smaller by the batch size, and only a slope of 12 would be free of charge."
        ),
        10 * (length - 1): "the difference ‖∇‖ − 1 has to be squared: slopes below 1 are punished as well.",
        10 * length**2: ("the length is compared with 1: (‖∇‖ − 1)². Without the 1 the best critic would be flat."),
        10 * count * (length - 1) ** 2: "take the mean over the images, not their sum.",
    }
    for value, why in mistakes.items():
        if np.isclose(found, value, rtol=1e-3):
            raise Hint(why)
    pixels = 10 * np.mean((np.abs(length * direction) - 1) ** 2)
    if np.isclose(found, pixels, rtol=1e-3):
        raise Hint(
            "each pixel's derivative is compared with 1. The *length* of the gradient is: add up the "
            "squares over an image, then take the root."
        )
    raise Hint(
        "a linear critic with ‖w‖ = 3 has slope 3 everywhere, so its penalty is 10·(3 − 1)² = 40. Yours "
        f"is {found:.3f}."
    )


def _check_points(penalty, count=512):
    """Looks at where it asks for the slope: with real = 1 and fake = 0 the critic is shown α itself."""
    seen = []

    def critic(images):
        seen.append(ops.convert_to_numpy(images))
        return ops.sum(images, axis=(1, 2, 3))[:, None]

    shape = (count, 2, 2, 1)
    _number(penalty(critic, tf.ones(shape), tf.zeros(shape)))
    if not seen or seen[-1].shape != shape:
        raise Hint("it never asks the critic about points between the images: critic(between), as many as there are.")
    alpha = seen[-1].reshape(count, -1)
    first = alpha[:, 0]
    if np.ptp(alpha, axis=1).max() > 1e-5:
        raise Hint(
            "α differs within an image. One α for each image, of shape (batch, 1, 1, 1): else the point "
            "is not on the line between a real and a generated image."
        )
    outside = np.mean((first < -1e-6) | (first > 1 + 1e-6))
    if outside > 0:
        raise Hint(
            f"{outside:.0%} of the points lie outside the line between their pair. α is uniform on [0, 1];"
            " a normal asks for slopes where the optimal critic has no reason to have one."
        )
    if np.ptp(first) < 1e-5:
        raise Hint(
            f"α is {first[0]:.2f} for every image of the batch. Draw one for each: each pair gets a point of its own."
        )
    # Uniform: mean ½ and variance 1/12; bounds of five standard errors.
    if abs(first.mean() - 0.5) > 5 * math.sqrt(1 / 12 / count) or abs(first.var() - 1 / 12) > 0.02:
        raise Hint(
            f"the points are not spread evenly along the line: mean α {first.mean():.2f}, variance "
            f"{first.var():.3f}; for a uniform α they are 0.50 and 0.083."
        )


def _check_one_norm_for_each(penalty):
    """At x̂ = x = G(z), the critic ‖x‖²/2 has the gradient x: another length for each image."""
    lengths = np.array([0.5, 1.0, 2.0, 4.0], "float32")
    images = np.zeros((4, 2, 2, 1), "float32")
    images[:, 0, 0, 0] = lengths
    images = tf.constant(images)
    found = _number(penalty(lambda x: ops.sum(x**2, axis=(1, 2, 3))[:, None] / 2, images, images))
    right = 10 * np.mean((lengths - 1) ** 2)
    if np.isclose(found, right, rtol=1e-3):
        return
    if np.isclose(found, 10 * (lengths.mean() - 1) ** 2, rtol=1e-3):
        raise Hint(
            "the mean is taken before the difference from 1 is squared: a slope of 0 and a slope of 2 "
            "would make up for each other. Square first, image by image, then take the mean."
        )
    raise Hint(
        "on a critic whose slope differs from image to image, with slopes ½, 1, 2 and 4, the penalty is "
        f"the mean of 10·(slope − 1)², which is {right:.3f}. Yours is {found:.3f}."
    )


def _check_it_teaches(penalty, direction, real, fake):
    """Its gradient in the critic's weights: 20 (‖w‖ − 1) w/‖w‖, and finite where the critic is flat."""
    for length in (2.0, 0.0):
        weights = tf.Variable(length * direction)
        with tf.GradientTape() as tape:
            value = tf.convert_to_tensor(penalty(_linear(weights), real, fake))
        gradient = tape.gradient(value, weights)
        if gradient is None:
            raise Hint(
                "the value is right, but the critic cannot learn from it: an outer tape finds no way from"
                " the penalty to the weights. Stay in TensorFlow all the way (no NumPy, no float()), with"
                " the inner gradient not stopped."
            )
        gradient = gradient.numpy()
        if not np.isfinite(gradient).all():
            raise Hint(
                "where the critic is flat, the gradient of the root is infinite, and every weight becomes"
                " NaN. Add an ε such as 1e-12 under the root."
            )
        if length and not np.allclose(gradient, 20 * (length - 1) * direction, atol=1e-2):
            raise Hint(
                "the value is right, but its gradient in the critic's weights is not: for D(x) = w·x it "
                "should be 20 (‖w‖ − 1) w/‖w‖. Is part of it cut off from the tape?"
            )


@exercise("The best slope under the penalty")
def best_slope(answer):
    answer = float(answer)
    if np.isclose(answer, 1.1, atol=1e-3):
        return (
            "the derivative −W + 2λ(s − 1) is 0 at s = 1 + W/(2λ). So `distance` is W·s = 2.2 where W₁ is"
            " 2: too large by the factor 1 + W/20, which goes to 1 as the generator gets close."
        )
    if np.isclose(answer, 1):
        raise Hint(
            "at s = 1 the penalty is 0 and also *flat*, while −W·s still goes down: a little steeper is a"
            " little better."
        )
    if np.isclose(answer, 1.2, atol=1e-3):
        raise Hint("the derivative of (s − 1)² is 2(s − 1): a factor of 2 is missing.")
    if np.isclose(answer, 0.9, atol=1e-3):
        raise Hint("a sign: the critic gains by being steep, so the best slope is above 1.")
    if np.isclose(answer, 2.2, atol=1e-3):
        raise Hint("that is the distance that it measures, W·s. Which s is it?")
    raise Hint("set the derivative of −W·s + λ(s − 1)² in s to 0, with W = 2 and λ = 10.")


# --- 5. the curve ---------------------------------------------------------------------------------


@exercise("Reading a critic's curve")
def read_the_curves(answer):
    right = {"I": "unbounded", "II": "dead", "III": "healthy"}
    if not isinstance(answer, dict) or set(answer) != set(right):
        raise Hint('give a dictionary with the three keys "I", "II", "III".')
    if missing := [run for run, one in answer.items() if is_blank(one)]:
        raise Hint(f"{', '.join(missing)} still to do.")
    given = {run: str(one).strip().lower() for run, one in answer.items()}
    if unknown := sorted(set(given.values()) - set(right.values())):
        raise Hint(f'{unknown[0]!r} is none of "healthy", "unbounded", "dead".')
    if given["I"] == "healthy":
        raise Hint(
            "run I measures a distance far larger than anything in the picture, where all is within about"
            " 2 of all else. What lets a critic claim any number it likes?"
        )
    if given["II"] == "healthy":
        raise Hint(
            "run II ends near 0, which *looks* like success. But it was so from the first epoch on, "
            "before the generator had learnt anything: this critic does not see a difference that is "
            "there."
        )
    if given != right:
        wrong = next(run for run in right if given[run] != right[run])
        raise Hint(
            f"look at run {wrong} again, at the size of its numbers: a slope that nothing holds grows "
            "without end; a critic of twelve tiny factors cannot tell anything from anything."
        )
    return "a falling distance is good news only from a critic that could see a difference, and whose slope is held."
