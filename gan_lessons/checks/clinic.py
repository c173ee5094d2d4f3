"""The exercises of the lesson The clinic: four instruments, and eighteen patients to name and to mend.

A patient's exercise takes the name of the illness and a class in which the faulty method has been written anew. It
looks at that method alone first, where the answer is known, and can so say what is wrong with it; then it trains the
class.
"""

import difflib
import dis
import inspect

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from gan_lessons import validation
from gan_lessons.checks import Hint, exercise
from gan_lessons.doctor import ILLNESSES

_STEPS = 200  # what a mended GAN is trained for

#: The patients of the lesson, and what each of them has.
WARD = {
    "Patient1": "images_out_of_range",
    "Patient2": "generator_without_gradient",
    "Patient3": "swapped_labels",
    "Patient4": "sigmoid_and_logits",
    "Patient5": "discriminator_frozen",
    "Patient6": "optimizer_of_the_other",
    "Patient7": "noise_as_real",
    "Patient8": "fixed_noise",
    "Patient9": "target_above_one",
    "Patient10": "not_in_training_mode",
    "Patient11": "cached_augmentation",
    "Patient12": "logits_map",
    "Patient13": "leftover_optimizer",
    "Patient14": "last_batch_loss",
    "Patient15": "penalty_without_epsilon",
    "Patient16": "extrapolating_penalty",
    "Patient17": "batchnorm_with_penalty",
    "Patient18": "same_batch",
}

# --- the instruments ------------------------------------------------------------------------------


class _Puppet:
    """Something to examine: two networks, and a training step that changes their weights by known amounts."""

    def __init__(self, generator_by, discriminator_by):
        self.generator, self.discriminator = (keras.Sequential([keras.Input((3,)), layers.Dense(2)]) for _ in range(2))
        self.by = {self.generator: generator_by, self.discriminator: discriminator_by}
        self.steps = 0

    def train_step(self, real_images):
        self.steps += 1
        for player, amounts in self.by.items():
            kernel = ops.convert_to_numpy(player.weights[0]).copy()
            kernel.ravel()[: len(amounts)] += amounts
            player.weights[0].assign(kernel)
        return {}


@exercise("Who moves?")
def who_moves(function):
    """A function from a GAN and real images to the largest change of a weight of G and of D in a training step."""
    for amounts in (([0.5, -0.25], [-2.0, 1.0]), ([0.0], [0.125])):
        gan = _Puppet(*amounts)
        answer = function(gan, np.zeros((4, 3), "float32"))
        if answer is None:
            raise Hint("the function returns nothing yet. Does it end in `return …`?")
        found = np.asarray([ops.convert_to_numpy(value) for value in np.ravel(answer)], "float64").ravel()
        if found.size != 2:
            raise Hint(f"two numbers are asked for, G's and D's, as a pair. These are {found.size}.")
        if gan.steps != 1:
            raise Hint(f"one training step is to be taken, gan.train_step(real_images). Yours takes {gan.steps}.")
        wanted = np.array([np.abs(by).max() for by in amounts])
        if np.allclose(found, wanted, atol=1e-5):
            continue
        if np.allclose(found, 0) and wanted.any():
            raise Hint(
                "both numbers are 0, though the weights have changed. Are the weights *before* a copy, taken before "
                "the step? `model.weights` are the variables themselves, and change along; `get_weights()` copies."
            )
        if np.allclose(found, wanted[::-1], atol=1e-5):
            raise Hint("the two have changed places: G first, then D.")
        if np.allclose(found, [max(0, *by) for by in amounts], atol=1e-5):
            raise Hint("a weight that falls has moved as well: take the absolute value before the maximum.")
        if np.allclose(found, [np.abs(by).sum() for by in amounts], atol=1e-5):
            raise Hint("that is the sum of all changes; the *largest* is asked for.")
        raise Hint(
            f"the largest changes were {wanted[0]:g} and {wanted[1]:g}, and yours are {found[0]:g} and {found[1]:g}. "
            "Over all arrays of a player, the maximum of |after − before|."
        )
    return (
        "Adam moves most weights by its learning rate at most. The largest move may be up to (1 − β₁)/√(1 − β₂) ≈ 16 times "
        "that, for a weight whose gradient was small before. A player that moves by 0 is not being trained."
    )


@exercise("Does D learn to tell?")
def learns_to_tell(function):
    """A function from (discriminator, step, real_images, fake_images) to the change of D's margin in a step."""
    real, fake = np.array([[1.0], [3.0]], "float32"), np.array([[-4.0], [1.0], [0.0]], "float32")
    discriminator = keras.Sequential([keras.Input((1,)), layers.Dense(1)])
    calls = []

    def step():
        calls.append(True)
        discriminator.set_weights([np.array([[1.5]]), np.array([2.0])])

    discriminator.set_weights([np.array([[0.5]]), np.array([0.0])])
    answer = function(discriminator, step, real, fake)
    if answer is None:
        raise Hint("the function returns nothing yet. Does it end in `return …`?")
    found = ops.convert_to_numpy(answer)
    if found.size != 1:
        raise Hint(f"one number is asked for; this has shape {found.shape}. The margin is a difference of two *means*.")
    found = float(found.reshape(()))
    if len(calls) != 1:
        raise Hint(f"step() is to be called once, between the two looks. It was called {len(calls)} times.")

    def margin(weight, bias, of=lambda logits: logits, total=np.mean):
        return total(of(weight * real + bias)) - total(of(weight * fake + bias))

    def sigmoid(logits):
        return 1 / (1 + np.exp(-logits))

    right = margin(1.5, 2.0) - margin(0.5, 0.0)  # 3 for each 1 that the weight grows: the means are 2 and −1
    if np.isclose(found, right, atol=1e-4):
        return "it asks whether D gets better at its job, and not whether some loss gets smaller."
    if np.isclose(found, -right, atol=1e-4):
        raise Hint("the sign is turned round: real minus fake, and after minus before.")
    if np.isclose(found, 0, atol=1e-4):
        raise Hint("you get 0: is the margin *before* computed before step() is called? D is one object, and changes.")
    if np.isclose(found, margin(1.5, 2.0), atol=1e-4):
        raise Hint("that is the margin after the step. Subtract what it was before.")
    if np.isclose(found, margin(1.5, 2.0, total=np.sum) - margin(0.5, 0.0, total=np.sum), atol=1e-3):
        raise Hint("sums depend on how many images there are. Take the mean over the real and the mean over the fakes.")
    if np.isclose(found, margin(1.5, 2.0, sigmoid) - margin(0.5, 0.0, sigmoid), atol=1e-4):
        raise Hint("use the logits as they are: a sigmoid flattens the differences of a D that is sure.")
    if np.isclose(found, 1.5 * 2 + 2.0 - 0.5 * 2, atol=1e-4):
        raise Hint("that is the change on real images alone. A D that calls *everything* real gains there too.")
    raise Hint(
        f"here the margin goes from {margin(0.5, 0.0):g} to {margin(1.5, 2.0):g}, so the answer is {right:g}; yours is "
        f"{found:g}."
    )


