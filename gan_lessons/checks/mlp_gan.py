"""The exercises of lesson 02, An MLP GAN on MNIST."""

import math

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from gan_lessons import networks, objectives
from gan_lessons.checks import Hint, exercise
from gan_lessons.gan import GAN


@exercise("D's loss when it cannot tell")
def answers_half(answer):
    """D's loss when it answers ½ to every image."""
    value = float(answer)
    if math.isclose(value, 2 * math.log(2), abs_tol=2e-3):
        return (
            "2·log 2 = 1.386: log 2 for the real images and log 2 for the fakes. It is where the two players can rest."
        )
    if math.isclose(value, math.log(2), abs_tol=2e-3):
        raise Hint(
            "log 2 is the mean over the real images alone. D is asked about the fakes as well, and the two are added."
        )
    if math.isclose(value, -2 * math.log(2), abs_tol=2e-3):
        raise Hint("that is the value of the game, V = −log 4. D wants V large; its *loss*, which it descends, is −V.")
    if math.isclose(value, 2 * math.log10(2), abs_tol=2e-3):
        raise Hint("log is the natural logarithm here, as everywhere in this course: np.log, not np.log10.")
    if math.isclose(value, 2 * math.log(1 + math.exp(-0.5)), abs_tol=2e-3) or math.isclose(
        value, math.log(1 + math.exp(-0.5)) + math.log(1 + math.exp(0.5)), abs_tol=2e-3
    ):
        raise Hint("softplus wants the logit, not the probability. D answers ½ where its logit is 0, since σ(0) = ½.")
    if value in (0.0, 0.5, 1.0):
        raise Hint(
            "½ is D's answer. Its loss is −log of the probability that it gives to the truth, for both kinds, added."
        )
    raise Hint("D gives probability ½ to the truth, be the image real or fake: −log ½ for each kind. Add the two.")


@exercise("D's loss by hand")
def loss_of_logits(answer):
    """D's loss for the real logits (2, 0) and the fake logits (−2, 1)."""
    value = float(answer)
    real, fake = np.array([2.0, 0.0]), np.array([-2.0, 1.0])

    def softplus(t):
        return np.log1p(np.exp(t))

    right = softplus(-real).mean() + softplus(fake).mean()
    if math.isclose(value, right, abs_tol=5e-3):
        return (
            f"{right:.3f}, a little under 2·log 2: D is right about one real image and one fake, and "
            f"undecided or wrong else."
        )
    if math.isclose(value, 2 * right, abs_tol=5e-3):
        raise Hint(
            "you have added over the images. The loss is a mean over each kind, so that it does not grow "
            "with the batch."
        )
    if math.isclose(value, right / 2, abs_tol=5e-3):
        raise Hint(
            "that is the mean over all four images. The objective adds the two means: E over the real plus E "
            "over the fakes."
        )
    if math.isclose(value, softplus(real).mean() + softplus(-fake).mean(), abs_tol=5e-3):
        raise Hint(
            "the labels are swapped. Real is 1: the logit of a real image should be high, and "
            "softplus(−logit) is then small."
        )
    if math.isclose(value, softplus(-real).mean() + softplus(-fake).mean(), abs_tol=5e-3):
        raise Hint("you have counted the fakes as real too. A fake's label is 0: its loss is softplus(+logit).")
    if any(math.isclose(value, part.mean(), abs_tol=5e-3) for part in (softplus(-real), softplus(fake))):
        raise Hint("that is one of the two parts. Add the other kind of image.")
    if math.isclose(value, -right, abs_tol=5e-3):
        raise Hint("that is V, which D raises. A loss is what one descends: −V.")
    if not math.isfinite(value):
        raise Hint("a logit is any real number, a probability lies in (0, 1). Take log of σ(logit), not of the logit.")
    raise Hint("mean of softplus(−real_logits) plus mean of softplus(fake_logits), with softplus(t) = log(1 + eᵗ).")


