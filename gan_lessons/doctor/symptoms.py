"""Recognises each illness of a GAN: one small function each, from a `Case` to a finding or None.

A `Case` holds what was seen: the data, samples, and training steps that were run under observation and undone
(`gan_lessons.doctor.probing`). Each threshold stands beside what was measured on healthy trainings: a false alarm is
worse than a miss.
"""

import math
from dataclasses import dataclass, field

import keras
import numpy as np
import tensorflow as tf

from gan_lessons import _keras, penalties, validation
from gan_lessons.doctor import probing, signs
from gan_lessons.doctor.illnesses import finding
from gan_lessons.doctor.probing import BETWEEN, GENERATED, REAL, nearest, rows_of

#: The outputs that are forced on D, to see which way the losses pull: an undecided output, and one that is sure.
UNDECIDED, SURE = 0.5, 10.0

#: Further forced outputs if D ends in a sigmoid: of its logits, or of its probabilities if the loss sees no logits.
OF_LOGITS, OF_PROBABILITIES = (3.0, -3.0), (0.999, 0.001)


@dataclass
class Case:
    """What is known of a GAN that is examined.

    Attributes:
        gan: the model.
        data: what it is trained on, as it was given.
        images: of the data, (n, …).
        steps: training steps, one after another, as they are.
        forced: {output: a step in which D output that for every image}.
        flat: a step in which D has slope 0, or None.
        traced: the generator's inputs in three traced steps, a list of arrays each: two steps on one batch, then one
            on the same batch with its samples moved on by one place.
        samples: what the generator makes, (n, …), or None.
        value_range: (lowest, highest) value that the generator can make, or None for any.
        probabilities: whether D ends in a sigmoid.
        trained: how many steps the model had been trained before.
        history: {name: values} of a training, or an empty dictionary.
        left_out: what could not be looked at, and why, a list of phrases.
    """

    gan: keras.Model
    data: object = None
    images: np.ndarray = None
    steps: list = field(default_factory=list)
    forced: dict = field(default_factory=dict)
    flat: probing.Step = None
    traced: list = field(default_factory=list)
    samples: np.ndarray = None
    value_range: tuple = None
    probabilities: bool = False
    trained: int = 0
    history: dict = field(default_factory=dict)
    left_out: list = field(default_factory=list)

    @property
    def error(self):
        """What a training step raised, or None."""
        return next((step.error for step in self.steps if step.error is not None), None)

    @property
    def translates(self):
        """Whether the generator is given images, as in image-to-image translation."""
        return any(one.shape.rank > 2 for step in self.steps for _, call in step.of("generator") for one in call.inputs)

    def shown(self, kind):
        """Returns the images of one kind that D was shown in the training steps, a list of arrays (n, …)."""
        return [
            np.asarray(keras.ops.convert_to_numpy(call.images), "float32")[call.kinds == kind]
            for step in self.steps
            for _, call in step.of("discriminator")
            if (call.kinds == kind).any()
        ]

    def compared(self):
        """Returns the real images to compare samples with, as rows: the data, or what D was shown if a step scales."""
        given = rows_of(self.images)
        shown = [rows_of(images) for images in self.shown(REAL)]
        shown = np.concatenate([rows for rows in shown if rows.shape[1] == given.shape[1]] or [given[:0]])
        scaled = len(shown) and not 0.5 < shown.std() / (given.std() + 1e-12) < 2
        return shown if scaled else given

    def pull(self, player, kind, output):
        """Returns `probing.Step.pull` with a forced output of D; an empty array if a number in it is not finite."""
        step = self.forced.get(output)
        pull = np.zeros(0) if step is None else step.pull(player, kind)
        return pull if np.isfinite(pull).all() else np.zeros(0)

    def direction(self):
        """Returns 1 if D's loss raises real images above generated ones, −1 if the other way round, 0 if neither.

        With the same output v for both kinds, the mean of ∂L/∂D(G(z)) − ∂L/∂D(x) is 1 for cross-entropy at any v, 2 for
        the Wasserstein loss and least squares: positive if real is up.
        """
        real, fake = (self.pull("discriminator", kind, UNDECIDED) for kind in (REAL, GENERATED))
        if not len(real) or not len(fake):
            return 0
        difference, size = fake.mean() - real.mean(), np.abs(fake).mean() + np.abs(real).mean()
        return 0 if abs(difference) < 0.05 * size or size == 0 else int(np.sign(difference))

    def is_linear(self):
        """Returns whether D's loss pulls with the same force at any output, as the Wasserstein objective does.

        A relativistic loss does so where D's output is the same for all images, and not at D's own outputs.
        """
        high, low = (self.pull("discriminator", GENERATED, output) for output in (SURE, -SURE))
        own = np.concatenate([step.pull("discriminator", GENERATED) for step in self.steps] or [np.zeros(0)])
        if not len(high) or own.std() > 0.01 * abs(own.mean()):
            return False
        return abs(high.mean() - low.mean()) < 0.5 * max(abs(high.mean()), abs(low.mean()))

    def by_logits(self):
        """Returns whether forced outputs are logits, behind a sigmoid of Keras's at the end of D."""
        return any(call.by_logits for step in self.steps for _, call in step.of("discriminator"))

    def has_penalty(self):
        """Returns whether D's outputs are differentiated with respect to images."""
        return any(call.penalised for step in self.steps for _, call in step.of("discriminator"))


