"""Finds what can be seen of a GAN from outside, cheaply: its weights, its optimizers, its curves, its samples.

`gan_lessons.doctor.watching` looks at no more than this; `gan_lessons.doctor.symptoms` builds on it. Each threshold
stands beside what was measured on healthy trainings: a false alarm is worse than a miss.
"""

import math

import keras
import numpy as np

from gan_lessons._arguments import ROOM
from gan_lessons.doctor.illnesses import finding
from gan_lessons.doctor.probing import rows_of

# --- weights and curves ------------------------------------------------------------------------------------------


def weights_not_finite(gan):
    """Finds `diverging`: NaN or infinity in a weight of either player."""
    for player in ("generator", "discriminator"):
        weights = getattr(gan, player).weights
        broken = sum(not np.isfinite(_numbers(weight)).all() for weight in weights)
        if broken:
            evidence = f"NaN or infinity in {broken} of the {len(weights)} weights of the {player}."
            return finding("diverging", evidence, weights=broken)
    return None


def weights_grown(gan):
    """Finds `diverging`: trainable weights of a player with a size (`weight_size`) above 10.

    Usual initialisations give 0.02 to 0.2, and trainings that went well left no more than 0.3.
    """
    for player in ("generator", "discriminator"):
        size = weight_size(getattr(gan, player))
        if size > 10:
            evidence = f"The weights of the {player} have grown to a size of {size:.3g} (root mean square)."
            return finding("diverging", evidence, size=size)
    return None


def weight_size(player):
    """Returns √(mean of w²) over all trainable weights of a player."""
    squares = [(float(np.square(w, dtype="float64").sum()), w.size) for w in map(_numbers, player.trainable_variables)]
    return math.sqrt(sum(square for square, _ in squares) / max(1, sum(size for _, size in squares)))


def _numbers(variable):
    return np.asarray(keras.ops.convert_to_numpy(variable))


def is_loss(name):
    """Returns whether a curve of this name is a loss or a part of one."""
    return "loss" in name or name in ("distance", "penalty")


def losses_diverging(history):
    """Finds `diverging`: NaN or infinity in a curve, or a curve whose size grows without end.

    A curve grows if the size of the mean of its last quarter is above 1000, and above 10 times that of the first and
    of the second quarter. Args: {name: values}.
    """
    for name, values in history.items():
        values = np.asarray(values, "float64").ravel()
        if not is_loss(name):
            continue
        if not np.isfinite(values).all():
            first = int(np.argmax(~np.isfinite(values))) + 1
            return finding("diverging", f"{name} is not a finite number from epoch {first} on.", epoch=first)
        if len(values) >= 4:
            sizes = [abs(part.mean()) for part in np.array_split(values, 4)]
            if sizes[-1] > 1000 and sizes[-1] > 10 * max(sizes[:2]):
                evidence = (
                    f"{name} has grown from {sizes[0]:.3g} to {sizes[-1]:.3g}, means of the first and last quarter."
                )
                return finding("diverging", evidence, first=sizes[0], last=sizes[-1])
    return None


# --- optimizers --------------------------------------------------------------------------------------------------


def optimizers_of(gan):
    """Returns the optimizers among a model's attributes: a list of (attribute, optimizer)."""
    return [(name, value) for name, value in vars(gan).items() if isinstance(value, keras.optimizers.Optimizer)]


def player_in(attribute):
    """Returns the player that an optimizer is named after, as `g_optimizer` or `critic_optimizer`, or None."""
    name = attribute.lower().lstrip("_")
    for player, words in (("generator", ("g_", "gen")), ("discriminator", ("d_", "disc", "critic", "c_"))):
        if name.startswith(words):
            return player
    return None


def rates_apart(generators, discriminators):
    """Finds `learning_rates_apart` in two optimizers of one kind, either of which may be None."""
    kinds, rates = [], []
    for optimizer in (generators, discriminators):
        optimizer = getattr(optimizer, "inner_optimizer", optimizer)
        if not isinstance(optimizer, keras.optimizers.Optimizer):
            return None
        kinds.append(isinstance(optimizer, keras.optimizers.SGD))
        rates.append(float(_numbers(optimizer.learning_rate)))
    generator, discriminator = rates
    if kinds[0] != kinds[1]:
        return None
    if min(generator, discriminator) <= 0 or max(generator, discriminator) <= 30 * min(generator, discriminator):
        return None  # 0 may be where a schedule begins
    ratio = max(generator, discriminator) / min(generator, discriminator)
    evidence = (
        f"The generator's learning rate is {generator:.3g}, the discriminator's {discriminator:.3g}: a factor of "
        f"{ratio:.3g}."
    )
    return finding("learning_rates_apart", evidence, generator=generator, discriminator=discriminator, ratio=ratio)


# --- images ------------------------------------------------------------------------------------------------------


def out_of_range(images, rank, value_range):
    """Returns whether images lie in another range than a generator's.

    Args:
        images: an array of images, of any shape.
        rank: how many axes a batch of them has.
        value_range: (lowest, highest).
    """
    low, high = value_range
    lowest, highest = float(images.min()), float(images.max())
    if lowest < low - ROOM or highest > high + ROOM:
        return True
    # A single image may be bright all over; eight images without a dark pixel may not. Points may lie anywhere.
    return rank > 2 and low < 0 and len(images) >= 8 and lowest >= 0 and highest > 0