@exercise("One-sided label smoothing")
def smoothed_loss(function):
    """D's loss as a function of both kinds of logits, with the target 0.9 for real images and 0 for fakes."""
    random = np.random.default_rng(0)
    real = (2 * random.normal(size=(8, 1)) + 1).astype("float32")
    fake = (2 * random.normal(size=(8, 1)) - 1).astype("float32")
    loss = _scalar(function(ops.convert_to_tensor(real), ops.convert_to_tensor(fake)))

    def mean_softplus(logits):
        return float(np.log1p(np.exp(logits)).mean())

    def with_target(target, logits):  # cross-entropy against a target between 0 and 1
        return target * mean_softplus(-logits) + (1 - target) * mean_softplus(logits)

    def is_(value):
        return math.isclose(loss, value, rel_tol=1e-4, abs_tol=1e-5)

    if is_(with_target(0.9, real) + with_target(0.0, fake)):
        far = np.full((8, 1), 200.0, "float32")
        if not math.isfinite(_scalar(function(ops.convert_to_tensor(far), ops.convert_to_tensor(far)))):
            raise Hint(
                "right for small logits, but at a logit of 200 it is not finite: log(0). Use softplus of the logits."
            )
        return (
            "D is no longer rewarded for being surer than 0.9, so its logits, and with them G's gradients, "
            "stay moderate."
        )
    if is_(with_target(1.0, real) + with_target(0.0, fake)):
        raise Hint("that is the loss without smoothing. The target for real images is to be 0.9, not 1.")
    if is_(with_target(0.9, real) + with_target(0.1, fake)):
        raise Hint(
            "you have smoothed both sides; this is *one-sided*. A target of 0.1 for fakes would reward D for "
            "finding bad fakes a little real, and G for keeping them as they are."
        )
    if is_(with_target(1.0, real) + with_target(0.1, fake)):
        raise Hint("you have smoothed the fakes. It is the real images whose target is 0.9; the fakes keep 0.")
    if is_(0.9 * mean_softplus(-real) + mean_softplus(fake)):
        raise Hint(
            "0.9 of −log D(x) only weighs the old loss. The other 0.1 belongs to the other answer: "
            "0.1·softplus(+logit), which is what stops D from growing ever surer."
        )
    if is_(with_target(0.1, real) + with_target(0.0, fake)):
        raise Hint("0.9 and 0.1 have changed places: 0.9 goes with −log D(x), which is softplus(−logit).")
    if is_(-with_target(0.9, real) - with_target(0.0, fake)):
        raise Hint("the sign: a loss is to be minimised, and a D that is right must have a small one.")
    raise Hint(
        "the cross-entropy with target y is y·softplus(−logit) + (1 − y)·softplus(logit). Take it with y = "
        "0.9 on the real logits and y = 0 on the fake ones; the mean of each; and add."
    )


@exercise("G's turn")
def generator_step(function):
    """One step of G, as a function of (generator, discriminator, optimizer, latents); it returns the loss."""
    generator, discriminator, flags = _witnessed_players()
    latents = keras.random.normal((8, 3), seed=1)
    before, d_before = generator.get_weights(), discriminator.get_weights()

    # Where each of these losses would take G's weights: the right one, and what one may have meant instead.
    candidates = {
        "right": lambda logits: ops.mean(ops.softplus(-logits)),
        "sum": lambda logits: ops.sum(ops.softplus(-logits)),
        "D's": lambda logits: ops.mean(ops.softplus(logits)),
        "minimax": lambda logits: -ops.mean(ops.softplus(logits)),
        "uphill": lambda logits: -ops.mean(ops.softplus(-logits)),
    }
    gradients = {}
    for name, loss_of in candidates.items():
        with tf.GradientTape() as tape:
            loss = loss_of(discriminator(generator(latents)))
        gradients[name] = tape.gradient(loss, generator.trainable_variables)
    expected_loss = _scalar(candidates["right"](discriminator(generator(latents))))

    flags.clear()
    rate = 0.1
    optimizer = keras.optimizers.SGD(rate)
    try:
        answer = function(generator, discriminator, optimizer, latents)
    except ValueError as error:
        if "gradient" not in str(error).lower():
            raise
        raise Hint(
            "there is no way back from the loss to G's weights: every gradient is None. In G's turn the "
            "fakes must be made *inside* the tape, and nothing on the way may be stopped or turned into "
            "NumPy."
        ) from None

    moved = [weight - old for weight, old in zip(generator.get_weights(), before, strict=True)]
    d_moved = any((weight != old).any() for weight, old in zip(discriminator.get_weights(), d_before, strict=True))

    def went(name):
        steps = zip(moved, gradients[name], strict=True)
        return all(np.allclose(step, -rate * gradient.numpy(), atol=1e-6) for step, gradient in steps)

    still = all(np.allclose(step, 0) for step in moved)
    if d_moved and still:
        raise Hint(
            "D has moved, and G has not. It is G's turn: gradients of, and a step for, generator.trainable_variables."
        )
    if d_moved:
        raise Hint("D has moved too. D is only asked in G's turn: step generator.trainable_variables alone.")
    if still and (answer is None or answer is ...):
        raise Hint("the function does nothing yet. A tape, the fakes, G's loss, its gradients, a step, `return loss`.")
    if still:
        raise Hint(
            "G's weights are where they were. Hand the gradients to the optimizer: optimizer.apply(gradients, weights)."
        )
    if went("D's"):
        raise Hint(
            "G went the wrong way: softplus(+logits) is D's loss on fakes. G wants them called real: softplus(−logits)."
        )
    if went("minimax"):
        raise Hint(
            "that is the minimax loss, log(1 − D(G(z))). It is not wrong, but it is the one that saturates "
            "when G loses; the lesson's is −log D(G(z)) = softplus(−logits)."
        )
    if went("uphill"):
        raise Hint("G climbed where it should descend: the loss is +softplus(−logits), and an optimizer minimises.")
    if went("sum"):
        raise Hint("the loss is a mean over the batch, not a sum: or else the step grows with the batch.")
    if not went("right"):
        raise Hint(
            "G moved, but not by one step down mean(softplus(−D's logits on G(latents))). Use the latents "
            "that are given, and one step."
        )
    if len(flags) < 2 or not all(flags):
        raise Hint(
            "the step is right for these networks, but a player was called without training=True. With "
            "Dropout or BatchNormalization inside, that would be another network than the one you train."
        )
    if answer is None or answer is ... or not math.isclose(_scalar(answer), expected_loss, rel_tol=1e-4):
        raise Hint(f"the step is right; now return the loss before the step, here {expected_loss:.4f}, to be logged.")
    return (
        "G moved, D did not, and the way from the loss to G's weights led through D: that is all that G ever "
        "learns from."
    )