# --- what D is shown ---------------------------------------------------------------------------------------------


def images_out_of_range(case):
    """Finds real images outside the generator's range, all on one side of its middle, constant, or not finite.

    It judges them as they were given and as D was shown them: a step may scale them itself, or add noise.
    """
    given = np.asarray(case.images, "float32")
    shown = np.concatenate([rows_of(images) for images in case.shown(REAL)] or [np.zeros((0, 1))])
    if not np.isfinite(given).all():
        broken = int((~np.isfinite(rows_of(given))).any(1).sum())
        return finding("images_out_of_range", f"NaN or infinity in {broken} of {len(given)} images.", broken=broken)
    low, high = float(given.min()), float(given.max())
    if low == high:
        return finding("images_out_of_range", f"Every pixel of {len(given)} images is {low:g}.", low=low, high=high)
    if case.value_range is None:
        return None
    made = f"the generator can make {case.value_range[0]:g} … {case.value_range[1]:g}"
    seen = [images for images in (given, shown) if len(images)]
    if all(signs.out_of_range(images, given.ndim, case.value_range) for images in seen):
        low, high = float(seen[-1].min()), float(seen[-1].max())
        evidence = f"Real images have values from {low:g} to {high:g}; {made}."
        return finding("images_out_of_range", evidence, low=low, high=high)
    # Scaled twice: in range as they were given, and then nearly all the same.
    width = float(shown.max() - shown.min()) if len(shown) else high - low
    if width < 0.05 * (case.value_range[1] - case.value_range[0]) and width < 0.1 * (high - low):
        evidence = f"D is shown real images with values from {shown.min():.3g} to {shown.max():.3g}; {made}."
        return finding("images_out_of_range", evidence, low=shown.min(), high=shown.max())
    return None


def logits_map(case):
    """Finds real and generated images of different sizes, for both of which D has an output."""
    for step in case.steps:
        sizes = {kind: [] for kind in (REAL, GENERATED)}
        for _, call in step.of("discriminator"):
            for kind in sizes:
                if (call.kinds == kind).any():
                    sizes[kind].append((tuple(call.images.shape)[1:], tuple(call.outputs.shape)[1:]))
        if sizes[REAL] and sizes[GENERATED] and sizes[REAL][0][0] != sizes[GENERATED][0][0]:
            (real, output), (fake, other) = sizes[REAL][0], sizes[GENERATED][0]
            evidence = f"D outputs {output} for real images of {real}, and {other} for generated images of {fake}."
            numbers = {"outputs_for_real": math.prod(output), "outputs_for_generated": math.prod(other)}
            return finding("logits_map", evidence, **numbers)
    return None


def noise_as_real(case):
    """Finds images without any correlation between pixels.

    r is the correlation of neighbouring pixels, across and down. It is near 0 for noise, 0.9 for photographs, and 0.8
    or more for digits. Images may be scrambled on purpose, so the largest eigenvalue of the correlation matrix of
    pixels must be that of noise too: at most (1 + √(d/n))², by Marchenko and Pastur, for n images of d pixels.
    """
    shown = case.shown(REAL)
    images = np.concatenate(shown)[:256] if shown and len({one.shape[1:] for one in shown}) == 1 else case.images[:256]
    if images.ndim != 4 or min(images.shape[1:3]) < 4 or len(images) < 8 or not np.isfinite(images).all():
        return None
    centred = images - images.mean()
    if not (variance := float((centred**2).mean())):
        return None
    across = float((centred[:, :, 1:] * centred[:, :, :-1]).mean()) / variance
    down = float((centred[:, 1:] * centred[:, :-1]).mean()) / variance
    # The spread of r for noise is 1/√(number of pixels), below 0.05 from eight images of 8×8 on.
    if max(abs(across), abs(down)) > 0.1:
        return None
    rows = rows_of(images)
    rows = (rows - rows.mean(0)) / (rows.std(0) + 1e-6)
    largest = float(np.linalg.eigvalsh(rows @ rows.T / len(rows)).max())
    edge = (1 + math.sqrt(rows.shape[1] / len(rows))) ** 2
    if largest > 1.5 * edge:
        return None
    evidence = f"Neighbouring pixels of real images have a correlation of {across:.3f} across and {down:.3f} down."
    return finding("noise_as_real", evidence, across=across, down=down)