@exercise("How many are distinct?")
def distinct(function):
    """A function from (samples, radius) to the number of samples farther than the radius from all kept before."""
    random = np.random.default_rng(0)
    centres = 10 * np.arange(4)[:, None, None] * np.ones((4, 2, 3))
    tight = (centres[random.integers(4, size=60)] + 0.01 * random.normal(size=(60, 2, 3))).astype("float32")
    in_order = tight[np.argsort(tight[:, 0, 0])]
    if not np.isclose(found := float(function(in_order, 1.0)), 4):
        if found == 60:
            raise Hint(
                "four clouds of samples that hardly differ are counted as 60. Two samples are the same if they are "
                "*near* each other; being exactly equal is rare."
            )
        if found == 3 or found == 56:
            raise Hint(
                f"four clouds are counted as {found:g}. Is the first sample of all kept? Are those kept counted?"
            )
        raise Hint(f"60 samples in four small clouds, far apart, are four distinct ones. You count {found:g}.")
    found = float(function(tight, 1.0))
    if found > 4:
        raise Hint(
            f"the same samples in another order are counted as {found:g}, and not 4. Compare each sample with *all* "
            "that were kept, not with the one before."
        )
    line = np.arange(10, dtype="float32")[:, None, None] * np.ones((1, 2, 2), "float32")  # neighbours: distance 2
    for radius, wanted in ((1.9, 10), (2.1, 5), (100.0, 1)):
        found = float(function(line, radius))
        if found == wanted:
            continue
        if radius == 1.9:
            raise Hint(
                f"ten samples of four pixels, each one brighter than the last by 1 in every pixel: their distance is "
                f"√4 = 2, beyond the radius of 1.9, so all ten are distinct. You count {found:g}."
            )
        if radius == 2.1 and found == 1:
            raise Hint(
                "a sample is compared with those that were dropped as well: so a chain of small steps counts as one. "
                "Compare with those that were *kept*."
            )
        raise Hint(f"ten samples on a line, 2 apart, with radius {radius:g}, are {wanted}. You count {found:g}.")
    return "a collapsed generator has a handful, however many samples you draw."


@exercise("How steep is a critic?")
def slopes(function):
    """A function from (critic, points) to the length of the critic's gradient at each point."""
    random = np.random.default_rng(0)
    for shape in ((5, 2), (3, 4, 4, 1)):
        points = random.normal(size=shape).astype("float32")
        axes = tuple(range(1, len(shape)))
        answer = function(lambda x, axes=axes: ops.sum(x**2, axis=axes)[:, None] / 2, tf.constant(points))
        if answer is None:
            raise Hint("the function returns nothing yet. Does it end in `return …`?")
        found, right = ops.convert_to_numpy(answer), np.sqrt((points**2).sum(axis=axes))
        if found.size == 1:
            raise Hint("one length for each point is asked for, of shape (count,); this is one number.")
        if found.shape == shape:
            raise Hint(
                "that is the gradient itself. Its length is asked for: the root of the sum of squares, point by point."
            )
        if found.shape != right.shape:
            raise Hint(
                f"{len(points)} points of shape {shape[1:]} have {len(points)} lengths. Received shape {found.shape}."
            )
        if np.allclose(found, right, rtol=1e-4):
            continue
        if np.allclose(found, right**2, rtol=1e-4):
            raise Hint("the root is missing: that is the square of the length.")
        if np.allclose(found, right / len(points), rtol=1e-4):
            raise Hint(
                "differentiate the *sum* of the answers. Their mean divides every gradient by the number of points."
            )
        raise Hint(
            f"for D(x) = ‖x‖²/2 the gradient is x, here with lengths {np.round(right, 2)}; yours {np.round(found, 2)}."
        )
    return "one number for each point, since each has a slope of its own."


# --- what all patients share ----------------------------------------------------------------------


def _named(illness, right, hints):
    """Raises a hint unless the illness has its right name. `hints`: by wrong name; under None for all others."""
    if not isinstance(illness, str):
        raise Hint(f"the illness is one of the names on the list, as a string. Received {illness!r}.")
    given = illness.strip().lower()
    if given == right:
        return
    if given not in ILLNESSES:
        near = difflib.get_close_matches(given, ILLNESSES, n=1)
        raise Hint(f"{illness!r} is not on the list." + (f" Do you mean {near[0]!r}?" if near else ""))
    raise Hint(f"not {given!r}: {hints.get(given, hints[None])}")


_EMPTY = {"RESUME", "LOAD_CONST", "RETURN_VALUE", "RETURN_CONST", "NOP"}


def _made(mended, right):
    """The GAN of a class whose method has been written."""
    if not inspect.isclass(mended) or not issubclass(mended, keras.Model):
        raise Hint("the second answer is the class that you have mended, as in the cell: not an object of it, no name.")
    for name, method in vars(mended).items():
        is_empty = inspect.isfunction(method) and {one.opname for one in dis.get_instructions(method)} <= _EMPTY
        if method is ... or is_empty:
            raise Hint(f"the name is right, it is {right!r}. Now mend it: `{name}` is still to be written.")
    return mended()