@exercise("Spherical interpolation")
def spherical(function):
    """A function `spherical(start, end, t)`: the latent at the fraction t of the arc from start to end."""
    random = np.random.default_rng(2)
    start, end = random.normal(size=(2, 100)).astype("float32")
    points = [function(start, end, t) for t in (0.0, 0.25, 0.5, 1.0)]
    if any(point is None or point is ... for point in points):
        raise Hint("the function returns nothing yet. Does it end in `return …`?")
    points = [np.asarray(point, "float64") for point in points]
    if any(point.shape != start.shape for point in points):
        raise Hint(f"a latent on the way is a latent: it has shape {start.shape}. Received {points[1].shape}.")
    if not all(np.isfinite(point).all() for point in points):
        raise Hint(
            "there are NaNs. The angle is arccos(start · end / (‖start‖ ‖end‖)): without dividing by the two "
            "lengths, arccos is asked for numbers beyond 1."
        )
    cosine = start @ end / (np.linalg.norm(start) * np.linalg.norm(end))
    angle = np.arccos(cosine)

    def arc(t):
        return (np.sin((1 - t) * angle) * start + np.sin(t * angle) * end) / np.sin(angle)

    def near(point, other):
        return np.allclose(point, other, atol=1e-3)

    if all(near(point, arc(t)) for point, t in zip(points, (0.0, 0.25, 0.5, 1.0), strict=True)):
        lengths = [np.linalg.norm(point) for point in (start, points[2], end)]
        return (
            "the length goes from {:.2f} over {:.2f} to {:.2f}; ".format(*lengths)
            + f"the straight way would have passed at {np.linalg.norm(start + end) / 2:.2f}."
        )
    if near(points[0], end) and near(points[3], start):
        raise Hint("the arc is walked backwards: at t = 0 the weight of `start` must be 1: sin((1 − t)·ω)/sin(ω).")
    if near(points[2], (start + end) / 2):
        raise Hint(
            f"that is the straight way. Half-way its length is {np.linalg.norm(start + end) / 2:.1f}, where "
            "latents have about 10: the weights are sines of parts of the angle, not 1 − t and t."
        )
    if all(math.isclose(np.linalg.norm(point), 1, abs_tol=1e-3) for point in points):
        raise Hint(
            "all your points have length 1. Normalise only to find the angle; the arc runs between start and "
            "end themselves."
        )
    if near(points[0], np.sin(angle) * start):
        raise Hint("at t = 0 you get sin(ω)·start. Both weights have to be divided by sin(ω).")
    if near(points[0], start) and near(points[3], end):
        raise Hint(
            "the ends are right, but not the way: at t = ¼ a quarter of the *angle* must lie behind you. The "
            "weights are sin((1 − t)·ω)/sin(ω) and sin(t·ω)/sin(ω)."
        )
    raise Hint(
        "at t = 0 it must give `start`, at t = 1 `end`. With ω the angle: sin((1 − t)·ω)/sin(ω) and sin(t·ω)/sin(ω)."
    )


# --- three GANs with a defect each ----------------------------------------------------------------------


class _SwappedLabels(objectives.NonSaturating):
    """The defect "swapped": D is told that real images are fake and fakes real."""

    def discriminator_loss(self, real_logits, fake_logits):
        return super().discriminator_loss(real_logits=fake_logits, fake_logits=real_logits)