# --- whose weights move ------------------------------------------------------------------------------------------


def generator_without_gradient(case):
    """Finds no gradient at the generator's weights, even with a forced output of D that passes all of it on."""
    if not case.gan.generator.trainable_variables:
        return finding("generator_without_gradient", "The generator has no trainable weight.", steps=0)
    if "No gradients provided" in str(case.error) and _last_owner(case.steps) == "generator":
        return finding("generator_without_gradient", "All gradients of the generator's loss are None.", gradient=0)
    if case.error is not None:
        return None
    gradients = [step.gradients("generator") for step in case.steps]
    if all(gradient is None for gradient in gradients):
        if any(step.moved["generator"] for step in case.steps):
            return None  # something other than an optimizer of Keras moves it
        evidence = f"In {len(case.steps)} training steps no optimizer was given a gradient of the generator's weights."
        return finding("generator_without_gradient", evidence, steps=len(case.steps))
    forced = case.forced.get(UNDECIDED)
    if max(g or 0 for g in gradients) == 0 and forced is not None and not forced.gradients("generator"):
        evidence = f"The largest gradient of the generator's weights in {len(case.steps)} training steps is exactly 0."
        return finding("generator_without_gradient", evidence, gradient=0)
    return None


def discriminator_frozen(case):
    """Finds that D's weights do not move in any training step, though the loss pulls them.

    A step may switch `discriminator.trainable` on for D's turn: what counts is what moves.
    """
    weights = case.gan.discriminator.trainable_variables
    if not weights and not any(step.moved["discriminator"] for step in case.steps):
        evidence = "The discriminator has no trainable weight: discriminator.trainable is False."
        return finding("discriminator_frozen", evidence, trainable_weights=0)
    if "No gradients provided" in str(case.error) and _last_owner(case.steps) == "discriminator":
        return finding("discriminator_frozen", "All gradients of the discriminator's loss are None.", gradient=0)
    if case.error is not None or not case.steps or any(step.moved["discriminator"] for step in case.steps):
        return None
    forced = case.forced.get(UNDECIDED)
    given = {step.gradients("discriminator") for step in case.steps}
    if given == {0.0} and forced is not None and forced.gradients("discriminator"):
        return None  # it does not move because it is sure of all images
    evidence = f"In {len(case.steps)} training steps none of D's {len(weights)} weights changed."
    return finding("discriminator_frozen", evidence, steps=len(case.steps), moved=0)


def _last_owner(steps):
    updates = [update for step in steps for update in step.updates]
    owners = {owned.owner for owned in updates[-1].variables} if updates else set()
    return owners.pop() if len(owners) == 1 else None


def optimizer_of_the_other(case):
    """Finds an optimizer that is named after one player and is built on, or given, the weights of the other."""
    own = {id(v): "generator" for v in case.gan.generator.variables}
    own |= {id(v): "discriminator" for v in case.gan.discriminator.variables}
    for attribute, optimizer in signs.optimizers_of(case.gan):
        player = signs.player_in(attribute)
        if player is None:
            continue
        held = [own.get(id(variable)) for variable in _keras.weights_of(optimizer)]
        given = [v.owner for step in case.steps for u in step.updates if u.optimizer is optimizer for v in u.variables]
        for what, owners in (("holds", held), ("is given", given)):
            others = sum(owner not in (None, player) for owner in owners)
            if others and others == len(owners):
                other = "discriminator" if player == "generator" else "generator"
                evidence = f"{attribute} {what} {others} weights of the {other}, and none of the {player}."
                return finding("optimizer_of_the_other", evidence, weights=others)
    for step in case.steps:
        made_for = {id(g): one.player for one in step.passes for g in one.gradients if g is not None}
        for update in step.updates:
            for gradient, variable in zip(update.gradients, update.variables, strict=False):
                player = made_for.get(id(gradient))
                if player is not None and variable.owner not in (None, player):
                    evidence = f"Gradients of the {player}'s weights are applied to weights of the {variable.owner}."
                    return finding("optimizer_of_the_other", evidence, weights=len(update.variables))
    return None