def _moved(gan, turn):
    """By how much a call moves the weights of G, and of D."""
    players = gan.generator, gan.discriminator
    before = [player.get_weights() for player in players]
    turn()
    after = [player.get_weights() for player in players]
    return [
        max(np.abs(new - old).max() for old, new in zip(*pair, strict=True)) for pair in zip(before, after, strict=True)
    ]


def _batch(gan, data):
    """The first batch of what the GAN is trained on."""
    batches = gan.batches(data)
    if not isinstance(batches, tf.data.Dataset):
        raise Hint(
            f"`batches` returns a tf.data.Dataset, as the healthy one does. Yours returns {type(batches).__name__}."
        )
    batch = next(iter(batches))
    if batch.dtype != tf.float32 or tuple(batch.shape[1:]) != data.shape[1:]:
        raise Hint(
            f"a batch is float32, of shape {(gan.batch_size, *data.shape[1:])}. Yours is {batch.dtype.name}, "
            f"{tuple(batch.shape)}."
        )
    return batch


def _train(gan, data):
    """Trains what has been mended; what the curves say at the end, and samples."""
    batches = gan.batches(data).repeat()
    history = gan.fit(batches, steps_per_epoch=_STEPS // 4, epochs=4, shuffle=False, verbose=0).history
    samples = gan.generator(keras.random.normal((300, gan.latent_dim), seed=0), training=False)
    return {name: values[-1] for name, values in history.items()}, ops.convert_to_numpy(samples)


def _likeness(samples, pixels):
    """The correlation of the samples' mean image with that of the real images: where there is ink."""
    real = pixels.astype("float32").mean(axis=0).ravel()
    return float(np.corrcoef(samples.mean(axis=0).ravel(), real)[0, 1])


def _draws(gan, pixels):
    """Trains a GAN of digits for a moment; raises a hint unless ink comes to be where digits have it."""
    curves, samples = _train(gan, pixels)
    if not np.isfinite(samples).all():
        raise Hint(f"after {_STEPS} steps the samples are NaN. Something else has been broken on the way.")
    likeness = _likeness(samples, pixels)
    if likeness < 0.6:
        raise Hint(
            f"the line looks mended, but in {_STEPS} steps G has not learnt where digits have ink: the mean of the "
            f"samples and that of the images correlate by {likeness:.2f}. Compare the method with that of SmallGAN, "
            "line by line."
        )
    gap = curves["real_logit"] - curves["fake_logit"]
    return (
        f"after {_STEPS} steps there is ink where digits have it (correlation {likeness:.2f}), and D's gap is {gap:.1f}"
    )


def _neighbours(images):
    """The correlation of a pixel with its neighbour to the right."""
    images = np.asarray(images)
    return float(np.corrcoef(images[:, :, 1:].ravel(), images[:, :, :-1].ravel())[0, 1])


# --- first round ----------------------------------------------------------------------------------


@exercise("Patient 1")
def patient_1(illness, mended, pixels):
    """`batches` divides bytes by 255, and G ends in tanh."""
    _named(
        illness,
        WARD["Patient1"],
        {
            "discriminator_saturated": (
                "D's logits are no larger than the healthy one's: it is not sure. Which values has a real image here?"
            ),
            "noise_as_real": "the real images are real. But are they where G's images can be?",
            "collapsed": "fewer are distinct, but they are no copies of one another. What background do they try to reach?",
            None: (
                "which values can a real image have here, and which can tanh make? Look at the first line of `batches`."
            ),
        },
    )
    gan = _made(mended, WARD["Patient1"])
    batch = _batch(gan, pixels).numpy()
    low, high, mean = batch.min(), batch.max(), batch.mean()
    if low >= 0 and high <= 1:
        raise Hint(
            f"the images still lie in [{low:g}, {high:g}]. tanh makes [−1, 1]: 0 must become −1, and 255 must become 1."
        )
    if low >= 0 and high <= 2.01:
        raise Hint("from 0 to 2: the length is right, the place is not. Subtract 1.")
    if low < -1.001 or high > 1.001:
        raise Hint(f"the images now lie in [{low:g}, {high:g}]. bytes / 127.5 − 1 lies in [−1, 1].")
    if low > -0.9 or high < 0.9:
        raise Hint(f"the images lie in [{low:g}, {high:g}], a part of what tanh makes: D can tell by the range alone.")
    if (mean > 0) != (pixels.mean() > 127.5):
        raise Hint("black and white have changed places: 0 must become −1, and 255 must become 1.")
    return f"{_draws(gan, pixels)}. Print minimum and maximum of a batch before you train on it."


def _sound_generator_turn(gan, pixels):
    """Raises a hint unless `generator_turn` moves G alone, to where D calls its fakes more real."""
    _moved(gan, lambda: gan.discriminator_turn(_batch(gan, pixels)))

    def loss():
        return float(gan.g_loss(gan.discriminator(gan.generator(keras.random.normal((512, gan.latent_dim), seed=3)))))

    before, moves = loss(), []
    try:
        for _ in range(5):
            moves.append(_moved(gan, lambda: gan.generator_turn(gan.batch_size)))
        values = gan.generator_turn(gan.batch_size)
    except ValueError as error:
        if "gradient" in str(error).lower():
            raise Hint(
                "Keras refuses: every gradient is None. That is the illness itself, in words: the fakes were made "
                "before the tape began, so it knows no way from the loss to G. Make them *inside* the tape."
            ) from None
        if "variable" in str(error).lower():
            raise Hint(
                "an optimizer is given weights that it was not built on. G's turn is G's weights, with g_optimizer."
            ) from None
        raise
    by_g, by_d = np.max(moves, axis=0)
    if by_d > 0:
        raise Hint("in G's turn D moves. The gradient is asked for, and the step taken, for the *generator's* weights.")
    if by_g == 0:
        raise Hint("G still does not move. Are its fakes made inside the tape?")
    if loss() > before:
        raise Hint("G moves, and D finds its fakes more fake than before. It is to descend g_loss.")
    if not isinstance(values, dict) or "g_loss" not in values:
        raise Hint('the turn is right. It also returns what is to be logged: {"g_loss": loss}.')


@exercise("Patient 2")
def patient_2(illness, mended, pixels):
    """`generator_turn` makes the fakes before the tape, and hides the error."""
    _named(
        illness,
        WARD["Patient2"],
        {
            "discriminator_saturated": "D wins, yes. But look at the instruments: against what kind of opponent?",
            "fixed_noise": "the latents are fresh in every step. Which player moves?",
            "optimizer_of_the_other": "these are G's weights. But what gradient do they get?",
            "discriminator_frozen": "D moves. Read the first two lines of the chart's table once more.",
            "learning_rates_apart": (
                "the rates are equal. A move of exactly 0 is no small step: there is no gradient at all."
            ),
            None: "one player's largest move is exactly 0. By which way would the loss have to reach its weights?",
        },
    )
    gan = _made(mended, WARD["Patient2"])
    _sound_generator_turn(gan, pixels)
    return f"{_draws(gan, pixels)}. A loss whose gradient is None is an error that one should not silence."


def _softplus(logits):
    return float(np.logaddexp(0, logits).mean())


def _d_loss(gan, real, fake):
    loss = gan.d_loss(tf.constant(real, "float32"), tf.constant(fake, "float32"))
    if loss is None:
        raise Hint("`d_loss` returns nothing yet. Does it end in `return …`?")
    loss = ops.convert_to_numpy(loss)
    if loss.size != 1:
        raise Hint(f"a loss is one number; this has shape {loss.shape}. Take the mean.")
    return float(loss.reshape(()))


@exercise("Patient 3")
def patient_3(illness, mended, pixels):
    """`d_loss` has real and fake exchanged."""
    _named(
        illness,
        WARD["Patient3"],
        {
            "discriminator_saturated": "D is sure, but of what? Look at the *sign* of its logits on real images.",
            "generator_without_gradient": "G moves. And its loss is low: it wins. So does D. How can both win?",
            "target_above_one": "the targets are 0 and 1. Which is which?",
            None: "both losses are small, and D's own turn makes the margin *smaller*. What is it being taught?",
        },
    )
    gan = _made(mended, WARD["Patient3"])
    random = np.random.default_rng(0)
    real, fake = random.normal(1, 2, (16, 1)), random.normal(-1, 3, (16, 1))
    found = _d_loss(gan, real, fake)
    wrong = {
        _softplus(real) + _softplus(-fake): (
            "that is what the patient has: softplus(+logit) is small for a logit below 0."
        ),
        _softplus(-real) + _softplus(-fake): "now real images *and* fakes have the label 1.",
        _softplus(real) + _softplus(fake): "now real images *and* fakes have the label 0.",
        -_softplus(real) - _softplus(-fake): (
            "a minus before the whole turns D round, but −softplus is not a cross-entropy: it falls without end."
        ),
        _softplus(-real): "the fakes are missing. D is to give them the label 0.",
        _softplus(fake): "the real images are missing. D is to give them the label 1.",
    }
    for value, why in wrong.items():
        if np.isclose(found, value, rtol=1e-4):
            raise Hint(why)
    if not np.isclose(found, _softplus(-real) + _softplus(fake), rtol=1e-4):
        raise Hint(
            "real is 1: softplus(−logit), small if the logit is high. Fake is 0: softplus(+logit). The mean of each, "
            "added."
        )
    return f"{_draws(gan, pixels)}. Both losses falling to 0 is never a good sign: the players are opponents."


@exercise("Patient 4")
def patient_4(illness, mended, pixels):
    """`players` ends D in a sigmoid."""
    _named(
        illness,
        WARD["Patient4"],
        {
            "discriminator_saturated": "D's mean answers are between 0 and 1. For a *logit*, is that sure?",
            "images_out_of_range": "the images are in [−1, 1] and so is tanh. What is D's range?",
            "learning_rates_apart": "the rates are equal. What is the largest *logit* that this D can answer?",
            "swapped_labels": "the labels are right: real is above fake. How far above can it be?",
            None: "look at the range of D's mean answers in the chart. A logit is any real number.",
        },
    )
    gan = _made(mended, WARD["Patient4"])
    generator, discriminator = gan.generator, gan.discriminator
    if validation.last_activation(generator) != "tanh":
        raise Hint("G has lost its tanh: its images have to lie in [−1, 1]. It is D whose end is to be mended.")
    if tuple(discriminator.output_shape) != (None, 1):
        raise Hint(f"D answers one logit for each image, (None, 1). Yours answers {discriminator.output_shape}.")
    if (last := validation.last_activation(discriminator)) not in ("linear", None):
        raise Hint(
            f"D still ends in {last}. The loss wants a logit, which is what the last Dense layer makes by itself."
        )
    return f"{_draws(gan, pixels)}. The sigmoid is in the loss already: softplus(−t) = −log σ(t)."


@exercise("Patient 5")
def patient_5(illness, mended, pixels):
    """`set_up` freezes D for good."""
    _named(
        illness,
        WARD["Patient5"],
        {
            "generator_without_gradient": "G moves, and it wins. Which player does not?",
            "optimizer_of_the_other": "each optimizer has its own player. How many weights does D offer to its?",
            "collapsed": (
                "the samples are alike, as they are if G has only to fool a D that never learns. Why does it not?"
            ),
            "learning_rates_apart": "the rates are equal. A move of exactly 0 is no small step.",
            None: "one player's largest move is exactly 0. Which line in `set_up` is about its weights?",
        },
    )
    gan = _made(mended, WARD["Patient5"])
    if missing := [name for name in ("d_optimizer", "g_optimizer") if not hasattr(gan, name)]:
        raise Hint(f"`set_up` has to make both optimizers; there is no {missing[0]}.")
    batch = _batch(gan, pixels)
    by_g, by_d = _moved(gan, lambda: gan.discriminator_turn(batch))
    if by_d == 0:
        raise Hint(
            f"D still does not move: it offers {len(gan.discriminator.trainable_variables)} weights to be trained. "
            "In Keras 3 `trainable` counts when the step is taken, not when the model is compiled."
        )
    if gan.optimizer is not None:
        raise Hint(
            "D moves again. But compile() without optimizer=None has made a third optimizer, which steps nothing."
        )
    _sound_generator_turn(gan, pixels)
    return (
        f"{_draws(gan, pixels)}. G's turn does not move D anyway: the step is taken for G's weights alone. In Keras "
        "2 the flag was needed, and meant something else."
    )


@exercise("Patient 6")
def patient_6(illness, mended, pixels):
    """`generator_turn` steps D's weights."""
    _named(
        illness,
        WARD["Patient6"],
        {
            "generator_without_gradient": (
                "G's move is 0, as if so. But there is a gradient, and a step is taken. By whom?"
            ),
            "discriminator_frozen": "D moves; it even moves twice in a step.",
            "swapped_labels": "D's loss is right. But who else moves D, and which way?",
            "fixed_noise": "the latents are fresh. Which player's largest move is 0?",
            None: "G's largest move is exactly 0, yet g_optimizer takes a step. Whose weights does it step?",
        },
    )
    gan = _made(mended, WARD["Patient6"])
    _sound_generator_turn(gan, pixels)
    return f"{_draws(gan, pixels)}. Whether an optimizer holds the right weights can be asked: optimizer.variables."


# --- second round ---------------------------------------------------------------------------------


@exercise("Patient 7")
def patient_7(illness, mended, pixels):
    """`batches` makes noise."""
    _named(
        illness,
        WARD["Patient7"],
        {
            "images_out_of_range": "the range is right. What is *in* the range?",
            "generator_without_gradient": "G moves, and does what it is asked for. What is it shown?",
            "collapsed": "the samples all look alike to the eye, but as noise does. What does the real data look like?",
            None: "the players are well. G learns to make what D is shown as real. Look at a batch of it.",
        },
    )
    gan = _made(mended, WARD["Patient7"])
    batch = _batch(gan, pixels).numpy()
    if _neighbours(batch) < 0.3:
        raise Hint(
            f"still noise: neighbouring pixels of a batch correlate by {_neighbours(batch):.2f}; in images of digits "
            f"by {_neighbours(pixels[:500]):.2f}. `batches` is given the pixels."
        )
    if batch.min() < -1.001 or batch.max() > 1.001 or batch.min() > -0.9 or batch.max() < 0.9:
        raise Hint(f"images now, but in [{batch.min():g}, {batch.max():g}]: patient 1's illness. pixels / 127.5 − 1.")
    return f"{_draws(gan, pixels)}. Always *look* at what D is shown, just before it is shown."


@exercise("Patient 8")
def patient_8(illness, mended, pixels):
    """`latents` draws the same numbers every time."""
    _named(
        illness,
        WARD["Patient8"],
        {
            "collapsed": "it looks so on latents that G has never met. Which latents has it met?",
            "memorised": "G knows some latents by heart, rather than images. Which?",
            "same_batch": "the images are fresh in each step. What is not?",
            None: "the method has one line. What does an integer as `seed` mean to keras.random.normal?",
        },
    )
    gan = _made(mended, WARD["Patient8"])
    draw = tf.function(lambda: gan.latents(256))
    eager = [ops.convert_to_numpy(gan.latents(256)) for _ in range(2)]
    compiled = [ops.convert_to_numpy(draw()) for _ in range(2)]
    if eager[0].shape != (256, gan.latent_dim):
        raise Hint(f"latents have the shape (count, latent_dim); these have {eager[0].shape}.")
    if np.array_equal(*eager):
        raise Hint(
            "two calls still draw the same numbers. An integer seed fixes them. A SeedGenerator, such as "
            "self.random, moves on from call to call."
        )
    if np.array_equal(*compiled):
        raise Hint(
            "called twice they differ, but not within a training step: that is compiled once, and what NumPy (or "
            "Python) drew then is a constant in it. Draw with keras.random and a SeedGenerator."
        )
    if abs(eager[0].mean()) > 0.1 or abs(eager[0].std() - 1) > 0.1:
        raise Hint(f"fresh now, but not N(0, 1): mean {eager[0].mean():.2f}, standard deviation {eager[0].std():.2f}.")
    return f"{_draws(gan, pixels)}. To be reproducible, fix where a source of randomness *starts*, not what it gives."


@exercise("Patient 9")
def patient_9(illness, mended, pixels):
    """`d_loss` adds noise to the target 1."""
    _named(
        illness,
        WARD["Patient9"],
        {
            "discriminator_saturated": (
                "it is surer of real images than the healthy one, and G keeps up. What rewards it for being surer still?"
            ),
            "diverging": "nothing runs away yet. But what in the loss would never stop rewarding a surer D?",
            "sigmoid_and_logits": "D answers logits, and the loss is told so. Look at the labels.",
            "swapped_labels": "real is about 1 and fake is 0. *About* 1?",
            None: "what is the smallest value that this loss can have? Try real logits of 10, 100, 1000.",
        },
    )
    gan = _made(mended, WARD["Patient9"])
    # At a logit of 0 a cross-entropy is log 2 whatever its target is: so each side can be looked at by itself.
    sure = [_d_loss(gan, [[0.0]], [[-1000.0]]) - np.log(2) for _ in range(30)]
    if min(sure) < -1e-2:
        raise Hint("the *fakes'* target is below 0: the loss falls without end on that side.")
    if max(sure) > 1:
        raise Hint("the fakes' target is above 0. That rewards D for finding fakes a little real; it is to be 0.")
    together = [_d_loss(gan, np.full((256, 1), 1000.0), [[0.0]]) - np.log(2) for _ in range(5)]
    if min(together) < -1e-2:
        raise Hint(f"with real logits of 1000 the loss is {min(together):.1f}: the real images' target is above 1.")
    each = [_d_loss(gan, [[1000.0]], [[0.0]]) - np.log(2) for _ in range(30)]
    if min(each) < -1e-2:
        raise Hint(
            "in the mean the target is not above 1, but for some images it is. It has to stay below for each of them."
        )
    if _d_loss(gan, [[0.0]], [[5.0]]) < _d_loss(gan, [[0.0]], [[-5.0]]):
        raise Hint("D is no longer taught to call fakes fake.")
    if _d_loss(gan, [[-5.0]], [[-5.0]]) < _d_loss(gan, [[2.0]], [[-5.0]]):
        raise Hint("D is no longer taught to call real images real. Their target is near 1, and not above it.")
    return f"{_draws(gan, pixels)}. The cross-entropy of a target y has a lowest point only for y in [0, 1]."


@exercise("Patient 10")
def patient_10(illness, mended, pixels):
    """`fakes` and `logits` leave training=True out."""
    _named(
        illness,
        WARD["Patient10"],
        {
            "batchnorm_with_penalty": "BatchNormalization is in G, and there is no penalty.",
            "collapsed": "the samples differ. Which layers behave otherwise in training than in use?",
            None: (
                "which layers of these networks behave otherwise in training than in use, and how do they learn "
                "which it is?"
            ),
        },
    )
    gan = _made(mended, WARD["Patient10"])
    kinds = [layers.BatchNormalization, layers.Dropout]
    for player, kind in zip((gan.generator, gan.discriminator), kinds, strict=True):
        if not any(isinstance(layer, kind) for layer in player.layers):
            raise Hint(f"a {kind.__name__} is gone. Mend `fakes` and `logits`, in a subclass of Patient10.")
    images = _batch(gan, pixels)
    one, other = (ops.convert_to_numpy(gan.logits(images)) for _ in range(2))
    statistics = [layer.moving_mean for layer in gan.generator.layers if isinstance(layer, layers.BatchNormalization)]
    before = [ops.convert_to_numpy(mean) for mean in statistics]
    gan.fakes(64)
    moved = any((ops.convert_to_numpy(mean) != old).any() for mean, old in zip(statistics, before, strict=True))
    if np.array_equal(one, other) and not moved:
        raise Hint("neither Dropout nor BatchNormalization knows yet that it is being trained: training=True, twice.")
    if np.array_equal(one, other):
        raise Hint("G is in training mode. D's Dropout is still off: asked twice, it answers the same.")
    if not moved:
        raise Hint("D is in training mode. G's BatchNormalization still keeps statistics that never move.")
    return f"{_draws(gan, pixels)}. Outside of Keras's own train_step nobody sets the mode for you."


@exercise("Patient 11")
def patient_11(illness, mended, pixels):
    """`batches` keeps the augmented images."""
    _named(
        illness,
        WARD["Patient11"],
        {
            "same_batch": "a pass shuffles, so batches differ. Do the *images* differ, from pass to pass?",
            "memorised": "it may come to that: with how many different images is D trained?",
            "images_out_of_range": "the range is right.",
            None: "the shifts are drawn at random. How often is each image's drawn? Read the pipeline in order.",
        },
    )
    gan = _made(mended, WARD["Patient11"])
    _batch(gan, pixels)
    few = pixels[:256]
    gan.batch_size = 64
    data = gan.batches(few)
    passes = [np.concatenate([np.asarray(batch) for batch in data]) for _ in range(2)]
    plain = few.astype("float32") / 127.5 - 1

    def known(images, others):
        others = {image.tobytes() for image in np.round(others, 3)}
        return np.mean([image.tobytes() in others for image in np.round(images, 3)])

    rolled = [np.roll(plain, (down, right), (1, 2)) for down in range(-2, 3) for right in range(-2, 3)]
    if known(passes[0], plain) > 0.9:
        raise Hint("the images are no longer moved at all. That is an amputation: keep the shifts, and draw them anew.")
    if known(passes[0], np.concatenate(rolled)) < 0.9:
        raise Hint("these are not the images moved by up to two pixels. Keep `map(shifted)`, and the range [−1, 1].")
    if known(passes[1], passes[0]) > 0.9:
        raise Hint("the second pass still has the same images as the first: what is behind `map(shifted)` is kept.")
    return f"{_draws(gan, pixels)}. Cache what is always the same; after that, what is random."


@exercise("Patient 12")
def patient_12(illness, mended, pixels):
    """`players`: G makes 14×14, D takes any size."""
    _named(
        illness,
        WARD["Patient12"],
        {
            "images_out_of_range": "the values are right. What else must real images and fakes have in common?",
            "discriminator_saturated": "D tells them apart with ease. By what, before it has looked at any stroke?",
            None: "count the logits that D answers for one real image, and for one fake. The chart's table has both.",
        },
    )
    gan = _made(mended, WARD["Patient12"])
    made, real = tuple(gan.generator.output_shape[1:]), pixels.shape[1:]
    if made != real:
        if made == (14, 14, 1):
            raise Hint(
                "G still makes images of 14×14, whatever D makes of them: the size alone tells D which are real."
            )
        raise Hint(f"G makes {made}, the images are {real}.")
    if validation.last_activation(gan.generator) != "tanh":
        raise Hint("the size is right, but G no longer ends in tanh.")
    _batch(gan, pixels)
    return (
        f"{_draws(gan, pixels)}. With equal sizes a map of logits is allowed, each for a patch of the image; a D "
        "with a Dense layer would have refused other sizes at once."
    )


@exercise("Patient 13")
def patient_13(illness, mended, pixels):
    """`set_up`: compile() makes an optimizer that steps nothing, and the schedule moves that."""
    _named(
        illness,
        WARD["Patient13"],
        {
            "learning_rates_apart": "the players' rates are equal, and stay so. Which rate does the callback let fall?",
            "optimizer_of_the_other": "each player has its own. How many optimizers are there?",
            "last_batch_loss": (
                "the curves are means. Is there something that should have changed them in the second half?"
            ),
            None: "the callback lets a learning rate fall, and both players go on as before. Whose rate is it?",
        },
    )
    gan = _made(mended, WARD["Patient13"])
    if missing := [name for name in ("d_optimizer", "g_optimizer") if not hasattr(gan, name)]:
        raise Hint(f"`set_up` has to make both optimizers; there is no {missing[0]}.")
    players = gan.d_optimizer, gan.g_optimizer
    if gan.optimizer is not None and not any(gan.optimizer is one for one in players):
        raise Hint("there still is a third optimizer, and it steps nothing: compile(optimizer=None).")
    if gan.optimizer is not None:
        raise Hint(
            "no optimizer is left over, but the callback reaches only that of one player. Give *each* player's "
            "optimizer a schedule, keras.optimizers.schedules.ExponentialDecay(5e-4, 1500, 0.1), and "
            "compile(optimizer=None)."
        )
    if players[0] is players[1]:
        raise Hint("one optimizer for both: it keeps a state for each weight, and is built on one player's.")
    _moved(gan, lambda: gan.train_step(_batch(gan, pixels)))
    rates = []
    for optimizer in players:
        optimizer.iterations.assign(0)
        first = float(ops.convert_to_numpy(optimizer.learning_rate))
        optimizer.iterations.assign(1500)
        rates.append(float(ops.convert_to_numpy(optimizer.learning_rate)) / first)
        optimizer.iterations.assign(0)
    if min(rates) > 0.99:
        raise Hint(
            "no optimizer is left over. But the rates no longer fall at all, and the author wanted them to. Give "
            "each player's optimizer a schedule: keras.optimizers.schedules.ExponentialDecay(5e-4, 1500, 0.1)."
        )
    if max(rates) > 0.99:
        raise Hint("only one of the players slows down. The other needs a schedule as well.")
    if not np.allclose(rates, 0.1, atol=0.02):
        raise Hint(
            f"after 1,500 steps a tenth of the rate is to be left. Here it is {rates[0]:.2g} (D) and {rates[1]:.2g} "
            "(G)."
        )
    return f"{_draws(gan, pixels)}. A callback finds `model.optimizer`; make sure that it is one that steps."


@exercise("Patient 14")
def patient_14(illness, mended, pixels):
    """`log` returns the values of the batch."""
    _named(
        illness,
        WARD["Patient14"],
        {
            "diverging": (
                "the curve jumps about, but around the same place as the healthy one. What is a point of it made of?"
            ),
            "learning_rates_apart": "the rates are equal, and the samples are as good as the healthy ones.",
            None: "the samples are as they should be; only the curves are not. What is one point of a curve made of?",
        },
    )
    gan = _made(mended, WARD["Patient14"])
    tellings = iter([0.0, 100.0, 0.0, 300.0])
    for epoch in range(2):  # what an epoch of two batches reports
        gan.reset_metrics()
        for _ in range(2):
            values = dict.fromkeys(("d_loss", "g_loss", "real_logit", "fake_logit"), tf.constant(next(tellings)))
            reported = gan.log(values)
        if not isinstance(reported, dict) or "d_loss" not in reported:
            raise Hint("`log` returns a dictionary from name to number, with the names of `values`.")
        if set(reported) != set(values):
            raise Hint(f"{', '.join(sorted(set(values) - set(reported)))} is not reported any more.")
        found = {float(ops.convert_to_numpy(value)) for value in reported.values()}
        mean, last = (50.0, 100.0) if epoch == 0 else (150.0, 300.0)
        if found == {last}:
            raise Hint(
                f"an epoch with the losses {last - 2 * (last - mean):g} and {last:g} is reported as {last:g}, the last."
            )
        if found == {100.0} and epoch == 1:
            raise Hint("the means go on from one epoch to the next. Use self.means: Keras knows them, and resets them.")
        if found != {mean}:
            raise Hint(
                f"the mean of the epoch is {mean:g}; reported is {sorted(found)}. Does each mean take in its own value?"
            )
    return f"{_draws(gan, pixels)}. `keras.metrics.Mean` adds up, and Keras resets it when an epoch begins."


# --- third round ----------------------------------------------------------------------------------


def _arrives(gan, points):
    """Trains a WGAN on the ring for a moment; raises a hint unless its samples get to where the points are."""

    def apart(samples):
        return float(np.linalg.norm(samples[:, None] - points[:500], axis=2).min(axis=1).mean())

    start = ops.convert_to_numpy(gan.generator(keras.random.normal((300, gan.latent_dim), seed=0)))
    _, samples = _train(gan, points)
    if not np.isfinite(samples).all():
        raise Hint(f"after {_STEPS} steps the samples are NaN.")
    if apart(samples) > 0.85 * apart(start):
        raise Hint(
            f"the line looks mended, but in {_STEPS} steps the samples have hardly come nearer to the points: from "
            f"{apart(start):.2f} to {apart(samples):.2f}. Compare the method with that of SmallWGAN, line by line."
        )
    return (
        f"in {_STEPS} steps the samples have come nearer to the points, from {apart(start):.2f} to {apart(samples):.2f}"
    )


def _between(gan, count=512):
    """Where the penalty asks for the slope: α itself, since real points are 1 and fakes are 0."""
    seen, logits = [], gan.logits

    def spy(points):
        seen.append(ops.convert_to_numpy(points))
        return logits(points)

    gan.logits = spy
    try:
        gan.penalty(tf.ones((count, 2)), tf.zeros((count, 2)))
    finally:
        del gan.logits
    if not seen or seen[-1].shape != (count, 2):
        raise Hint("the penalty does not ask `self.logits` about one point for each pair.")
    return seen[-1]


def _sound_penalty(gan):
    """Raises a hint unless `penalty` is 10 E(‖∇D‖ − 1)², uniform between real and fake, finite where D is flat."""
    alpha = _between(gan)
    if np.ptp(alpha, axis=1).max() > 1e-5:
        raise Hint(
            "α differs between the coordinates of a point: then it is not on the line between the two. Shape (count, "
            "1)."
        )
    if (outside := np.mean((alpha < -1e-6) | (alpha > 1 + 1e-6))) > 0:
        raise Hint(
            f"{outside:.0%} of the points lie outside the line between a real point and a fake. α is *uniform* on [0, "
            "1]."
        )
    if np.ptp(alpha) < 1e-5:
        raise Hint("α is the same for all pairs. Draw one for each.")
    if abs(alpha.mean() - 0.5) > 0.07 or abs(alpha.var() - 1 / 12) > 0.02:
        raise Hint(
            f"the points are not evenly spread: mean α {alpha.mean():.2f}, variance {alpha.var():.3f}; not 0.50 and "
            "0.083."
        )

    critic = gan.discriminator
    weights = critic.get_weights()
    random = np.random.default_rng(0)
    real, fake = (tf.constant(random.normal(size=(64, 2)), "float32") for _ in range(2))
    try:
        critic.set_weights([np.zeros_like(weight) for weight in weights])
        with tf.GradientTape() as tape:
            flat = tf.convert_to_tensor(gan.penalty(real, fake))
        gradients = tape.gradient(flat, critic.trainable_variables)
    finally:
        critic.set_weights(weights)
    if any(gradient is not None and not np.isfinite(gradient).all() for gradient in gradients):
        raise Hint(
            "where the critic is flat the penalty's gradient is still NaN: the root has an infinite slope at 0. The "
            "ε belongs *under* the root."
        )
    if not np.isclose(float(flat), 10, rtol=0.02):
        raise Hint(
            f"a flat critic pays 10·(0 − 1)² = 10; here it pays {float(flat):.3f}. Is the ε tiny, the target 1, λ 10?"
        )

    gan.logits, slope = (lambda points: 3.0 * points[:, :1]), 3.0  # a critic whose slope is known
    try:
        found = float(gan.penalty(real, fake))
    finally:
        del gan.logits
    if not np.isclose(found, 10 * (slope - 1) ** 2, rtol=1e-3):
        raise Hint(f"a critic of slope 3 everywhere pays 10·(3 − 1)² = 40; here it pays {found:.2f}.")


@exercise("Patient 15")
def patient_15(illness, mended, points):
    """`lengths` takes the root without ε."""
    _named(
        illness,
        WARD["Patient15"],
        {
            "diverging": "not yet, its numbers are those of the healthy one. But when it does, by which operation?",
            "slack_penalty": "the penalty does its work, as long as it is a number.",
            "extrapolating_penalty": "α is uniform. Look at the line with the root.",
            None: "which operation in `lengths` has an infinite slope somewhere?",
        },
    )
    gan = _made(mended, WARD["Patient15"])
    _sound_penalty(gan)
    return f"{_arrives(gan, points)}. A penalty of NaN spreads to every weight in one step."


@exercise("Patient 16")
def patient_16(illness, mended, points):
    """`between` draws α from a normal."""
    _named(
        illness,
        WARD["Patient16"],
        {
            "slack_penalty": "the slope is held, near 1. But *where* is it asked for?",
            "penalty_without_epsilon": "the ε is there.",
            None: (
                "where does the penalty look at the slope? The instruments say how much of that is between real and "
                "fake."
            ),
        },
    )
    gan = _made(mended, WARD["Patient16"])
    _sound_penalty(gan)
    return f"{_arrives(gan, points)}. No curve tells of it: ask the penalty where it looks."


@exercise("Patient 17")
def patient_17(illness, mended, points):
    """`players` has BatchNormalization in the critic."""
    _named(
        illness,
        WARD["Patient17"],
        {
            "slack_penalty": "the slope is off, yes. Why does the penalty not see it?",
            "not_in_training_mode": "training=True is given. Is it good that the critic then looks at the whole batch?",
            None: "the answer to a point should depend on that point alone. In which layer do the others come in?",
        },
    )
    gan = _made(mended, WARD["Patient17"])
    critic = gan.discriminator
    if any(isinstance(layer, layers.BatchNormalization) for layer in critic.layers):
        raise Hint("the critic still has a BatchNormalization.")
    if tuple(critic.output_shape) != (None, 1) or tuple(gan.generator.output_shape) != (None, 2):
        raise Hint("G makes points, (None, 2), and the critic answers one number for each, (None, 1).")
    answers = [
        gan.logits(np.concatenate([points[:1], others])).numpy()[0, 0] for others in (points[1:64], points[64:127])
    ]
    if not np.isclose(*answers, rtol=1e-4, atol=1e-5):
        raise Hint("the answer to a point still depends on the others of the batch.")
    if len(critic.trainable_variables) < 4:
        raise Hint("too much has been taken out: the critic is no longer a network with hidden layers.")
    return f"{_arrives(gan, points)}. LayerNormalization, which looks at one point only, would have been allowed."


@exercise("Patient 18")
def patient_18(illness, mended, points):
    """`train_step` shows the critic the same batch five times."""
    _named(
        illness,
        WARD["Patient18"],
        {
            "fixed_noise": "the latents are fresh in each step. What is not?",
            "cached_augmentation": "nothing is augmented here. What does each of the critic's steps see?",
            "memorised": "it may come to that. What does each of the critic's five steps see?",
            None: (
                "algorithm 1 draws real images n_critic times for one step of G. Count the batches that the critic "
                "sees."
            ),
        },
    )
    gan = _made(mended, WARD["Patient18"])
    batch = _batch(gan, points)
    seen, turns = [], []
    critics, generators = gan.discriminator_turn, gan.generator_turn

    def critics_turn(fresh):
        seen.append(ops.convert_to_numpy(fresh))
        return critics(fresh)

    def generators_turn(count):
        turns.append(len(seen))
        return generators(count)

    gan.discriminator_turn, gan.generator_turn = critics_turn, generators_turn
    try:
        values = gan.train_step(batch)
    finally:
        del gan.discriminator_turn, gan.generator_turn
    steps = getattr(gan, "critic_steps", 5)
    different = len({part.tobytes() for part in seen})
    if len(seen) != steps:
        raise Hint(f"the critic is to take {steps} steps in one train_step. Here it takes {len(seen)}.")
    if len(turns) != 1:
        raise Hint(f"the generator is to take one step, after the critic's. Here it takes {len(turns)}.")
    if turns != [steps]:
        raise Hint("the generator steps before the critic has had its turns.")
    if different < steps:
        raise Hint(
            f"the critic's {steps} steps see {different} different batch{'es' if different > 1 else ''}. What "
            f"`batches` gives is {len(batch)} points, enough for {steps} times {gan.batch_size}: split it."
        )
    every = np.concatenate(seen)
    if len(np.unique(every, axis=0)) < len(every):
        raise Hint("the critic's batches overlap: some points come twice. Split the batch into parts.")
    if not isinstance(values, dict) or not {"d_loss", "g_loss"} <= set(values):
        raise Hint("the turns are right. train_step returns what is logged: self.log(values | …).")
    return f"{_arrives(gan, points)}. `gl.GAN` steps D on every batch, and G on every `discriminator_steps`-th."