class _SigmoidTwice(objectives.NonSaturating):
    """The defect "sigmoid": D ends in a sigmoid, and the loss, which expects logits, applies another."""

    def discriminator_loss(self, real_logits, fake_logits):
        return super().discriminator_loss(ops.sigmoid(real_logits), ops.sigmoid(fake_logits))

    def generator_loss(self, fake_logits):
        return super().generator_loss(ops.sigmoid(fake_logits))

    def log(self, real_logits, fake_logits):
        return super().log(ops.sigmoid(real_logits), ops.sigmoid(fake_logits))


_DIAGNOSES = {"A": "frozen", "B": "sigmoid", "C": "swapped"}


def sick_runs(images, points=20, steps=10):
    """Trains three small GANs for a moment, each with a defect. Which has which is for the student to say.

    Args:
        images: real images of shape (n, height, width, channels) in [−1, 1].
        points: the number of entries in each history.
        steps: training steps for each entry, which is their mean.

    Returns:
        A dictionary from "A", "B" and "C" to a history with `d_loss`, `g_loss`, `d_real` and `d_fake`.
    """
    shape = images.shape[1:]
    batches = tf.data.Dataset.from_tensor_slices(images).batch(64, drop_remainder=True).repeat()
    histories = {}
    for name, defect in _DIAGNOSES.items():
        gan = GAN(
            networks.mlp_generator(shape, latent_dim=32, units=(128,)),
            networks.mlp_discriminator(shape, units=(128,)),
            latent_dim=32,
            objective={"sigmoid": _SigmoidTwice(), "swapped": _SwappedLabels()}.get(defect, "non_saturating"),
            seed=0,
        )
        gan.compile(
            # A rate of 0 is what a G comes to whose gradient has been stopped.
            generator_optimizer=keras.optimizers.Adam(0.0 if defect == "frozen" else 1e-3, beta_1=0.5),
            discriminator_optimizer=keras.optimizers.Adam(1e-3, beta_1=0.5),
            jit_compile=False,
        )
        histories[name] = gan.fit(batches, steps_per_epoch=steps, epochs=points, verbose=0).history
    return histories


@exercise("Three sick GANs")
def diagnosis(answer):
    """Which defect explains which curves of `sick_runs`: a dictionary from "A", "B", "C" to a defect."""
    known = ("frozen", "sigmoid", "swapped", "healthy")
    if not isinstance(answer, dict) or set(answer) != set(_DIAGNOSES):
        raise Hint('answer with a dictionary for all three: {"A": "healthy", "B": "healthy", "C": "healthy"}.')
    for run, defect in answer.items():
        if defect is ... or defect is None:
            raise Hint(f"{run} is still open.")
        if defect not in known:
            raise Hint(f"{run}: {defect!r} is none of {', '.join(map(repr, known))}.")
    reasons = {
        "frozen": (
            "D goes to 1 on real images and to 0 on fakes, and G's loss grows without end. There is an "
            "opponent who learns and one who does not."
        ),
        "sigmoid": (
            "look at the range of D's answers: none is below ½ and none is above 0.73 = σ(1). What kind of "
            "number must have gone into the last σ?"
        ),
        "swapped": (
            "*both* losses fall to 0, while D calls fakes real and real images fake. Two players who both "
            "win are not opponents: what would D have to be told to want the same as G?"
        ),
    }
    for run, defect in _DIAGNOSES.items():
        if answer[run] != defect:
            raise Hint(f"{run} is not {answer[run]!r}: {reasons[defect]}")
    return (
        "and note that a number alone, such as a small d_loss, would not have told C from A. Read both players' curves."
    )


def _scalar(value):
    """A loss as a number, once it is known to be one."""
    if value is None or value is ...:
        raise Hint("the function returns nothing yet. Does it end in `return …`?")
    value = np.asarray(ops.convert_to_numpy(value), "float64")
    if value.size != 1:
        raise Hint(f"a loss is one number; this has shape {value.shape}. Take the mean over the batch.")
    return float(value.reshape(()))


def _witnessed_players():
    """A tiny generator and discriminator, and the list of the `training` flags that they are called with."""
    flags = []

    class Witness(keras.layers.Layer):
        def call(self, inputs, training=None):
            flags.append(bool(training))
            return inputs

    def network(inputs, outputs, seed, activation):
        dense = keras.layers.Dense(
            outputs, activation=activation, kernel_initializer=keras.initializers.GlorotNormal(seed=seed)
        )
        return keras.Sequential([keras.Input((inputs,)), Witness(), dense])

    return network(3, 4, seed=1, activation="tanh"), network(4, 1, seed=2, activation=None), flags