def leftover_optimizer(case):
    """Finds a `model.optimizer` that is not among the optimizers that stepped."""
    left = getattr(case.gan, "optimizer", None)
    stepped = {id(update.optimizer) for step in case.steps for update in step.updates}
    if not isinstance(left, keras.optimizers.Optimizer) or not stepped or id(left) in stepped:
        return None
    evidence = (
        f"model.optimizer is {type(left).__name__}, which took no step in {len(case.steps)} training steps; "
        f"{len(stepped)} other optimizers did."
    )
    return finding("leftover_optimizer", evidence, steps=len(case.steps), optimizers=len(stepped))


def learning_rates_apart(case):
    """Finds that the learning rates of the two players' optimizers differ by a factor of more than 30.

    It does not compare rates of different kinds of optimizer: 0.1 is usual for SGD, 2e-4 for Adam. Published settings
    have a factor of 1 to 5.
    """
    optimizers = {}
    for update in (update for step in case.steps for update in step.updates):
        owners = {owned.owner for owned in update.variables}
        if len(owners) == 1:
            optimizers[owners.pop()] = update.optimizer
    return signs.rates_apart(optimizers.get("generator"), optimizers.get("discriminator"))


# --- which way the losses pull ----------------------------------------------------------------------------------------


def swapped_labels(case):
    """Finds that D's loss does not part the two kinds, or that G's loss pulls its images away from D's real side.

    Let o = ±1 be the side of real images (`Case.direction`). With D undecided, and with D sure of the generator's
    images, the pull of G's loss on them, n · ∂L_G/∂D(G(z)), must have the sign of −o: its images are to move to the
    real side.
    """
    real, fake = (case.pull("discriminator", kind, UNDECIDED) for kind in (REAL, GENERATED))
    if not len(real) or not len(fake):
        return None
    side = case.direction()
    numbers = {"d_on_real": real.mean(), "d_on_generated": fake.mean()}
    if side == 0:
        if not np.abs(real).mean() + np.abs(fake).mean():
            return None
        evidence = (
            "D's loss pulls D's outputs for real and for generated images in the same direction: with D undecided its "
            f"slope is {real.mean():.3g} for real and {fake.mean():.3g} for generated images."
        )
        return finding("swapped_labels", evidence, **numbers)
    undecided, sure = (case.pull("generator", GENERATED, output) for output in (UNDECIDED, -side * SURE))
    if not len(undecided) or not len(sure):
        return None
    pull = undecided.mean() + sure.mean()
    if side * pull <= 0:
        return None
    words = {1: "up", -1: "down"}
    evidence = (
        f"With D undecided, D's loss moves D's outputs {words[side]} for real and {words[-side]} for generated images "
        f"(slopes {real.mean():.3g} and {fake.mean():.3g}), and G's loss moves those for generated images "
        f"{words[-side]} (slope {undecided.mean():.3g}): away from real."
    )
    return finding("swapped_labels", evidence, **numbers, g_on_generated=undecided.mean())


def sigmoid_and_logits(case):
    """Finds that D ends in a sigmoid while its loss is the cross-entropy of logits: of σ(v) in place of v.

    Keras's own cross-entropy finds the logits v behind Keras's sigmoid and repairs this, with a warning. With another
    cross-entropy the slope at v is w·(σ(σ(v)) − t)·σ′(v). Divided by σ′(v) and taken at three v, w and t drop out.
    """
    if not case.probabilities or not any(_is_double(case, kind) for kind in (REAL, GENERATED)):
        return None
    outputs = np.concatenate([step.outputs(kind) for step in case.steps for kind in (REAL, GENERATED)])
    evidence = (
        f"D's outputs lie between {outputs.min():.3g} and {outputs.max():.3g}: D ends in a sigmoid. Its loss is "
        "cross-entropy on logits."
    )
    return finding("sigmoid_and_logits", evidence, lowest=outputs.min(), highest=outputs.max())


def _is_double(case, kind):
    if not case.by_logits():
        return _is_cross_entropy(case, kind)
    points = np.array([OF_LOGITS[1], UNDECIDED, OF_LOGITS[0]])
    once = _sigma(points)
    return _moves_like(_sigma(once), _mean_slopes(case, kind, points) / (once * (1 - once)))