#: Until this step there is no collapse: at first every generator makes nearly the same image of all latents.
FIRST_STEPS = 1000


def few_distinct(samples, images):
    """Finds `collapsed`: few of the samples are distinct, but many of as many real images.

    Real images on another scale than the samples (bytes, which the training step scales) are not compared.

    Args:
        samples: (n, numbers).
        images: (n, numbers).
    """
    made, real = (float(np.sqrt(np.square(rows, dtype="float64").mean())) for rows in (samples, images))
    if real > 5 * max(made, 1.0):
        return None
    radius = distinct_radius(images)
    made, real = distinct(samples, radius), distinct(images, radius)
    if made >= 0.2 * real:
        return None
    evidence = f"Of {len(samples)} samples {made} are distinct; of {len(images)} real images {real} are."
    return finding("collapsed", evidence, samples=made, images=real)


def distinct_radius(images):
    """Returns a quarter of the mean distance between two real images: within it two count as the same."""
    rows = rows_of(images)[:256].astype("float64")
    return 0.25 * float(np.linalg.norm(rows - np.roll(rows, 1, axis=0), axis=1).mean())


def distinct(images, radius):
    """Returns how many images are distinct: how many balls of a radius, around images taken greedily, cover all."""
    left, count = rows_of(images).astype("float64"), 0
    while len(left):
        left = left[np.linalg.norm(left - left[0], axis=1) > radius]
        count += 1
    return count


# --- while training ----------------------------------------------------------------------------------------------


def fingerprint(gan):
    """Returns what shows whether weights and optimizers move: {player: sums of its weights}, {optimizer: its steps}."""
    sums = {
        player: [
            float(np.abs(_numbers(weight)).sum(dtype="float64")) for weight in getattr(gan, player).trainable_variables
        ]
        for player in ("generator", "discriminator")
    }
    return sums, {name: int(_numbers(optimizer.iterations)) for name, optimizer in optimizers_of(gan)}


#: So many steps must pass before resting weights are a finding: a player may have its turn in every tenth only.
_PATIENCE = 12


def weights_at_rest(gan, before, steps):
    """Finds `generator_without_gradient` or `discriminator_frozen`: one player's weights move, the other's do not.

    Args:
        gan: the model.
        before: its `fingerprint` some steps ago.
        steps: how many training steps.
    """
    if steps < _PATIENCE:
        return None
    (old, _), (new, _) = before, fingerprint(gan)
    moved = {player: old[player] != new[player] for player in old}
    if moved["discriminator"] and not moved["generator"]:
        evidence = f"In {steps} training steps none of the generator's weights changed."
        return finding("generator_without_gradient", evidence, steps=steps)
    if moved["generator"] and not moved["discriminator"]:
        evidence = f"In {steps} training steps none of D's {len(old['discriminator'])} weights changed."
        return finding("discriminator_frozen", evidence, steps=steps, moved=0)
    return None


def optimizer_at_rest(gan, before, steps):
    """Finds `leftover_optimizer`: `model.optimizer` takes no step while others do. Args: as `weights_at_rest`."""
    if steps < _PATIENCE:
        return None
    (_, ticks), (_, now) = before, fingerprint(gan)
    stepped = [name for name in now if now[name] > ticks.get(name, 0)]
    if not stepped or "optimizer" not in now or "optimizer" in stepped:
        return None
    evidence = f"model.optimizer took no step in {steps} training steps; {', '.join(stepped)} did."
    return finding("leftover_optimizer", evidence, steps=steps, optimizers=len(stepped))


def rates_of_players_apart(gan):
    """Finds `learning_rates_apart` in the optimizers that are named after the players."""
    players = {player_in(name): optimizer for name, optimizer in optimizers_of(gan)}
    return rates_apart(players.get("generator"), players.get("discriminator"))


def sure_of_all(curves):
    """Finds `discriminator_saturated` in the curves `d_real` and `d_fake`, means of D(x) and D(G(z)) over an epoch."""
    if not {"d_real", "d_fake"} <= set(curves) or not len(curves["d_real"]):
        return None
    real, fake = float(curves["d_real"][-1]), float(curves["d_fake"][-1])
    if not (0.999 < real <= 1 and 0 <= fake < 0.001):
        return None
    evidence = f"D(x) is {real:.5f} and D(G(z)) {fake:.2g}, means over an epoch."
    return finding("discriminator_saturated", evidence, real=real, generated=fake)


def one_image(rows):
    """Finds `collapsed` without real images: the spread of each pixel over samples is below 1 % of the pixels' size."""
    spread, size = float(rows.std(0).mean()), float(np.sqrt(np.square(rows).mean()))
    if spread >= 0.01 * size:
        return None
    evidence = f"From sample to sample a pixel varies by {spread:.2g}; the pixels' size is {size:.2g}."
    return finding("collapsed", evidence, spread=spread, size=size)