def _is_cross_entropy(case, kind):
    """Returns whether D's loss for images of one kind has the slope w·(σ(v) − t) at v, for some weight w and target t.

    Then (slope(½) − slope(−10)) / (slope(10) − slope(−10)) is 0.622, whatever w and t are. For least squares it is
    0.525, for a hinge 0 or 1. For a Wasserstein loss the difference is 0 and the quotient does not exist.
    """
    points = np.array([-SURE, UNDECIDED, SURE])
    return _moves_like(_sigma(points), _mean_slopes(case, kind, points))


def _mean_slopes(case, kind, points):
    """Returns the mean pull of D's loss on images of one kind at each of some forced outputs; NaN for no pull."""
    pulls = [case.pull("discriminator", kind, point) for point in points]
    return np.array([pull.mean() if len(pull) else np.nan for pull in pulls])


def _moves_like(curve, slopes):
    """Returns whether three slopes are w·(curve − t), for some w and t.

    Within 0.04 of the whole difference: labels with noise differ from one step to the next.
    """
    (first, second, third), (low, middle, high) = curve, slopes
    if not abs(high - low) > 1e-6:
        return False
    return bool(abs((second - first) / (third - first) - (middle - low) / (high - low)) < 0.04)


def _sigma(v):
    return 1 / (1 + np.exp(-np.clip(v, -50, 50)))


def target_above_one(case):
    """Finds a target of cross-entropy outside [0, 1].

    On logits the slope at the output v is w·(σ(v) − t). The mean slopes at 10 and at −10 give w = (h − l) / (σ(10) −
    σ(−10)). An image's target near 1 is σ(10) − slope(10) / w, a target near 0 is σ(−10) − slope(−10) / w. On
    probabilities the slope is w·(p − t) · (1/(1 − p) + 1/p), and the two outputs are 0.999 and 0.001.
    """
    for kind in (REAL, GENERATED):
        lowest, highest = _targets(case, kind)
        if highest > 1.002 or lowest < -0.002:
            evidence = f"The targets of {kind} images lie between {lowest:.3f} and {highest:.3f}."
            return finding("target_above_one", evidence, lowest=lowest, highest=highest)
    return None


def _targets(case, kind):
    """Returns (lowest, highest) target of D's loss for images of one kind; NaN if the loss is no cross-entropy."""
    outputs = (SURE, -SURE) if _is_cross_entropy(case, kind) else OF_PROBABILITIES
    high, low, middle = _mean_slopes(case, kind, (*outputs, UNDECIDED))
    if outputs == OF_PROBABILITIES and not abs(high - low) > 100 * abs(middle):
        return math.nan, math.nan  # it does not rise without end at 0 and 1
    top, bottom = outputs if outputs == OF_PROBABILITIES else _sigma(np.array(outputs))
    weight = (high - low) / (top - bottom)
    highest = (top - case.pull("discriminator", kind, outputs[0]) / weight).max()
    lowest = (bottom - case.pull("discriminator", kind, outputs[1]) / weight).min()
    return float(lowest), float(highest)


def discriminator_saturated(case):
    """Finds D(x) > 0.999 for 95 % of real images and D(G(z)) < 0.001 for 95 % of generated images.

    Only for cross-entropy, whose gradient then vanishes: not for a Wasserstein critic.
    """
    real = np.concatenate([step.outputs(REAL).mean(1) for step in case.steps] or [np.zeros(0)])
    fake = np.concatenate([step.outputs(GENERATED).mean(1) for step in case.steps] or [np.zeros(0)])
    side = case.direction()
    entropy = any(math.isfinite(_targets(case, kind)[0]) for kind in (REAL, GENERATED))
    if min(len(real), len(fake)) < 8 or side == 0 or not entropy:
        return None
    if not case.probabilities:
        real, fake = _sigma(real), _sigma(fake)
    if side < 0:
        real, fake = 1 - real, 1 - fake
    lowest, highest = np.quantile(real, 0.05), np.quantile(fake, 0.95)
    if not (lowest >= 0.999 and highest <= 0.001):  # true for NaN, which is sure of nothing
        return None
    evidence = (
        f"D(x) is above {lowest:.5f} for 95 % of real images, D(G(z)) below {highest:.2g} for 95 % of generated images."
    )
    return finding("discriminator_saturated", evidence, real=lowest, generated=highest)


# --- latents, modes, batches -------------------------------------------------------------------------------------


def fixed_noise(case):
    """Finds a generator that is given the same latents in one training step as in the next.

    Latents are the inputs that vary from row to row: a learned constant, as StyleGAN has it, is the same in each. What
    comes from the batch is no latent: labels, and images to translate.
    """
    inputs = [[_floating(call.inputs) for _, call in step.of("generator")] for step in case.steps]
    pairs = list(zip(inputs, inputs[1:], strict=False))
    if pairs and all(first and then and all(_among(one, first) for one in then) for first, then in pairs):
        evidence = f"In {len(inputs)} training steps the generator was given the same latents."
        return finding("fixed_noise", evidence, steps=len(inputs))
    if len(case.traced) == 3 and _not_drawn(*case.traced):
        evidence = (
            f"In {len(case.traced)} steps that TensorFlow has traced, as fit() does, the generator was given the same "
            "latents; run as plain Python the steps draw new latents."
        )
        return finding("fixed_noise", evidence, steps=len(case.traced))
    return None


def _floating(inputs):
    """Returns those of the generator's inputs that can be latents, as rows."""
    return [rows_of(one) for one in inputs if one.dtype.is_floating and one.shape.rank]


def _among(inputs, others):
    """Returns whether a call of the generator had the same inputs as one of other calls, and latents among them."""
    return any(
        len(inputs) == len(other)
        and all(map(_same_rows, inputs, other))
        and any((one != one[:1]).any() for one in inputs)
        for other in others
    )


def _same_rows(rows, others):
    return rows.shape[1] == others.shape[1] and np.array_equal(rows[: len(others)], others[: len(rows)])


def _not_drawn(first, again, rolled):
    """Returns whether a traced step draws nothing anew, and is given latents that do not come from its batch.

    What comes from the batch moves on with its samples in the third step. So latents are the numbers that stay where
    they are and are not the same in each row.
    """
    if not all(map(np.array_equal, first, again)):
        return False
    count = max(len(one) for one in first if one.ndim)
    first, rolled = (
        np.concatenate([rows_of(one) for one in step if one.ndim and len(one) == count], axis=1)
        for step in (first, rolled)
    )
    return bool(((first == rolled).all(0) & (first != first[:1]).any(0)).any())


def not_in_training_mode(case):
    """Finds a player with layers that differ in training, none of which was called with training=True."""
    for player in ("generator", "discriminator"):
        modes = [mode for step in case.steps for mode in step.training[player]]
        if modes and not any(modes):
            evidence = (
                f"The {player}'s Dropout or BatchNormalization was called {len(modes)} times, never in training mode."
            )
            return finding("not_in_training_mode", evidence, calls=len(modes))
    return None


def same_batch(case):
    """Finds that D descends more than once on the same real images within one training step."""
    for step in case.steps:
        seen = []
        for one in step.passes:
            if one.player == "discriminator":
                calls = [step.calls[index] for index in one.slopes]
                rows = [rows_of(c.images)[c.kinds == REAL] for c in calls if (c.kinds == REAL).any()]
                if rows:
                    seen.append(rows[0])
        if len(seen) > 1 and all(np.array_equal(seen[0], other) for other in seen[1:]):
            evidence = f"In one training step D took {len(seen)} steps on the same {len(seen[0])} real images."
            return finding("same_batch", evidence, steps=len(seen), images=len(seen[0]))
    return None


def cached_augmentation(case):
    """Finds a cache in a `tf.data.Dataset` that comes after an operation with random numbers."""
    if not isinstance(case.data, tf.data.Dataset):
        return None
    variant = tf.data.experimental.to_variant(case.data)
    graph = tf.compat.v1.GraphDef.FromString(
        tf.raw_ops.DatasetToGraphV2(input_dataset=variant, external_state_policy=1).numpy()
    )
    nodes = {node.name: node for node in graph.node}
    functions = {function.signature.name: function for function in graph.library.function}
    for node in graph.node:
        if node.op.startswith("CacheDataset"):
            for name in _before(node, nodes):
                if random := _random_operation(nodes[name], functions):
                    evidence = f"In the data set a cache comes after a map that draws random numbers ({random})."
                    return finding("cached_augmentation", evidence)
    return None


def _before(node, nodes, seen=None):
    """Returns the names of all nodes whose outputs a node of a graph depends on."""
    seen = set() if seen is None else seen
    for name in (source.lstrip("^").partition(":")[0] for source in node.input):
        if name in nodes and name not in seen:
            seen.add(name)
            _before(nodes[name], nodes, seen)
    return seen


def _random_operation(node, functions, depth=4):
    """Returns the name of an operation with random numbers in the functions that a node calls, or None."""
    for value in node.attr.values():
        function = functions.get(value.func.name)
        for inner in function.node_def if function is not None and depth else ():
            if "Random" in inner.op and "Dataset" not in inner.op:
                return inner.op
            if found := _random_operation(inner, functions, depth - 1):
                return found
    if node.op in functions and depth:  # a function that is called by its name
        for inner in functions[node.op].node_def:
            if "Random" in inner.op:
                return inner.op
    return None


def last_batch_loss(case):
    """Finds that `train_step` returns a number that is the result of no metric of the model's.

    If the names of the metrics are those that `train_step` returns, Keras logs the metrics' results.
    """
    for step in case.steps[1:]:
        if step.error is not None or not step.logs or set(step.logs) == set(step.metrics):
            continue
        single = {name: float(value) for name, value in step.logs.items() if np.ndim(value) == 0}
        results = [float(value) for value in step.metrics.values() if np.ndim(value) == 0]
        plain = [
            name
            for name, value in single.items()
            if not np.isclose(value, results, rtol=1e-5, atol=1e-7, equal_nan=True).any()
        ]
        if plain:
            evidence = f"train_step returns {', '.join(plain)}, which no metric of the model has as its result."
            return finding("last_batch_loss", evidence, **{name: single[name] for name in plain})
    return None


# --- penalties ---------------------------------------------------------------------------------------------------


def extrapolating_penalty(case):
    """Finds x̂ = αx + (1 − α)G(z) with α < 0 or α > 1.

    α = ⟨x̂ − G(z), x − G(z)⟩ / ‖x − G(z)‖², where x̂ lies on the line through the two.
    """
    for step in case.steps:
        calls = [call for _, call in step.of("discriminator")]
        for position, call in enumerate(calls):
            if not (call.kinds == BETWEEN).all():
                continue
            points = rows_of(call.images)
            real, fake = (_last_of(calls[:position], calls, kind, points.shape) for kind in (REAL, GENERATED))
            if real is None or fake is None:
                continue
            across = real - fake
            square = (across**2).sum(1) + 1e-12
            alpha = ((points - fake) * across).sum(1) / square
            away = np.linalg.norm(points - fake - alpha[:, None] * across, axis=1) / np.sqrt(square)
            alpha = alpha[away < 0.01]
            if len(alpha) < 0.9 * len(points) or (-0.01 <= alpha.min() and alpha.max() <= 1.01):
                continue
            low, high, outside = alpha.min(), alpha.max(), float(((alpha < 0) | (alpha > 1)).mean())
            evidence = f"α goes from {low:.2f} to {high:.2f}, and is outside [0, 1] for {outside:.0%} of the images."
            return finding("extrapolating_penalty", evidence, lowest=low, highest=high, outside=outside)
    return None


def _last_of(before, calls, kind, shape):
    """Returns the images of one kind that D was shown last before a penalty, else after it; None for other shapes."""
    for call in [*reversed(before), *calls]:
        rows = rows_of(call.images)[call.kinds == kind]
        if rows.shape == shape:
            return rows
    return None


def penalty_without_epsilon(case):
    """Finds NaN gradients for D where its slope is 0: because it was forced, or by itself in a step."""
    if case.flat is None or not case.has_penalty():
        return None
    step = next((step for step in case.steps if _not_finite(step)), case.flat)
    if not (broken := _not_finite(step)) or (step is not case.flat and not _slope_is_zero(step)):
        return None
    evidence = f"Where the critic's slope is 0, the gradients of {broken} of its weights are NaN."
    return finding("penalty_without_epsilon", evidence, weights=broken)


def _slope_is_zero(step):
    """Returns whether the gradient of D's outputs with respect to an image was 0 throughout, for some image."""
    slopes = [
        rows_of(gradient)
        for one in step.passes
        if one.player is None
        for gradient in one.gradients
        if gradient is not None
    ]
    return any((rows == 0).all(1).any() for rows in slopes)


def _not_finite(step):
    """Returns how many weights were given a gradient that is not finite; a weight with several turns counts once."""
    return len(
        {
            id(owned.variable)
            for update in step.updates
            for gradient, owned in zip(update.gradients, update.variables, strict=False)
            if gradient is not None and not np.isfinite(keras.ops.convert_to_numpy(gradient)).all()
        }
    )


def batchnorm_with_penalty(case):
    """Finds BatchNormalization in D, whose loss has the gradient of D's outputs with respect to images."""
    norms = validation.mixing_layers(case.gan.discriminator)
    if not norms or not case.has_penalty():
        return None
    evidence = f"The critic has {', '.join(norms)}, and its loss has a gradient with respect to each image."
    return finding("batchnorm_with_penalty", evidence, layers=len(norms))


def mixed_batch(case):
    """Finds a call of D, in training mode and with BatchNormalization, on real and generated images together."""
    norms = validation.mixing_layers(case.gan.discriminator)
    for step in case.steps:
        if not norms or not any(step.training["discriminator"]):
            continue
        for _, call in step.of("discriminator"):
            real, generated = ((call.kinds == kind).sum() for kind in (REAL, GENERATED))
            if real and generated:
                evidence = f"D has {', '.join(norms)}, and was called on {real} real and {generated} generated images."
                return finding("mixed_batch", evidence, layers=len(norms), real=real, generated=generated)
    return None


def slack_penalty(case):
    """Finds a mean slope of a trained Wasserstein critic between real and generated images, E‖∇D(x̂)‖, far above 1.

    Only from 200 steps on: the slope of fresh weights may be anything. A critic that is flatter is restricted, be it by a
    penalty with another target, such as 0.
    """
    if case.trained < 200 or not case.is_linear() or _wants_flatness(case):
        return None
    for _, call in (one for step in case.steps for one in step.of("discriminator")):
        if len(call.inputs) != 1 or call.images is not call.inputs[0] or not (call.kinds == BETWEEN).all():
            continue  # the critic takes more than images, which would have to be given too
        with tf.GradientTape() as tape:
            tape.watch(call.images)
            outputs = keras.ops.sum(case.gan.discriminator(call.images, training=False))
        slope = float(np.linalg.norm(rows_of(tape.gradient(outputs, call.images)), axis=1).mean())
        if slope < 2:
            return None
        evidence = f"The critic's slope between real and generated images is {slope:.3g} on average, and should be 1."
        return finding("slack_penalty", evidence, slope=slope)
    return None


def _wants_flatness(case):
    """Returns whether a penalty of this package's costs nothing for a D of slope 0: then its target is not 1."""
    points = tf.zeros((2, 1))
    found = [one for one in tf.nest.flatten(getattr(case.gan, "penalty", None)) if isinstance(one, penalties.Penalty)]
    return any(float(one(lambda x: 0.0 * x, points, points)) == 0.0 for one in found if one.per_sample)


# --- weights and curves ------------------------------------------------------------------------------------------


def diverging(case):
    """Finds weights or losses that are not finite or grow without end (`doctor.signs`), or a step that makes NaN."""
    if found := signs.weights_not_finite(case.gan):
        return found
    for index, step in enumerate(case.steps):
        broken = [f"the {player}'s weights" for player, move in step.moved.items() if not np.isfinite(move)]
        broken += [f"its {name}" for name, value in step.logs.items() if not np.isfinite(value).all()]
        if broken:
            evidence = f"Training step {index + 1} from here leaves NaN or infinity in {broken[0]}."
            return finding("diverging", evidence, steps=index + 1)
    return signs.weights_grown(case.gan) or signs.losses_diverging(case.history)


# --- samples -----------------------------------------------------------------------------------------------------


def collapsed(case):
    """Finds few distinct samples, compared with as many real images; see `signs.few_distinct`."""
    if case.samples is None or case.trained < signs.FIRST_STEPS or not np.isfinite(case.samples).all():
        return None
    images = case.compared()
    count = min(len(case.samples), len(images))
    samples, images = rows_of(case.samples)[:count], images[:count]
    if count < 32 or samples.shape[1] != images.shape[1]:
        return None
    return signs.few_distinct(samples, images)


def memorised(case):
    """Finds samples that lie far nearer to a training image than other real images do.

    It compares the median over samples of the distance to the nearest training image with the same for training
    images, each without itself. A translation of a training image may lie near one.
    """
    if case.samples is None or case.translates or not np.isfinite(case.samples).all():
        return None
    samples, images = rows_of(case.samples), case.compared()
    if samples.shape[1] != images.shape[1] or len(images) < 16:
        return None
    to_training = float(np.median(nearest(samples, images)))
    among = float(np.median(nearest(images[: len(samples)], images, itself=True)))
    if among == 0 or to_training > 0.3 * among:
        return None
    evidence = (
        f"The distance from a sample to the nearest training image is {to_training:.3g} (median), the distance from a "
        f"training image to the next is {among:.3g}."
    )
    return finding("memorised", evidence, samples=to_training, images=among)
